# SPDX-License-Identifier: Apache-2.0
"""The trainer's container without a container runtime: a root of its own with the image's paths, in namespaces of its own.

The root is this machine's, except /workspace, /mnt and the home folder. Whoever calls this is in a mount namespace of
its own already (`unshare --mount`), so that nothing here is seen outside.

usage: container.py FILE, the JSON of {"root", "tfs", "weights": folders, "mounts": {path: folder}, "command": [word],
"env": {name: value}}: becomes that command.
"""
import ctypes
import fcntl
import json
import os
import socket
import struct
import sys

MS_BIND, MS_REC = 0x1000, 0x4000
CLONE_NEWNS = 0x20000
IFF_UP, SIOCSIFFLAGS = 1, 0x8914

HOME = "/workspace/home"
OWN = ("mnt", "workspace")  # of the root's entries, those that are not this machine's

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def _mount(source, target, kind=None, flags=0):
    words = [word.encode() if word is not None else None for word in (source, target, kind)]
    _check(_libc.mount(*words, ctypes.c_ulong(flags), None), f"mount {source} on {target}")


def bind(source, target):
    _mount(source, target, flags=MS_BIND)


def own_mounts():
    """Mounts made after this are seen by this process and its children alone."""
    _check(_libc.unshare(CLONE_NEWNS), "a mount namespace")


def loopback_up():
    """A new network namespace has no address at all. It gets 127.0.0.1, as a pod has, and no other."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def enter(root, tfs, weights, mounts=None):
    """Makes ROOT (an empty folder) the root of this process, with the trainer's program and weights in it, and the
    folders of MOUNTS at their paths below /mnt and /workspace."""
    inside = {"/workspace/tfs": tfs, "/workspace/weights": weights, **(mounts or {})}
    _mount("tmpfs", root, "tmpfs")
    for entry in os.listdir("/"):
        path, copy = os.path.join("/", entry), os.path.join(root, entry)
        if entry in OWN:
            continue
        if os.path.islink(path):
            os.symlink(os.readlink(path), copy)
        elif os.path.isdir(path):
            os.mkdir(copy)
            _mount(path, copy, flags=MS_BIND | MS_REC)
    for path in (HOME, "/mnt"):
        os.makedirs(root + path)
    for path in sorted(inside):  # a folder before what is mounted in it
        os.makedirs(root + path, exist_ok=True)
        bind(inside[path], root + path)
    os.chroot(root)
    os.chdir("/workspace")  # the image's working folder: what a relative output_dir begins at


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = json.load(file)
    loopback_up()
    enter(spec["root"], spec["tfs"], spec["weights"], spec["mounts"])
    os.execvpe(spec["command"][0], spec["command"], {**spec["env"], "HOME": HOME})


if __name__ == "__main__":
    main()
