import queue
import threading

work, results = queue.Queue(), queue.Queue()


def worker():
    while (n := work.get()) is not None:
        results.put(sum(i for i in range(n) if n % (i + 1) == 0))


threads = [threading.Thread(target=worker) for _ in range(8)]
for t in threads:
    t.start()
for n in range(1000, 1200):
    work.put(n)
for _ in threads:
    work.put(None)
for t in threads:
    t.join()
print(sum(results.get() for _ in range(200)), threading.active_count())
e = threading.Event()
print(e.wait(0.05))
