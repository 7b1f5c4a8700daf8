#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""images.py --oras FILE --pause FILE --ca FILE --trainer IMAGE... --output FILE
images.py --data FILE --output FILE

Makes the images that the Jobs of a tuning name, out of programs of this machine, as one archive for `ctr images import`:
curl, skopeo and Python are Debian's, oras is that of tests/cluster. Their shell is busybox. All of them trust the CA of
--ca and no other, so that the registry of the tests is as good to them as a public one. With --data it is an image with FILE in its folder /data."""

import argparse
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PAUSE = "localhost/pause:1"
CURL = "docker.io/curlimages/curl:8.16.0"
SKOPEO = "mcr.microsoft.com/aks/skopeo:1.14.4-6"
ORAS = ["ghcr.io/oras-project/oras:v1.2.2", "mcr.microsoft.com/oss/v2/oras-project/oras:v1.2.3"]
PYTHON_LEFT_OUT = ("test", "tkinter", "idlelib", "lib2to3", "ensurepip", "distutils", "pydoc_data")


class Layer:
    """One layer: a tar file in memory, the same bytes for the same content."""

    def __init__(self):
        self._buffer = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._buffer, mode="w", format=tarfile.GNU_FORMAT)
        self._names = set()

    def _add(self, name, kind, mode, data=b"", target=""):
        name = name.lstrip("/")
        if name in self._names:
            return
        parent = os.path.dirname(name)
        if parent:
            self.folder(parent)
        self._names.add(name)
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.size, info.linkname = kind, mode, len(data), target
        self._tar.addfile(info, io.BytesIO(data))

    def folder(self, name, mode=0o755):
        self._add(name, tarfile.DIRTYPE, mode)

    def file(self, name, data, mode=0o644):
        self._add(name, tarfile.REGTYPE, mode, data)

    def link(self, name, target):
        self._add(name, tarfile.SYMTYPE, 0o777, target=target)

    def copy(self, path, name=None, mode=None):
        with open(path, "rb") as file:
            self.file(name or path, file.read(), mode or os.stat(path).st_mode & 0o777)

    def program(self, path, name=None):
        """A program with the libraries that it is linked with."""
        self.copy(os.path.realpath(path), name or path, 0o755)
        for library in libraries(path):
            self.copy(os.path.realpath(library), library)

    def tree(self, root, left_out=()):
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if name not in left_out and not name.startswith("config-")]
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path):
                    self.copy(os.path.realpath(path), path)
                if name.endswith(".so"):
                    for library in libraries(path):
                        self.copy(os.path.realpath(library), library)

    def bytes(self):
        self._tar.close()
        return self._buffer.getvalue()


def libraries(path):
    answer = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    for line in answer.splitlines():
        words = line.split()
        if "=>" in words and words[2].startswith("/"):
            yield words[2]
        elif words and words[0].startswith("/"):
            yield words[0]


def shell():
    layer = Layer()
    layer.copy("/bin/busybox", mode=0o755)
    for name in subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout.split():
        if name != "busybox":
            layer.link(f"/bin/{name}", "busybox")
    layer.folder("/tmp", 0o1777)
    layer.folder("/var/tmp", 0o1777)
    layer.folder("/root", 0o700)
    layer.file("/etc/passwd", b"root:x:0:0:root:/root:/bin/sh\ncurl_user:x:100:101::/home/curl_user:/bin/sh\n")
    layer.file("/etc/group", b"root:x:0:\ncurl_group:x:101:\n")
    return layer


def trust(path):
    layer = Layer()
    layer.copy(path, "/etc/ssl/certs/ca-certificates.crt", 0o644)
    return layer


def curl():
    layer = Layer()
    layer.program("/usr/bin/curl")
    return layer


def oras(path):
    layer = Layer()
    layer.program(path, "/bin/oras")
    return layer


def skopeo():
    layer = Layer()
    layer.program("/usr/bin/skopeo")
    layer.program("/bin/tar", "/usr/bin/tar")
    layer.file("/etc/containers/policy.json", b'{"default": [{"type": "insecureAcceptAnything"}]}\n')
    return layer


def python():
    layer = Layer()
    real = os.path.realpath("/usr/bin/python3")
    layer.program(real, "/usr/bin/python3")
    layer.tree(f"/usr/lib/{os.path.basename(real)}", PYTHON_LEFT_OUT)
    layer.tree("/usr/lib/python3/dist-packages/yaml")
    return layer


def trainer():
    layer = Layer()
    layer.copy(f"{HERE}/trainer/accelerate", "/usr/local/bin/accelerate", 0o755)
    for name in ("fine_tuning.py", "metrics_server.py"):
        layer.copy(f"{HERE}/trainer/{name}", f"/workspace/tfs/{name}", 0o644)
    layer.folder("/workspace/weights")
    layer.link("/workspace/tfs/weights", "/workspace/weights")
    return layer


def pause(path):
    layer = Layer()
    layer.copy(path, "/pause", 0o755)
    return layer


class Archive:
    def __init__(self, path):
        self._tar = tarfile.open(path, "w")
        self._manifest, self._written = [], set()

    def _add(self, name, data):
        if name in self._written:
            return
        self._written.add(name)
        info = tarfile.TarInfo(name)
        info.size = len(data)
        self._tar.addfile(info, io.BytesIO(data))

    def image(self, names, layers, **settings):
        digests = [hashlib.sha256(layer).hexdigest() for layer in layers]
        for digest, layer in zip(digests, layers):
            self._add(f"{digest}.tar", layer)
        config = {
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine],
            "os": "linux",
            "config": {"Env": [PATH], **settings},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
        }
        text = json.dumps(config, sort_keys=True).encode()
        config_name = f"{hashlib.sha256(text).hexdigest()}.json"
        self._add(config_name, text)
        self._manifest.append({"Config": config_name, "RepoTags": names, "Layers": [f"{digest}.tar" for digest in digests]})

    def close(self):
        self._add("manifest.json", json.dumps(self._manifest).encode())
        self._tar.close()


def data(path):
    layer = Layer()
    layer.copy(path, f"/data/{os.path.basename(path)}", 0o644)
    return layer


def main():
    parser = argparse.ArgumentParser()
    for name in ("oras", "pause", "ca", "data", "output"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--trainer", action="append", default=[])
    options = parser.parse_args()
    archive = Archive(options.output)
    if options.data:
        archive.image(["localhost/data:1"], [data(options.data).bytes()])
        return archive.close()
    common = [shell().bytes(), trust(options.ca).bytes()]
    archive.image([PAUSE], [pause(options.pause).bytes()], Entrypoint=["/pause"])
    archive.image([CURL], common + [curl().bytes()], User="100:101")
    archive.image(ORAS, common + [oras(options.oras).bytes()], Entrypoint=["/bin/oras"])
    archive.image([SKOPEO], common + [skopeo().bytes()], Entrypoint=["/usr/bin/skopeo"])
    archive.image(options.trainer, common + [python().bytes(), trainer().bytes()], WorkingDir="/workspace/tfs")
    return archive.close()


if __name__ == "__main__":
    sys.exit(main())
