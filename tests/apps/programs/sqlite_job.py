import sqlite3

db = sqlite3.connect("/tmp/clade-test.db" if False else ":memory:")
db.execute("create table t (id integer primary key, name text, n integer)")
db.executemany("insert into t (name, n) values (?, ?)", ((f"row {i}", i * i % 1009) for i in range(20000)))
db.execute("create index t_n on t (n)")
print(db.execute("select count(*), sum(n), max(name) from t where n between 100 and 500").fetchone())
print(db.execute("pragma integrity_check").fetchone())
