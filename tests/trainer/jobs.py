# SPDX-License-Identifier: Apache-2.0
"""Runs the trainer as our Jobs run it: the command, environment, mounts and config that `kubectl kaito render` shows.

usage: jobs.py PLUGIN WORK [WORD]... . WORK/IMAGE has tfs/, weights/FAMILY/, data/KIND/ and environment/ of each image
that can be run here; WORDs choose the cases whose name has one. Prints "ok", "not ok" and "skip" lines.

A case trains when its adapter is where the Job's results are mounted, is finite and has learnt.
"""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

import yaml

import judge

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(ROOT, "build")))

# The libraries' import alone takes 10 s of CPU, which a busy machine stretches.
LIMIT_S = 900
# When a config has none: the highest default of the images, and three epochs of the ten rows one by one.
LEARNING_RATE, STEPS = 5e-5, 30

# Capability 7.0, 7.5, 8.0 and 8.6: the templates of each, on the image of each.
MACHINES = ("Standard_NC6s_v3", "Standard_NC4as_T4_v3", "Standard_NC24ads_A100_v4", "Standard_NV36ads_A10_v5")
METHODS = ("lora", "qlora")

# The guide's example is refused until somebody puts a registry and a Secret there; so this does.
PLACEHOLDERS = {"ACR_REPO_HERE.azurecr.io/IMAGE_NAME_HERE": "registry.example.com/adapter", "ACR_REGISTRY_SECRET_HERE": "push"}

# Beginning of a preset's name -> the tiny model that has its modules
FAMILIES = {"phi-3": "phi3", "phi-4": "phi3", "qwen2.5": "qwen2", "mistral": "mistral"}


class Fault(Exception):
    """A case that cannot be run, in words for the person who reads the line."""


def template_case(method, machine):
    return yaml.safe_dump(
        {
            "apiVersion": "kaito.sh/v1beta1",
            "kind": "Workspace",
            "metadata": {"name": "template"},
            "resource": {"instanceType": machine, "labelSelector": {"matchLabels": {"apps": "template"}}},
            "tuning": {
                "preset": {"name": "phi-3-mini-128k-instruct"},
                "method": method,
                "input": {"urls": ["https://example.com/chat.jsonl"]},
                "output": {"image": "registry.example.com/adapter:1", "imagePushSecret": "push"},
            },
        }
    )


def cases():
    """(name, manifest text), one for each template and each example."""
    for machine in MACHINES:
        for method in METHODS:
            yield f"template {method} {machine}", template_case(method, machine)
    for path in sorted(glob.glob(os.path.join(ROOT, "examples/fine-tuning/*.yaml"))):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for placeholder, real in PLACEHOLDERS.items():
            text = text.replace(placeholder, real)
        yield f"example {os.path.basename(path)}", text


def render(plugin, manifest, *flags):
    """The pod of the Job, and the config maps by name, made and the user's own."""
    run = subprocess.run([plugin, "render", "-o", "json", "-f", "-", *flags], input=manifest, capture_output=True, text=True)
    if run.returncode != 0 or not run.stdout:
        raise Fault("it is not rendered: " + " ".join(run.stderr.split()))
    objects = [item for item in json.loads(run.stdout)["items"]] + list(yaml.safe_load_all(manifest))
    job = next(item for item in objects if item["kind"] == "Job")
    maps = {item["metadata"]["name"]: item["data"] for item in objects if item["kind"] == "ConfigMap"}
    return job["spec"]["template"]["spec"], maps


def namespaces():
    """The command that gives the rest of a command line mounts, processes and a network of its own."""
    identity = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", *identity, "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]


def words(container):
    return container.get("command", []) + container.get("args", [])


def trainer_of(pod):
    return next(one for one in pod["containers"] if "fine_tuning.py" in " ".join(words(one)))


def containers_to_run(pod):
    """The trainer, after the init containers that run in its image."""
    trainer = trainer_of(pod)
    return [one for one in pod.get("initContainers", []) if one["image"] == trainer["image"]] + [trainer]


def data_kind(manifest):
    return "messages-parquet" if ".parquet" in manifest else "messages-jsonl"


def family_of(manifest):
    presets = [one["tuning"]["preset"]["name"] for one in yaml.safe_load_all(manifest) if one["kind"] == "Workspace"]
    for beginning, family in FAMILIES.items():
        if presets[0].lower().startswith(beginning):
            return family
    raise Fault(f"no tiny model has the modules of {presets[0]}; see make_model.py")


def lay_out(folder, pod, maps, image_folder, kind):
    """A folder for each volume, with what would be in it when the trainer starts."""
    volumes = {}
    for volume in pod["volumes"]:
        path = volumes[volume["name"]] = os.path.join(folder, "volumes", volume["name"])
        if volume["name"] == "data-volume":
            shutil.copytree(os.path.join(image_folder, "data", kind), path)
            continue
        os.makedirs(path)
        if "configMap" in volume:
            for name, text in maps[volume["configMap"]["name"]].items():
                with open(os.path.join(path, name), "w", encoding="utf-8") as file:
                    file.write(text)
    for name in ("root", "home"):
        os.makedirs(os.path.join(folder, name))
    return volumes


def mounts_of(container, volumes, folder):
    """Shared memory is this machine's own, and the weights are there already."""
    mounts = {"/workspace/home": os.path.join(folder, "home")}
    for mount in container.get("volumeMounts", []):
        if not mount["mountPath"].startswith(("/dev", "/workspace/weights")):
            source = mounts[mount["mountPath"]] = os.path.join(volumes[mount["name"]], mount.get("subPath", ""))
            os.makedirs(source, exist_ok=True)  # as the kubelet makes a subPath
    return mounts


