# SPDX-License-Identifier: Apache-2.0
"""What this project says and does before the trainer reads a file: `check --dataset`, and the init container dataset."""
import csv
import glob
import json
import os
import shutil
import subprocess
import sys

import yaml

import jobs

RESULT = "kaito-dataset.jsonl"
OUTCOMES = {"reads": "trains", "batch-size-1": "trains", "teaches-nothing": "ruined", "ends": "dies-at-start"}


def lines_of(table):
    with open(os.path.join(jobs.HERE, table), encoding="utf-8") as file:
        return list(csv.reader([line for line in file if not line.startswith("#")], delimiter="\t"))


def manifest_with(format_):
    manifest = yaml.safe_load(jobs.template_case("lora", "Standard_NC24ads_A100_v4"))
    if format_ != "-":
        manifest["metadata"]["annotations"] = {"kaito.sh/dataset-format": format_}
    return yaml.safe_dump(manifest)


def prepare(plugin, image_folder, image, kind, format_):
    """(exit status, last line, folder) of the init container that our Job has, run on a copy of the data."""
    pod, _maps = jobs.render(plugin, manifest_with(format_), "--trainer-image", image)
    container = next(one for one in pod["initContainers"] if one["name"] == "dataset")
    name = f"prepared-{kind}-{format_}"
    folder = os.path.join(image_folder, "data", name)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(os.path.join(image_folder, "data", kind), folder)
    environment = {one["name"]: one["value"].replace("/mnt/data", folder) for one in container["env"]}
    python = os.path.join(image_folder, "environment/bin/python")
    assert container["command"] == ["python3", "-c"]
    run = subprocess.run(
        [python, "-c", *container["args"]], env={"PATH": os.environ["PATH"], **environment}, capture_output=True, text=True
    )
    return run.returncode, ((run.stdout + run.stderr).strip().splitlines() or ["no output"])[-1], name


def cases(plugin, image_folder, image, config):
    """Those that go on to the trainer; a line is printed for those that are refused."""
    for kind, format_, row_image, outcome, words in lines_of("datasets.tsv"):
        if row_image != image:
            continue
        status, last, folder = prepare(plugin, image_folder, image, kind, format_)
        if outcome != "refused" and status == 0:
            yield {"id": f"dataset {kind} {format_}", "data": folder, "training_config": config, "want": outcome, "words": ""}
            continue
        right = outcome == "refused" and status == 1 and words in last
        wanted = "" if right else f"; expected {outcome} {words}"
        print(f"{'ok' if right else 'not ok'} trainer: dataset {kind} {format_} on {image}: {last}{wanted}"[:400], flush=True)


def read_the_result(image_folder, case):
    """Did the trainer read the one file of all rows, where there is one?"""
    result = os.path.join(image_folder, "data", case["data"], RESULT)
    if not os.path.exists(result):
        return True
    log = os.path.join(image_folder, "logs", case["id"].replace("/", "_") + ".log")
    with open(log, encoding="utf-8", errors="replace") as file:
        return f"/mnt/data/{RESULT}" in file.read()


def check_verdicts(plugin, image_folder, image):
    """`check --dataset` says of each kind of rows what the trainer did with it."""
    for kind, row_image, outcome, _words in lines_of("rows.tsv"):
        if row_image != image:
            continue
        for path in sorted(glob.glob(os.path.join(image_folder, "data", kind, "*"))):
            run = subprocess.run(
                [plugin, "check", "--dataset", path, "--trainer-image", image, "-o", "json"], capture_output=True, text=True
            )
            found = json.loads(run.stdout)["datasets"]
            said = OUTCOMES[found[0]["trainers"][0]["outcome"]] if found and not found[0].get("badName") else "dies-at-start"
            right = said == outcome and (run.returncode == 0) == (outcome == "trains")
            print(f"{'ok' if right else 'not ok'} trainer: check --dataset of {kind} for {image}: {said}"
                  + ("" if right else f"; the trainer: {outcome}"), flush=True)


if __name__ == "__main__":
    sys.exit("this is a part of compare.py")
