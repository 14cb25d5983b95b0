# SPDX-License-Identifier: BSD-3-Clause
# CPython's own tests of sockets. Left out, see docs/limits.md: UDP-Lite.
need /usr/bin/python3 /usr/lib/python3.11/test/test_socket.py || return 0
suite() {
    inside "$1" "Tests result: SUCCESS" -d python3 -d libpython3.11-testsuite -e PYTHONDONTWRITEBYTECODE=1 -- \
        /usr/bin/python3 -m test -u network "$@"
}
suite test_socket -i '*UDPLITE*' -i '*InterfaceNameIndex*' -i '*scopeid_symbolic*'
suite test_socketserver
suite test_httplib
suite test_httpservers
suite test_ssl
suite test_select
suite test_epoll