def environment_of(container, image_folder):
    environment = {
        "PATH": os.path.realpath(os.path.join(image_folder, "environment")) + "/bin:/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": os.path.join(HERE, "shim"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    environment.update({entry["name"]: entry["value"] for entry in container.get("env", []) if "value" in entry})
    return environment


def run_container(container, volumes, folder, image_folder, family):
    """(exit status or None after the time limit, log)"""
    spec = {
        "root": os.path.join(folder, "root"),
        "tfs": os.path.join(image_folder, "tfs"),
        "weights": os.path.join(image_folder, "weights", family),
        "mounts": mounts_of(container, volumes, folder),
        "command": words(container),
        "env": environment_of(container, image_folder),
    }
    path = os.path.join(folder, "spec.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(spec, file)
    command = namespaces() + [sys.executable, os.path.join(HERE, "container.py"), path]
    with open(os.path.join(folder, "log"), "wb") as log:
        try:
            status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=LIMIT_S).returncode
        except subprocess.TimeoutExpired:
            status = None
    with open(os.path.join(folder, "log"), encoding="utf-8", errors="replace") as log:
        return status, log.read()


def bounds(maps, pod):
    """The learning rate and steps by which judge.py bounds a weight."""
    volume = next(one for one in pod["volumes"] if "configMap" in one)
    text = next(iter(maps[volume["configMap"]["name"]].values()))
    arguments = yaml.safe_load(text)["training_config"].get("TrainingArguments") or {}
    return {
        "learning_rate": float(arguments.get("learning_rate", LEARNING_RATE)),
        "steps": STEPS * max(1, int(arguments.get("num_train_epochs", 3)) // 3),
    }


def oras():
    """The program, or None: the test cluster's has not been built."""
    build = [os.path.join(ROOT, "tests/cluster/build.sh"), "--with-pods", "--where"]
    where = subprocess.run(build, capture_output=True, text=True).stdout.split()
    path = os.path.join(where[-1], "oras") if where else ""
    return path if os.path.exists(path) and shutil.which("skopeo") else None


def round_trip(folder, pod, results):
    """Through a registry and back: "pushed", or what went wrong."""
    if not oras():
        return "trains", ""
    inside = os.path.join(folder, "round-trip")
    os.makedirs(inside)
    rendered = os.path.join(folder, "pod.json")
    with open(rendered, "w", encoding="utf-8") as file:
        json.dump(pod, file)
    puller = os.path.join(ROOT, "shared/workload/scripts/pull-data.sh")
    command = namespaces() + [sys.executable, os.path.join(HERE, "round_trip.py"), inside, BUILD, oras(), rendered, puller, results]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        return "lost on the way", ((done.stderr + done.stdout).strip().splitlines() or ["no word"])[-1]
    return "pushed", ""


def run_case(pod, maps, image_folder, manifest, keep):
    folder = tempfile.mkdtemp(dir=image_folder)
    try:
        volumes = lay_out(folder, pod, maps, image_folder, data_kind(manifest))
        for container in containers_to_run(pod):
            status, log = run_container(container, volumes, folder, image_folder, family_of(manifest))
            with open(f"{keep}.{container['name']}.log", "w", encoding="utf-8") as file:
                file.write(log)
            if container is not trainer_of(pod) and status != 0:
                return f"init container {container['name']}", (log.strip().splitlines() or ["no output"])[-1]
        results = next(one["name"] for one in trainer_of(pod)["volumeMounts"] if one["mountPath"] == "/mnt/results")
        outcome, error = judge.judge(status, log, volumes[results], **bounds(maps, pod))
        if outcome == "trains" and not os.path.exists(os.path.join(volumes[results], judge.MARK)):
            return "no-adapter", f"no {judge.MARK} beside the adapter"
        if outcome == "trains" and any(one["name"] == "pusher" for one in pod["containers"]):
            return round_trip(folder, pod, volumes[results])
        return outcome, error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def same_run(pod, maps, manifest):
    """A text that two cases share when the trainer would see no difference between them."""
    seen = [{key: one.get(key) for key in ("image", "command", "args", "env")} for one in containers_to_run(pod)]
    configs = [maps[one["configMap"]["name"]] for one in pod["volumes"] if "configMap" in one]
    return json.dumps([seen, configs, data_kind(manifest), family_of(manifest)])


def report(name, manifest, plugin, work, done):
    """The line of a case. DONE: what runs of other cases gave, by same_run()."""
    pod, maps = render(plugin, manifest)
    image = trainer_of(pod)["image"].rsplit(":", 1)[1]
    image_folder = os.path.join(work, image)
    if not os.path.isdir(image_folder):
        return f"skip trainer: {name}: image {image} cannot be run here"
    key = same_run(pod, maps, manifest)
    if key not in done:
        keep = os.path.join(work, "logs", name.replace(" ", "-"))
        done[key] = name, run_case(pod, maps, image_folder, manifest, keep)
    first, (outcome, error) = done[key]
    note = f" (the same run as {first})" if first != name else ""
    if outcome in ("trains", "pushed"):
        came_back = ", is pushed and comes back" if outcome == "pushed" else ""
        return f"ok trainer: {name} trains on {image}{came_back}{note}"
    return f"not ok trainer: {name} on {image}: {outcome}: {error}{note}"


def main():
    plugin, work, chosen = sys.argv[1], os.path.abspath(sys.argv[2]), sys.argv[3:]
    os.makedirs(os.path.join(work, "logs"), exist_ok=True)
    done = {}
    for name, manifest in cases():
        if chosen and not any(word in name for word in chosen):
            continue
        try:
            print(report(name, manifest, plugin, work, done), flush=True)
        except Fault as fault:
            print(f"not ok trainer: {name}: {fault}", flush=True)


if __name__ == "__main__":
    main()
