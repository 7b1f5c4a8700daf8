# SPDX-License-Identifier: Apache-2.0
"""Serves /metrics and /health on port 5000 for as long as the container lives, as the trainer's image does."""

import http.server


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path in ("/metrics", "/health") else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words):
        pass


http.server.ThreadingHTTPServer(("0.0.0.0", 5000), Handler).serve_forever()
