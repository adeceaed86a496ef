py <<'P'
import sqlite3
c = sqlite3.connect("db"); c.execute("create table t(a integer primary key, b text)")
for i in range(20):
    with c: c.executemany("insert into t(b) values (?)", [("row %d %d" % (i, j),) for j in range(20)])
with c: c.execute("delete from t where a % 3 = 0")
print(c.execute("select count(*), sum(length(b)) from t").fetchone(), c.execute("pragma integrity_check").fetchone()); c.close()
c = sqlite3.connect("db"); print(c.execute("select b from t where a = 100").fetchone())
P
ls
