# SPDX-License-Identifier: BSD-3-Clause
# memcached behind a TAP, with its worker threads.
need ip memcached /usr/bin/python3 || return 0
network || return 0
start $TAP -d memcached -- /usr/bin/memcached -u root -t 2 -l 0.0.0.0
if until_ok "$LIMIT" $within /usr/bin/python3 -c 'import socket; socket.create_connection(("10.77.0.2", 11211), 1)'; then
    says "set and get" "memcached: fine" $within /usr/bin/python3 "$P/memcached.py" 10.77.0.2
else
    fail "$case_name" "no answer"
fi
