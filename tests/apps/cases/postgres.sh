# SPDX-License-Identifier: BSD-3-Clause
# PostgreSQL: one process a connection, shared memory, semaphores, signals, crash recovery.
need /usr/lib/postgresql/15/bin/postgres setpriv || return 0
transactions=20
[ -z "${CLADE_LONG-}" ] || transactions=1000
unikernel cluster -o "--net none --deb postgresql-15 --deb util-linux --deb coreutils --deb bash --deb sed --deb grep --deb dash --add $P/postgres.sh" \
    "after the crash of a backend: 10000" /bin/bash "$P/postgres.sh" $transactions
