#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""registry.py ADDRESS FOLDER: a registry of images (OCI distribution), with TLS by FOLDER/tls.crt and tls.key, on

  5000  the registry                                   5002  the same with a certificate that nobody trusts
  5001  "elsewhere": tokens and blobs                   5003  the same without TLS

User "user" with password "password" may do everything that is not said otherwise here. How it behaves is said by the first
part of a repository's name:

  public     anybody may pull
  denied     403 to everybody              full       507 when a blob is stored
  read-only  405 to each write             absent     404 to each write: repositories are not made by a push
  token      a Bearer token is wanted, which 5001 gives for the user's name and password
  redirect   blobs come from 5001                     flaky  503 to the first three writes
  slow       each request takes half a second          hangs  a write gets no answer

FOLDER/log gets a line "STATUS METHOD PATH" for each request. What was pushed is in memory. GET /state: repositories with
their tags, and the number of uploads that are neither finished nor cancelled."""

import base64
import hashlib
import http.server
import json
import re
import ssl
import sys
import threading
import time
import uuid

CREDENTIAL = "Basic " + base64.b64encode(b"user:password").decode()
TOKEN = "Bearer good"
REALM = {"Www-Authenticate": 'Basic realm="tests"'}
ELSEWHERE = "https://elsewhere.example.com:5001"
HANG_SECONDS = 600

blobs, manifests, uploads, writes = {}, {}, {}, {}
lock = threading.Lock()
log = None
address = None


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Refusal(Exception):
    def __init__(self, status, code, message, headers=None):
        super().__init__(message)
        self.status, self.headers = status, headers or {}
        self.body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120

    def handle_any(self):
        body = self.read_body()
        try:
            self.route(body)
        except Refusal as refusal:
            self.answer(refusal.status, refusal.body, {"Content-Type": "application/json", **refusal.headers})

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    # --- who may do what -------------------------------------------------------------------------------------------

    @property
    def is_write(self):
        return self.command not in ("GET", "HEAD")

    def authenticate(self, kind, repository):
        given = self.headers.get("Authorization", "")
        if kind == "token":
            scope = f"repository:{repository}:pull,push"
            challenge = f'Bearer realm="{ELSEWHERE}/token",service="tests",scope="{scope}"'
            if given != TOKEN:
                raise Refusal(401, "UNAUTHORIZED", "authentication required", {"Www-Authenticate": challenge})
        elif given != CREDENTIAL and (kind != "public" or self.is_write):
            raise Refusal(401, "UNAUTHORIZED", "authentication required", REALM)

    def behave(self, kind, repository):
        if kind == "slow":
            time.sleep(0.5)
        if kind == "hangs" and self.is_write:
            time.sleep(HANG_SECONDS)
        if kind == "denied":
            raise Refusal(403, "DENIED", "requested access to the resource is denied")
        if not self.is_write:
            return
        if kind == "read-only":
            raise Refusal(405, "UNSUPPORTED", "the registry is in read-only mode")
        if kind == "absent":
            raise Refusal(404, "NAME_UNKNOWN", "repository name not known to registry")
        with lock:
            writes[repository] = writes.get(repository, 0) + 1
            if kind == "flaky" and writes[repository] <= 3:
                raise Refusal(503, "UNAVAILABLE", "try again later")
        if kind == "full" and self.command in ("PATCH", "PUT"):
            raise Refusal(507, "UNKNOWN", "insufficient storage")

    # --- what there is ---------------------------------------------------------------------------------------------

    def route(self, body):
        path, _, query = self.path.partition("?")
        if path == "/state":
            with lock:
                state = {"tags": sorted(f"{name}:{tag}" for name, tag in manifests), "uploads": len(uploads)}
            return self.answer(200, json.dumps(state).encode())
        if path == "/token":
            if self.headers.get("Authorization") != CREDENTIAL:
                raise Refusal(401, "UNAUTHORIZED", "incorrect username or password", REALM)
            return self.answer(200, b'{"token": "good"}', {"Content-Type": "application/json"})
        if path in ("/v2/", "/v2"):
            self.authenticate("basic", "")
            return self.answer(200, b"{}")
        found = re.fullmatch(r"(/elsewhere)?/v2/(.+)/(blobs/uploads|blobs|manifests|tags)/([^/]*)", path)
        if not found:
            raise Refusal(404, "NAME_UNKNOWN", "no such place")
        is_elsewhere, repository, what, name = found.groups()
        kind = repository.split("/")[0]
        if not is_elsewhere:
            self.authenticate(kind, repository)
        self.behave(kind, repository)
        serve = {"blobs": self.blob, "blobs/uploads": self.upload, "manifests": self.manifest, "tags": self.tags}
        return serve[what](repository, name, query, body)

    def blob(self, repository, digest, _query, _body):
        if digest not in blobs:
            raise Refusal(404, "BLOB_UNKNOWN", "blob unknown to registry")
        if repository.startswith("redirect/") and not self.path.startswith("/elsewhere"):
            return self.answer(307, b"", {"Location": f"{ELSEWHERE}/elsewhere{self.path}"})
        return self.answer(200, blobs[digest], {"Docker-Content-Digest": digest})

    def upload(self, repository, name, query, body):
        if self.command == "POST":
            name = str(uuid.uuid4())
            with lock:
                uploads[name] = b""
            return self.answer(202, b"", {"Location": f"/v2/{repository}/blobs/uploads/{name}", "Range": "0-0"})
        with lock:
            if name not in uploads:
                raise Refusal(404, "BLOB_UPLOAD_UNKNOWN", "upload unknown to registry")
            if self.command == "DELETE":
                del uploads[name]
                status, headers = 204, {}
            elif self.command == "PATCH":
                uploads[name] += body
                headers = {"Location": f"/v2/{repository}/blobs/uploads/{name}", "Range": f"0-{len(uploads[name]) - 1}"}
                status = 202
            else:
                wanted = re.search(r"digest=(sha256(?::|%3A)[0-9a-f]{64})", query)
                data = uploads.pop(name) + body
                if not wanted or wanted[1].replace("%3A", ":") != digest_of(data):
                    raise Refusal(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
                blobs[digest_of(data)] = data
                status, headers = 201, {"Location": f"/v2/{repository}/blobs/{digest_of(data)}"}
        return self.answer(status, b"", headers)

    def manifest(self, repository, reference, _query, body):
        if self.command == "PUT":
            kind = self.headers.get("Content-Type", "application/vnd.oci.image.manifest.v1+json")
            with lock:
                for name in {reference, digest_of(body)}:
                    manifests[repository, name] = (kind, body)
            return self.answer(201, b"", {"Docker-Content-Digest": digest_of(body), "Location": self.path})
        if (repository, reference) not in manifests:
            raise Refusal(404, "MANIFEST_UNKNOWN", "manifest unknown")
        kind, data = manifests[repository, reference]
        return self.answer(200, data, {"Content-Type": kind, "Docker-Content-Digest": digest_of(data)})

    def tags(self, repository, _name, _query, _body):
        tags = [tag for name, tag in manifests if name == repository and not tag.startswith("sha256:")]
        return self.answer(200, json.dumps({"name": repository, "tags": tags}).encode())

    # ---------------------------------------------------------------------------------------------------------------

    def answer(self, status, body, headers=None):
        log.write(f"{status} {self.command} {self.path}\n")
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *words):
        pass


class Server(http.server.ThreadingHTTPServer):
    """TLS shakes hands in the thread of the connection: a client that does not, holds up nobody."""

    daemon_threads = True
    request_queue_size = 64
    tls = None

    def get_request(self):
        connection, peer = super().get_request()
        if self.tls:
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, peer

    def handle_error(self, request, client_address):
        pass


def serve(port, certificate):
    server = Server((address, port), Handler)
    if certificate:
        server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.tls.load_cert_chain(certificate + ".crt", certificate + ".key")
    threading.Thread(target=server.serve_forever).start()


if __name__ == "__main__":
    address, folder = sys.argv[1:]
    log = open(f"{folder}/log", "a", buffering=1, encoding="utf-8")
    for port, certificate in ((5001, "tls"), (5002, "untrusted"), (5003, None), (5000, "tls")):
        serve(port, certificate and f"{folder}/{certificate}")
