# SPDX-License-Identifier: Apache-2.0
"""Compares what one image's trainer does with what is written down: rows.tsv, datasets.tsv, and a sample of the oracle's
configs.

usage: compare.py PLUGIN WORK IMAGE [ORACLE.jsonl]; see jobs.py for WORK. KAITO_TRAINER_SAMPLE: how many configs of the
oracle, or "all". Prints "ok" and "not ok" lines; what differs stands in lines that begin with "#".
"""
import csv
import hashlib
import json
import os
import subprocess
import sys

import yaml

import prepared
import jobs

SAMPLE = 40
# What matters to a person: does it train, end with an error, or end well with nothing of use?
CLASSES = {"trains": "trains", "no-adapter": "no adapter", "ruined": "ruined"}


def class_of(outcome):
    return CLASSES.get(outcome, "dies")


def our_template(plugin):
    """(sections of the lora template for a card of capability 8.0, environment of the trainer)"""
    pod, maps = jobs.render(plugin, jobs.template_case("lora", "Standard_NC24ads_A100_v4"))
    name = next(one["configMap"]["name"] for one in pod["volumes"] if "configMap" in one)
    text = next(iter(maps[name].values()))
    return yaml.safe_load(text)["training_config"], jobs.trainer_of(pod)


def rows_cases(image, config):
    with open(os.path.join(jobs.HERE, "rows.tsv"), encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("#")]
    for kind, row_image, outcome, words in csv.reader(lines, delimiter="\t"):
        if row_image == image:
            yield {"id": f"rows {kind}", "data": kind, "training_config": config, "want": outcome, "words": words}


def oracle_cases(path, image, kinds):
    """Those that a CPU can decide and whose rows can be made here; of these the first by a hash, so always the same."""
    with open(path, encoding="utf-8") as file:
        cases = [json.loads(line) for line in file]
    aliases = {"messages": "messages-jsonl"}
    for case in cases:
        case["data"] = aliases.get(case["data"], case["data"])
        case["want"] = case["outcome"]
    cases = [one for one in cases if one["image"] == image and one["data"] in kinds and "cpu-only" not in one["stage"]]
    cases.sort(key=lambda case: hashlib.sha256(case["id"].encode()).digest())
    sample = os.environ.get("KAITO_TRAINER_SAMPLE") or str(SAMPLE)
    return cases if sample == "all" else cases[: int(sample)]


def answers(cases, image_folder, trainer):
    """(case, outcome, error) of each, as they come."""
    environment = {**os.environ, **jobs.environment_of(trainer, image_folder)}
    environment.pop("PYTHONPATH")  # many.py stands in for the card itself
    program = [os.path.join(image_folder, "environment/bin/python"), os.path.join(jobs.HERE, "many.py"), image_folder]
    lines = "".join(json.dumps({key: case[key] for key in ("id", "training_config", "data")}) + "\n" for case in cases)
    run = subprocess.Popen(
        jobs.namespaces() + program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        run.stdin.write(lines)
        run.stdin.close()
        for case, line in zip(cases, run.stdout):
            answer = json.loads(line)
            yield case, answer["outcome"], answer["error"]
    finally:
        run.kill()
        run.wait()


def main():
    plugin, work, image = sys.argv[1:4]
    image_folder = os.path.join(os.path.abspath(work), image)
    config, trainer = our_template(plugin)
    rows = list(rows_cases(image, config))
    kinds = [name for name in os.listdir(os.path.join(image_folder, "data")) if not name.startswith("prepared-")]
    prepared.check_verdicts(plugin, image_folder, image)
    rows += list(prepared.cases(plugin, image_folder, image, config))
    oracle = oracle_cases(sys.argv[4], image, kinds) if len(sys.argv) > 4 else []
    agreed = answered = 0
    for case, outcome, error in answers(rows + oracle, image_folder, trainer):
        answered += 1
        if "words" in case:
            right = outcome == case["want"] and case["words"] in error and prepared.read_the_result(image_folder, case)
            verdict = "ok" if right else "not ok"
            wanted = "" if right else f"; expected {case['want']} {case['words']}"
            print(f"{verdict} trainer: {case['id']} on {image}: {outcome} {error}{wanted}"[:300], flush=True)
        elif class_of(outcome) == class_of(case["want"]):
            agreed += 1
        else:
            print(f"# {case['id']} on {image}: oracle {case['want']}, here {outcome} {error}"[:300], flush=True)
    if answered < len(rows) + len(oracle):
        print(f"not ok trainer: {image}: it answered {answered} of {len(rows) + len(oracle)} configs, then ended")
    elif oracle:
        verdict = "ok" if agreed == len(oracle) else "not ok"
        print(f"{verdict} trainer: {agreed} of {len(oracle)} configs of the oracle agree on {image}")


if __name__ == "__main__":
    main()
