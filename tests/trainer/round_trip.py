# SPDX-License-Identifier: Apache-2.0
"""Pushes the adapter of a training with the Job's own script, and fetches it back with the puller of a Job that has the
image as its input: real oras and skopeo, a registry with TLS and a password on the loopback of this network namespace.

usage: unshare --net round_trip.py FOLDER BUILD ORAS POD PULLER RESULTS. FOLDER is empty; BUILD has bin/make-certs; POD is a file with
the Job's pod as JSON, PULLER the script that pulls; RESULTS has the adapter. Prints why it failed, and nothing when what came back is what was saved.
"""
import base64
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import container

HERE = os.path.dirname(os.path.abspath(__file__))
ADDRESS, PORT = "127.0.0.1", 5000
IMAGE = f"{ADDRESS}:{PORT}/team/adapter:1"
FILES = ("adapter_config.json", "adapter_model.safetensors")
LIMIT_S = 300


def start_registry(folder, build):
    subprocess.run(
        [f"{build}/bin/make-certs", "--dir", folder, "--dns", "registry.example.com", "--ip", ADDRESS],
        check=True, stdout=subprocess.DEVNULL,
    )
    for suffix in ("crt", "key"):
        shutil.copy(f"{folder}/tls.{suffix}", f"{folder}/untrusted.{suffix}")
    # The system's Python, as in tests/real: what the trainer runs with may have another OpenSSL.
    server = ["/usr/bin/python3", "-B", os.path.join(HERE, "../real/servers/registry.py"), ADDRESS, folder]
    registry = subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex((ADDRESS, PORT)) == 0:
                return registry
        time.sleep(0.05)
    raise SystemExit("the registry does not answer")


def scripts_of(pod, name):
    """The script that a container of this pod runs."""
    return next(one for one in pod["initContainers"] + pod["containers"] if one["name"] == name)["args"][0]


def run(script, environment):
    with tempfile.TemporaryFile("w+") as log:
        try:
            status = subprocess.run(["/bin/sh", "-c", script], env=environment, stdout=log, stderr=log, timeout=LIMIT_S).returncode
        except subprocess.TimeoutExpired:
            status = None
        log.seek(0)
        last = (log.read().strip().splitlines() or ["no word"])[-1]
    if status != 0:
        raise SystemExit(f"{last} ({'time is over' if status is None else f'status {status}'})")


def digests(folder):
    found = {}
    for name in FILES:
        with open(os.path.join(folder, name), "rb") as file:
            found[name] = hashlib.sha256(file.read()).hexdigest()
    return found


def main():
    folder, build, oras, rendered, puller, results = sys.argv[1:]
    container.loopback_up()
    registry = start_registry(folder, build)
    try:
        credential = {"auths": {f"{ADDRESS}:{PORT}": {"auth": base64.b64encode(b"user:password").decode()}}}
        for name in ("docker", "auth"):
            os.makedirs(f"{folder}/{name}")
            with open(f"{folder}/{name}/config.json", "w", encoding="utf-8") as file:
                json.dump(credential, file)
        common = {"PATH": f"{os.path.dirname(oras)}:/usr/local/bin:/usr/bin:/bin", "HOME": folder, "SSL_CERT_FILE": f"{folder}/ca.crt"}
        output = {
            "DOCKER_CONFIG": f"{folder}/docker", "OUTPUT_IMAGE": IMAGE, "RESULTS_DIR": results, "MODEL_NAME": "phi-3-mini-128k-instruct",
            "TRAINER_PROCESS": "no such process", "MESSAGE_FILE": f"{folder}/message", **common,
        }
        with open(rendered, encoding="utf-8") as file:
            script = scripts_of(json.load(file), "pusher")
        run(script, {"ADAPTER_STEP": "check", **output})
        run(script, {"ADAPTER_STEP": "push", **output})
        os.makedirs(f"{folder}/data")
        with open(puller, encoding="utf-8") as file:
            pull = file.read()
        run(pull, {"INPUT_IMAGE": IMAGE, "DATA_VOLUME_PATH": f"{folder}/data", "REGISTRY_AUTH_FOLDER": f"{folder}/auth", **common})
        if digests(f"{folder}/data/data") != digests(results):
            raise SystemExit("what came back is not what was saved")
    finally:
        registry.kill()
        registry.wait()


if __name__ == "__main__":
    main()
