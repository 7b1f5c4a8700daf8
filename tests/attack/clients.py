# SPDX-License-Identifier: Apache-2.0
"""Bad clients: clients.py KIND PORT COUNT [SOURCE...]. Says "at work" when it is, and goes on until it is killed.

Each connection comes from one of the source addresses of the loopback; one that the server closes is opened again.
"""
import itertools
import resource
import socket
import ssl
import sys
import threading
import time

HEAD = b"POST /validate-workspace HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
BODY_BYTES = 4000000

kind, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
sources = itertools.cycle(sys.argv[4:] or ["127.0.0.3"])
limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit, 65536), limit))
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE


def tcp():
    connection = socket.socket()
    connection.settimeout(5)
    connection.bind((next(sources), 0))
    connection.connect(("127.0.0.1", port))
    return connection


def tls():
    return context.wrap_socket(tcp())


def started(first_bytes, opened=tls):
    connection = opened()
    if first_bytes:
        connection.sendall(first_bytes)
    connection.setblocking(False)
    return connection


def drips(connection):
    try:
        connection.send(b"x")
    except OSError:
        return False
    return True


# How a connection begins, and what is sent on it now and then.
HELD = {
    "idle-tls": (lambda: started(b""), None),
    "silent": (lambda: started(b"", tcp), None),
    "slow-headers": (lambda: started(HEAD), drips),
    "slow-bodies": (lambda: started(HEAD + b"Content-Length: 4000000\r\n\r\n{"), drips),
    "small-bodies": (lambda: started(HEAD + b"Content-Length: 65536\r\n\r\n" + b" " * 65000), None),
    "plain-drip": (lambda: started(b"GET /healthz HTTP/1.1\r\nX: ", tcp), drips),
}


def is_open(connection):
    try:
        return connection.recv(4096) != b""
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False


def hold():
    begin, keep_up = HELD[kind]
    held, told = [], False
    while True:
        alive = []
        for connection in held:
            if is_open(connection) and (not keep_up or keep_up(connection)):
                alive.append(connection)
            else:
                connection.close()
        held, failures = alive, 0
        for _ in range(count - len(held)):
            try:
                held.append(begin())
            except OSError:
                failures += 1
                if failures > 20:
                    break
        if not told:
            print("at work", len(held), flush=True)
            told = True
        time.sleep(0.1)


def repeat(act):
    def forever():
        while True:
            try:
                act()
            except OSError:
                pass

    threads = [threading.Thread(target=forever, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    print("at work", flush=True)
    threads[0].join()


def client_hello():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing).do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()


hello = client_hello()


def abandon_handshake():
    with tcp() as connection:
        connection.sendall(hello)
        connection.recv(1)


def send_large_body():
    body = b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","object":{"a":"'
    body += b"x" * 1800000 + b'","b":"' + b"y" * 1800000 + b'"}}}'
    with tls() as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        connection.recv(4096)


def stall_upload():
    with tls() as connection:
        connection.settimeout(30)
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % BODY_BYTES + b" " * (BODY_BYTES - 100000))
        connection.recv(1)


REPEATED = {
    "churn": lambda: tcp().close(),
    "handshakes": abandon_handshake,
    "large-bodies": send_large_body,
    "stalled-uploads": stall_upload,
}
if kind in HELD:
    hold()
else:
    repeat(REPEATED[kind])
