# SPDX-License-Identifier: Apache-2.0
"""A hostile API server for the webhook: api_server.py MODE CERTIFICATE KEY. Prints its port.

config-maps N: the tenants' ConfigMaps, a megabyte each, N of one namespace and as many of others; on SIGUSR1 they are
deleted.
events N: each watch tells of N objects that are too large to be kept.
flood N: as config-maps; the lists of Pods and Jobs have no end, the one without items, the other with a megabyte a page,
the watches of Nodes and Workspaces tell of objects of 8 MB all the time, and no single object can be read.
"""
import http.server
import json
import signal
import ssl
import sys
import threading
import time
from urllib.parse import parse_qs, urlsplit

mode, number = sys.argv[1].split(":")
number = int(number)
CONFIG, REST = "x: " + "y" * 60000, "z" * 940000
KINDS = {"configmaps": "ConfigMap", "nodes": "Node", "workspaces": "Workspace", "jobs": "Job", "pods": "Pod",
         "nodeclaims": "NodeClaim"}
deleted = threading.Event()
signal.signal(signal.SIGUSR1, lambda *_: deleted.set())


def config_map(index):
    namespace = "tenant" if index < number else f"other-{index}"
    return {"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": f"c{index}", "namespace": namespace, "uid": f"u{index}", "resourceVersion": str(index + 10)},
            "data": {"training_config.yaml": CONFIG, "rest": REST}}


def large(kind, size):
    return {"metadata": {"name": f"large-{size}", "namespace": "tenant", "resourceVersion": "7",
                         "labels": {"kaito.sh/workspace": "w"}, "annotations": {"a": "b" * size}}, "kind": kind}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, value, code=200):
        body = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def line(self, data):
        self.wfile.write(b"%x\r\n%s\n\r\n" % (len(data) + 1, data))

    def watch(self, kind):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if mode == "events" and kind == "configmaps":
            # These fill the namespace's share, but for less than any of the rest needs.
            for index in range(40):
                event = dict(config_map(index), data={"training_config.yaml": "z" * 61000})
                self.line(json.dumps({"type": "ADDED", "object": event}).encode())
            small = dict(config_map(0), data={"training_config.yaml": "z" * 20000})
            event = json.dumps({"type": "ADDED", "object": small}).encode()
            for index in range(number):
                self.line(event.replace(b'"c0"', b'"small%d"' % index))
            print("told", flush=True)
        told = False
        while True:
            if mode == "flood" and kind in ("nodes", "workspaces"):
                self.line(json.dumps({"type": "ADDED", "object": large(KINDS[kind], 8000000)}).encode())
            if mode != "events" and kind == "configmaps" and deleted.is_set() and not told:
                told = True
                for index in range(2 * number):
                    self.line(json.dumps({"type": "DELETED", "object": config_map(index)}).encode())
            self.line(b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"100000"}}}')
            time.sleep(0.3)

    def do_GET(self):
        url = urlsplit(self.path)
        query, kind = parse_qs(url.query), url.path.rstrip("/").split("/")[-1]
        if mode == "flood" and "/configmaps/" in url.path:
            self.answer({"kind": "Status", "status": "Failure", "reason": "InternalError", "code": 500}, 500)
        elif kind not in KINDS:
            self.answer({"kind": "List", "metadata": {"resourceVersion": "1"}, "items": []})
        elif "watch" in query:
            self.watch(kind)
        elif mode == "flood" and kind in ("pods", "jobs"):
            items = [large(KINDS[kind], 1000000)] if kind == "jobs" else []
            self.answer({"kind": KINDS[kind] + "List", "metadata": {"resourceVersion": "5", "continue": "on"}, "items": items})
        else:
            first, limit = int(query.get("continue", ["0"])[0]), int(query.get("limit", ["500"])[0])
            count = 2 * number if mode != "events" and kind == "configmaps" and not deleted.is_set() else 0
            last = min(first + limit, count)
            metadata = {"resourceVersion": "5", **({"continue": str(last)} if last < count else {})}
            self.answer({"kind": KINDS[kind] + "List", "metadata": metadata,
                         "items": [config_map(index) for index in range(first, last)]})

    def do_other(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.answer({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}, 404)

    do_POST = do_PATCH = do_PUT = do_DELETE = do_other

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
server = Server(("127.0.0.1", 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
print("port", server.server_port, flush=True)
server.serve_forever()
