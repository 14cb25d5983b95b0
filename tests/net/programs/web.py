# SPDX-License-Identifier: BSD-3-Clause
"""A web server in threads and its client, by loopback, small and large."""
import http.server
import threading
import urllib.request


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b"x" * int(self.path[1:])
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[::-1])

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = "http://127.0.0.1:%d/" % server.server_port
for size in (0, 10, 1000, 100000, 5000000):
    for _ in range(5):
        assert len(urllib.request.urlopen(url + str(size)).read()) == size
data = bytes(i * 7 & 255 for i in range(1000000))
assert urllib.request.urlopen(url, data=data).read() == data[::-1]


def many():
    for _ in range(20):
        assert len(urllib.request.urlopen(url + "3000").read()) == 3000


clients = [threading.Thread(target=many) for _ in range(8)]
for c in clients:
    c.start()
for c in clients:
    c.join()
server.shutdown()
print("web: fine")
