# SPDX-License-Identifier: BSD-3-Clause
"""multiprocessing: pools, locks, managers, shared memory; and SQLite's locks between processes."""
import multiprocessing as mp, os, sqlite3, time
from multiprocessing import shared_memory
def f(x): return x*x
def g(l,n,v):
    for i in range(n):
        with l: v.value+=1
def w(name,i):
    s=shared_memory.SharedMemory(name); s.buf[i]=i+1; s.close()
def db(path,i):
    c=sqlite3.connect(path,timeout=30)
    for j in range(50):
        with c: c.execute("insert into t values(?,?)",(i,j))
    c.close()
if __name__=="__main__":
    with mp.Pool(4) as p: print(p.map(f,range(20))); print(sum(p.imap_unordered(f,range(100))))
    l=mp.Lock(); v=mp.Value('i',0)
    ps=[mp.Process(target=g,args=(l,500,v)) for _ in range(4)]
    [p.start() for p in ps]; [p.join() for p in ps]; print(v.value)
    m=mp.Manager(); d=m.dict(); 
    def h(d,i): d[i]=i
    ps=[mp.Process(target=h,args=(d,i)) for i in range(3)]; [p.start() for p in ps]; [p.join() for p in ps]; print(sorted(d.items())); m.shutdown()
    s=shared_memory.SharedMemory(create=True,size=100)
    ps=[mp.Process(target=w,args=(s.name,i)) for i in range(3)]; [p.start() for p in ps]; [p.join() for p in ps]; print(list(s.buf[:3])); s.close(); s.unlink()
    q=mp.Queue(); p=mp.Process(target=lambda q: [q.put(i) for i in range(1000)],args=(q,)); p.start(); print(sum(q.get() for _ in range(1000))); p.join()
    e=mp.Event(); b=mp.Barrier(3); p=[mp.Process(target=lambda: b.wait()) for _ in range(2)]; [x.start() for x in p]; b.wait(); [x.join() for x in p]; print([x.exitcode for x in p])
    path="/tmp/clade-mp.db"
    for mode in ("delete","wal"):
        if os.path.exists(path): os.unlink(path)
        c=sqlite3.connect(path); c.execute("pragma journal_mode="+mode); c.execute("create table t(a,b)"); c.commit(); 
        ps=[mp.Process(target=db,args=(path,i)) for i in range(3)]; [x.start() for x in ps]; [x.join() for x in ps]
        print(mode,c.execute("select count(*) from t").fetchone(), c.execute("pragma integrity_check").fetchone()); c.close(); os.unlink(path)
    for meth in ("spawn","forkserver"):
        ctx=mp.get_context(meth)
        with ctx.Pool(2) as p: print(meth,p.map(f,[1,2,3]))
