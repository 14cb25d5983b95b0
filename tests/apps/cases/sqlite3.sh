# SPDX-License-Identifier: BSD-3-Clause
need sqlite3 || return 0
# A database of about 100 MB on tmpfs, checked.
cat >"$T/big.sql" <<'SQL'
pragma journal_mode = wal;
create table t (id integer primary key, name text, body blob);
with recursive c(n) as (select 1 union all select n + 1 from c where n < 100000)
insert into t select n, 'row ' || n, zeroblob(900) || hex(n * 7919 % 1000003) from c;
create index t_name on t (name);
delete from t where id % 10 = 3;
update t set name = name || '!' where id % 7 = 0;
vacuum;
pragma integrity_check;
select count(*), min(name), max(name), sum(length(body)) from t;
select page_count * page_size > 80000000 from pragma_page_count, pragma_page_size;
SQL
rm -f /tmp/clade-test-big.db*
same 100-megabytes -i "$T/big.sql" /usr/bin/sqlite3 /tmp/clade-test-big.db
rm -f /tmp/clade-test-big.db*
same memory -i "$T/big.sql" /usr/bin/sqlite3 :memory:
