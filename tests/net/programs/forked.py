# SPDX-License-Identifier: BSD-3-Clause
"""curl in children, a server in the parent; then a server that forks for each connection."""
import http.server
import os
import socketserver
import subprocess
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"forked\n" * 1000
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Forking(socketserver.ForkingMixIn, http.server.HTTPServer):
    pass


for kind in (http.server.HTTPServer, Forking):
    server = kind(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = "http://127.0.0.1:%d/" % server.server_port
    for _ in range(3):
        got = subprocess.run(["/usr/bin/curl", "-sS", "--max-time", "10", url], capture_output=True)
        assert got.returncode == 0, got.stderr
        assert got.stdout == b"forked\n" * 1000, len(got.stdout)
    server.shutdown()
print("forked: fine")
