#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""data_server.py ADDRESS PORT LOG: training data over HTTP. In the path /HOW/.../NAME the first part says how the server
behaves, the parts between are words for the stand-in trainer (rows.py):

  ok        the rows                                  empty     200 and nothing
  404, 403, 500                                       cut       half of what was promised, then the end, each time
  flaky     503 twice, then the rows                  cut-once  the same once; goes on where it is asked to (Range)
  redirect  302 to ok                                 slow      a few bytes a moment
  hangs     accepts, and never answers

LOG gets a line "STATUS PATH" for each request."""

import http.server
import sys
import time

from rows import rows

DRIP_SECONDS = 0.1
seen = {}
log = None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        how, *words = self.path.split("?")[0].strip("/").split("/")[:-1] or ["404"]
        body = rows(words).encode()
        seen[self.path] = seen.get(self.path, 0) + 1
        if how == "hangs":
            time.sleep(600)
        if how.isdigit():
            return self.answer(int(how), b"no\n")
        if how == "flaky" and seen[self.path] <= 2:
            return self.answer(503, b"later\n")
        if how == "redirect":
            return self.answer(302, b"", {"Location": "/".join(["/ok", *self.path.split("/")[2:]])})
        if how == "empty":
            return self.answer(200, b"")
        is_cut = how == "cut" or (how == "cut-once" and seen[self.path] == 1)
        return self.send_rows(body, is_cut, DRIP_SECONDS if how == "slow" else 0)

    def send_rows(self, body, is_cut, pause):
        start = int(self.headers.get("Range", "bytes=0-")[6:].split("-")[0])
        status = 206 if start else 200
        if start >= len(body):
            return self.answer(416, b"")
        self.begin(status, len(body) - start, {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if start else {})
        rest = body[start:]
        if is_cut:
            rest = rest[: len(rest) // 2]
            self.close_connection = True
        for at in range(0, len(rest), 200 if pause else len(rest)):
            self.wfile.write(rest[at : at + (200 if pause else len(rest))])
            self.wfile.flush()
            time.sleep(pause)

    def begin(self, status, length, headers):
        log.write(f"{status} {self.path}\n")
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def answer(self, status, body, headers=None):
        self.begin(status, len(body), headers or {})
        self.wfile.write(body)

    def log_message(self, *words):
        pass


if __name__ == "__main__":
    log = open(sys.argv[3], "a", buffering=1, encoding="utf-8")
    http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
