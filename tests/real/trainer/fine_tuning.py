# SPDX-License-Identifier: Apache-2.0
"""Stands in for the trainer. It keeps what a Job may rely on: where the config, the data and the weights are, which file
of the data it reads, which keys of the config it obeys, what it prints, and which files it leaves where and in which
order. It learns nothing: its adapter is made of random numbers.

What becomes of the training, the data says: a row whose text has "stand-in: WORD" does what FATES names when its turn
comes, and "stand-in: steps=N" says how many steps there are (8)."""

import hashlib
import json
import os
import random
import re
import struct
import sys
import time

import yaml

CONFIG = os.environ.get("YAML_FILE_PATH", "/mnt/config/training_config.yaml")
DATA = os.environ.get("DATASET_FOLDER_PATH", "/mnt/data")
WEIGHTS = "/workspace/weights"
KINDS = ("csv", "json", "parquet", "arrow", "webdataset")
LAYERS, WIDTH = 4, 512
SECONDS_A_STEP = 0.25


def is_a_kind(name):
    return any(kind in name.lower() for kind in KINDS)


def find_data(config):
    """The file that is trained on: the one that the config names below /mnt, or the first whose name tells its kind."""
    if config.get("dataset_path"):
        return os.path.join("/mnt", config["dataset_path"].strip("/"))
    for folder, _, names in os.walk(DATA):
        for name in names:
            if is_a_kind(name):
                return os.path.join(folder, name)
    raise ValueError("Unable to find a valid dataset file.")


def read_rows(path, config):
    kind = config.get("dataset_extension") or next((kind for kind in KINDS if kind in os.path.basename(path).lower()), "")
    try:
        if kind != "json":
            raise ValueError(f"this stand-in reads JSON lines, not {kind!r}")
        with open(path, encoding="utf-8") as file:
            rows = [json.loads(line) for line in file if line.strip()]
        if not rows:
            raise ValueError("no rows")
    except Exception as error:
        print(f"Error loading dataset: {error}")
        raise ValueError(f"Unable to load dataset {path} with file type '{kind}'")
    print(f"Dataset loaded successfully from {path} with file type '{kind}'.")
    if not all("messages" in row or ("prompt" in row and "completion" in row) for row in rows):
        raise KeyError(None)
    return rows


def tensor(seed, rows, columns, is_zero):
    source = random.Random(seed)
    return b"".join(struct.pack("<f", 0.0 if is_zero else source.uniform(-1, 1)) for _ in range(rows * columns))


def adapter(rank, modules, seed, learns):
    """The bytes of adapter_model.safetensors: length of the header, header, tensors."""
    places, body = {}, b""
    for layer in range(LAYERS):
        for module in modules:
            for part, shape in (("A", (rank, WIDTH)), ("B", (WIDTH, rank))):
                name = f"base_model.model.model.layers.{layer}.{module}.lora_{part}.weight"
                data = tensor(f"{seed} {name}", *shape, part == "B" and not learns)
                places[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [len(body), len(body) + len(data)]}
                body += data
    header = json.dumps({"__metadata__": {"format": "pt"}, **places}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + body


# --- what a row can make of a training ---------------------------------------------------------------------------------


def use_all_memory(_):
    pieces = []
    while True:
        pieces.append(bytearray(os.urandom(1024)) * 4096)


def fill_the_disk(state):
    os.makedirs(state["output_dir"], exist_ok=True)
    with open(os.path.join(state["output_dir"], "checkpoint.bin"), "wb") as file:
        while True:
            file.write(b"\1" * 1048576)


def out_of_gpu_memory(_):
    raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.15 GiB")


def unknown_error(_):
    raise RuntimeError("the stand-in was told to fail in the middle")


def leave_nothing(state):
    state["saves"] = False


def forget_the_adapter(state):
    state["files"] = ("adapter_config.json",)


def learn_nothing(state):
    state["learns"] = False


FATES = {
    "fails": unknown_error,
    "gpu-memory": out_of_gpu_memory,
    "memory": use_all_memory,
    "fills-disk": fill_the_disk,
    "saves-nothing": leave_nothing,
    "half-saves": forget_the_adapter,
    "learns-nothing": learn_nothing,
}


def words_of(rows):
    """What the rows say behind "stand-in: "."""
    return re.findall(r"stand-in: ([a-z0-9=-]+)", json.dumps(rows))


def train(told, state):
    steps = next((int(word[6:]) for word in told if word.startswith("steps=")), 8)
    fates = [FATES[word] for word in told if word in FATES]
    for step in range(1, steps + 1):
        time.sleep(SECONDS_A_STEP)
        loss = f"{3 / (1 + step / 4):.4g}"
        print({"loss": loss, "grad_norm": "0.5", "learning_rate": "2e-05", "epoch": f"{step / steps:.4g}"})
        if step == (steps + 1) // 2:
            for fate in fates:
                fate(state)
    print({"train_runtime": f"{steps * SECONDS_A_STEP:.4g}", "train_loss": "1.5", "epoch": "1"})


def save(state, files):
    os.makedirs(state["output_dir"], exist_ok=True)
    for name, data in files.items():
        if name in state["files"]:
            with open(os.path.join(state["output_dir"], name), "wb") as file:
                file.write(data)
            print(f"saved {name} sha256:{hashlib.sha256(data).hexdigest()}")
    with open(os.path.join(state["output_dir"], "fine_tuning_completed.txt"), "w", encoding="utf-8") as file:
        file.write("Fine-Tuning completed\n")


def main():
    with open(CONFIG, encoding="utf-8") as file:
        config = yaml.safe_load(file)["training_config"]
    arguments, lora = config.get("TrainingArguments") or {}, config["LoraConfig"]
    modules = lora.get("target_modules") or os.environ["DEFAULT_TARGET_MODULES"].split(",")
    if not os.path.isfile(os.path.join(WEIGHTS, "config.json")):
        raise OSError(f"{WEIGHTS} does not appear to have a file named config.json.")
    dataset = config.get("DatasetConfig") or {}
    rows = read_rows(find_data(dataset), dataset)
    told = words_of(rows)
    if "fails-at-start" in told:
        raise ValueError("the stand-in was told to fail at the start")
    state = {
        "output_dir": arguments.get("output_dir", "trainer_output"),
        "files": ("adapter_config.json", "adapter_model.safetensors"),
        "saves": True,
        "learns": True,
    }
    train(told, state)
    if not state["saves"]:
        return
    description = {"peft_type": "LORA", "r": lora.get("r", 8), "lora_alpha": lora.get("lora_alpha", 8), "target_modules": modules}
    weights = adapter(description["r"], modules, json.dumps(rows), state["learns"])
    save(state, {"adapter_config.json": json.dumps(description, indent=2).encode(), "adapter_model.safetensors": weights})


if __name__ == "__main__":
    sys.exit(main())
