# SPDX-License-Identifier: BSD-3-Clause
# MariaDB: a cluster made by its scripts, transactions, the server killed, recovery, a clean end.
. "${0%/*}/lib.sh"
mkdir -p /srv/db /run/mysqld
chown mysql:mysql /srv/db /run/mysqld
cd /srv || exit
mariadb-install-db --user=mysql --datadir=/srv/db --skip-test-db >install.log 2>&1 || { cat install.log; exit 1; }
serve() {
    mariadbd --no-defaults --user=mysql --datadir=/srv/db --socket=/run/mysqld/s --skip-networking >>log 2>&1 &
    server=$!
    await mariadb-admin --socket=/run/mysqld/s ping
}
query() { mariadb --socket=/run/mysqld/s -Ne "$1"; }
serve
query 'create database d; use d; create table t (a int primary key auto_increment, b varchar(100)) engine=innodb;
    insert into t (b) values ("x"), ("y"), ("z"); insert into t (b) select concat(t1.b, t2.b, t3.b) from t t1, t t2, t t3;
    insert into t (b) select concat(t1.b, t2.b) from t t1, t t2;'
is rows "$(query 'select count(*) from d.t')" 930
kill -9 $server
wait $server
serve
is "rows after recovery" "$(query 'select count(*) from d.t')" 930
is check "$(query 'check table d.t' | cut -f 4)" OK
mariadb-admin --socket=/run/mysqld/s shutdown
must wait $server
echo fine
