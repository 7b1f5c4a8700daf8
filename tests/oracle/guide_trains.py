#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Is what we fill in for the guide's example a config that the real trainer trains with, on the image that we choose?

usage: guide_trains.py PATH/TO/kubectl-kaito PATH/TO/trainer.jsonl

Renders examples/fine-tuning/phi-3-qlora.yaml with both methods on each machine and looks for a case of the trainer's
oracle of the same image, method and config (as data) that trains. Prints a line a case; exit status 1 when one has none.
"""
import json
import subprocess
import sys

try:
    import yaml
except ImportError:
    print("skip oracle: the guide's configs train: Python has no yaml")
    sys.exit(0)

MACHINES = {"V100": "Standard_NC6s_v3", "T4": "Standard_NC4as_T4_v3", "A10": "Standard_NV36ads_A10_v5",
            "A100": "Standard_NC24ads_A100_v4"}
EXAMPLE = "examples/fine-tuning/phi-3-qlora.yaml"


def render(plugin, machine, method):
    text = open(EXAMPLE).read()
    assert MACHINES["V100"] in text and "method: qlora" in text
    text = text.replace(MACHINES["V100"], machine).replace("method: qlora", "method: " + method)
    done = subprocess.run([plugin, "render", "-o", "json", "-f", "-"], input=text, capture_output=True, text=True,
                          check=True)
    objects = {o["kind"]: o for o in json.loads(done.stdout)["items"]}
    trainer = objects["Job"]["spec"]["template"]["spec"]["containers"][0]
    config = yaml.safe_load(objects["ConfigMap"]["data"]["training_config.yaml"])["training_config"]
    return trainer["image"].rpartition("kaito-base:")[2], config


def main(plugin, oracle):
    cases = [json.loads(line) for line in open(oracle)]
    bad = 0
    for gpu, machine in MACHINES.items():
        for method in "lora", "qlora":
            image, config = render(plugin, machine, method)
            found = [c["id"] for c in cases if c["outcome"] == "trains" and c["method"] == method and
                     c["image"] == image and c["training_config"] == config]
            what = f"oracle: the guide's {method} on a {gpu}, with kaito-base:{image}"
            print(f"ok {what}, is the case {found[0]}" if found else f"not ok {what}, is no case that trains")
            bad += not found
    return bad > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
