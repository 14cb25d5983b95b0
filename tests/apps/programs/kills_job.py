# SPDX-License-Identifier: BSD-3-Clause
"""Members that are killed under load, that fault, that are too many, and process groups."""
import os,signal,time,sys,subprocess,random,resource
# kill -9 under load
t=time.time(); n=0
while n<300:
    ps=[]
    for i in range(5):
        p=os.fork()
        if p==0:
            if i%2:
                while True: os.getpid()
            elif i==2:
                r,w=os.pipe(); os.read(r,1)
            else:
                while True:
                    q=os.fork()
                    if q==0: os._exit(0)
                    os.waitpid(q,0)
        ps.append(p)
    time.sleep(random.random()*0.01)
    for p in ps: os.kill(p,9)
    for p in ps:
        s=os.waitpid(p,0)[1]; assert s==9,s
    n+=5
print("kills ok",flush=True)
# orphans: reaped by us (pid 1) or gone
while True:
    try: os.waitpid(-1,0)
    except ChildProcessError: break
print("no children",flush=True)
# segfault
p=os.fork()
if p==0:
    import ctypes; ctypes.string_at(0)
print(os.WTERMSIG(os.waitpid(p,0)[1]))
# nproc limit
resource.setrlimit(resource.RLIMIT_NPROC,(20,20))
if os.getuid()==0: os.setgroups([]); os.setgid(1000); os.setuid(1000)
ps=[]
try:
    for i in range(100):
        p=os.fork()
        if p==0: time.sleep(100); os._exit(0)
        ps.append(p)
    print("no limit!")
except OSError as e: print("limited",e.errno)
for p in ps: os.kill(p,9)
for p in ps: os.waitpid(p,0)
# process group
p=os.fork()
if p==0:
    os.setpgid(0,0)
    for i in range(3):
        if os.fork()==0: time.sleep(100)
    time.sleep(100)
time.sleep(0.2); os.killpg(p,signal.SIGTERM); print(os.waitpid(p,0)[1])
print(len([x for x in os.listdir('/proc') if x.isdigit()]) < 300)
