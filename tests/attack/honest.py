# SPDX-License-Identifier: Apache-2.0
"""A client that means it well: honest.py PORT SECONDS REVIEW. From an address of its own, reviews on new connections (40 a
second) and on kept ones (10 a second); prints "new N failed F kept N failed F" and the reasons."""
import collections
import json
import socket
import ssl
import sys
import threading
import time

SOURCE = "127.0.0.2"
TIMEOUT_S = 5  # the API server's patience: timeoutSeconds of manifests/base/webhooks.yaml

port, seconds = int(sys.argv[1]), float(sys.argv[2])
with open(sys.argv[3], "rb") as file:
    body = file.read()
request = b"POST /validate-workspace HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
request += b"Content-Length: %d\r\n\r\n" % len(body) + body
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
lock, asked, failures = threading.Lock(), collections.Counter(), collections.Counter()
delays = collections.defaultdict(list)


def connect():
    connection = socket.create_connection(("127.0.0.1", port), TIMEOUT_S, (SOURCE, 0))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(connection)


def ask(connection):
    connection.settimeout(TIMEOUT_S)
    connection.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = connection.recv(65536)
        if not piece:
            raise OSError("closed before the answer")
        answer += piece
    head, rest = answer.split(b"\r\n\r\n", 1)
    length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
    while len(rest) < length:
        piece = connection.recv(65536)
        if not piece:
            raise OSError("closed within the answer")
        rest += piece
    if b" 200 " not in head.split(b"\r\n")[0] or "allowed" not in json.loads(rest)["response"]:
        raise OSError(head.split(b"\r\n")[0].decode())


def client(mode, index, clients, rate):
    connection, turn = connect() if mode == "kept" else None, index
    if mode == "kept":
        ask(connection)
    ready.wait()
    begin = time.monotonic()
    while turn / rate < seconds:
        time.sleep(max(0, begin + turn / rate - time.monotonic()))
        turn += clients
        started, reason = time.monotonic(), None
        try:
            connection = connection or connect()
            ask(connection)
        except (OSError, StopIteration) as error:
            reason = f"{mode}: {type(error).__name__} {error}"
        if reason or mode == "new":
            if connection:
                connection.close()
            connection = None
        with lock:
            asked[mode] += 1
            delays[mode].append(time.monotonic() - started)
            if reason:
                failures[mode] += 1
                failures[reason] += 1


plans = [("new", 12, 40.0), ("kept", 5, 10.0)]
ready = threading.Barrier(sum(clients for _, clients, _ in plans) + 1)
threads = [threading.Thread(target=client, args=(mode, index, clients, rate), daemon=True)
           for mode, clients, rate in plans for index in range(clients)]
for thread in threads:
    thread.start()
print("connected", flush=True)
if len(sys.argv) > 4:  # kept connections are there before the attack begins
    sys.stdin.readline()
ready.wait()
for thread in threads:
    thread.join()
print(f"new {asked['new']} failed {failures['new']} kept {asked['kept']} failed {failures['kept']}")
for mode in ("new", "kept"):
    ordered = sorted(delays[mode])
    print(f"# {mode}: p50 {ordered[len(ordered) // 2] * 1000:.1f} ms, p99 {ordered[len(ordered) * 99 // 100] * 1000:.1f} ms")
for reason, number in failures.items():
    if ":" in reason:
        print("#", number, reason)
