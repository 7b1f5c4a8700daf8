# SPDX-License-Identifier: Apache-2.0
"""What became of a run of the trainer, from its log, its exit status and the files it left.

Classes: trains; parse-error, dies-at-start, dies-at-step, dies-at-eval, dies-at-save: where it ended; no-adapter: it
ended well and left none below /mnt; ruined: it left one that is not finite or has learnt nothing; timeout.
"""
import json
import math
import os
import re
import struct

ADAPTER, SETTINGS = "adapter_model.safetensors", "adapter_config.json"
MARK = "fine_tuning_completed.txt"

# The functions of the libraries in which a run can end, outermost first.
LOOP = {"_inner_training_loop", "_run_epoch", "_run_training_loop"}
PLACES = (
    ("dies-at-eval", {"evaluate", "_evaluate", "evaluation_loop", "prediction_step"}),
    ("dies-at-save", {"_save_checkpoint", "save_model", "_save", "save_pretrained", "_determine_best_metric", "_load_best_model"}),
    ("dies-at-step", {"training_step", "get_batch_samples", "clip_grad_norm_", "step", "_maybe_log_save_evaluate"}),
)

# Adam moves a weight by little more than the learning rate a step. A weight beyond this many times that is not learnt.
STEP_LIMIT, WEIGHT_LIMIT = 8, 100


def _bfloat16(raw):
    return struct.unpack(f"<{len(raw) // 2}f", b"".join(b"\0\0" + raw[at : at + 2] for at in range(0, len(raw), 2)))


READ = {
    "F32": lambda raw: struct.unpack(f"<{len(raw) // 4}f", raw),
    "F16": lambda raw: struct.unpack(f"<{len(raw) // 2}e", raw),
    "BF16": _bfloat16,
}


def read_tensors(path):
    """Name to values, of a safetensors file: a length, a JSON head, then the numbers."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        head, body = json.loads(file.read(length)), file.read()
    head.pop("__metadata__", None)
    return {name: READ[entry["dtype"]](body[slice(*entry["data_offsets"])]) for name, entry in head.items()}


def find_adapter(mnt):
    """The folder below /mnt that holds the finished adapter. Checkpoints are not it."""
    for folder, below, files in os.walk(mnt):
        below[:] = [name for name in below if not name.startswith("checkpoint-")]
        if ADAPTER in files and SETTINGS in files:
            return folder
    return None


def _losses(log):
    return [float(value) for value in re.findall(r"'loss': '?([-+a-zA-Z0-9.]+)", log)]


def fault_of_adapter(folder, log, learning_rate=None, steps=None):
    """Why the adapter is worth nothing, or an empty text. LEARNING_RATE and STEPS, when known, bound its weights."""
    tensors = read_tensors(os.path.join(folder, ADAPTER))
    faults = []
    losses = _losses(log)
    if losses and all(math.isnan(loss) for loss in losses):
        faults.append("loss is NaN on every step")
    elif losses and all(loss == 0 for loss in losses):
        faults.append("loss is 0 on every step")
    if not all(math.isfinite(value) for values in tensors.values() for value in values):
        faults.append("the adapter has values that are not finite")
        return ", ".join(faults)
    learnt = [abs(value) for name, values in tensors.items() if "lora_B" in name for value in values]
    largest = max(learnt, default=0)
    if largest == 0:
        faults.append("the adapter is untouched: lora_B is all zero")
    elif largest > WEIGHT_LIMIT or (learning_rate and steps and largest > STEP_LIMIT * learning_rate * steps):
        faults.append(f"a weight of lora_B is {largest:.3g}, which {steps} steps of {learning_rate} cannot reach")
    return ", ".join(faults)


def _last_traceback(log):
    """The functions of the last traceback that is the trainer's own, outermost first, and its closing line."""
    functions, error = [], ""
    for block in log.split("Traceback (most recent call last):\n")[1:]:
        if "accelerate/commands/launch.py" in block or "metrics_server.py" in block:
            continue
        lines = block.split("\n")
        end = next((at for at, line in enumerate(lines) if line and not line.startswith((" ", "\t"))), len(lines) - 1)
        functions = re.findall(r'^  File "[^"]*", line \d+, in (\S+)', "\n".join(lines[:end]), re.M)
        error = lines[end].strip()
    return functions, error


def _place(functions):
    if "parse_configs" in functions:
        return "parse-error"
    if functions and not LOOP.intersection(functions):
        # After the training the trainer saves the adapter from its top level.
        return "dies-at-save" if "save_pretrained" in functions and "train" not in functions else "dies-at-start"
    for name, inside in PLACES:
        if inside.intersection(functions):
            return name
    return "dies-at-start"


def judge(status, log, mnt, learning_rate=None, steps=None):
    """(outcome, error). STATUS is the exit status, None after a time-out; MNT the folder that was /mnt."""
    if status is None:
        return "timeout", "it was still running at the time limit"
    if status != 0:
        refused = re.findall(r"^\S*fine_tuning\.py: error: .*$", log, re.M)
        if refused:
            return "parse-error", refused[-1]
        functions, error = _last_traceback(log)
        ended = f"ended by signal {-status}" if status < 0 else f"exit status {status}, no traceback"
        return _place(functions), error or ended
    folder = find_adapter(mnt)
    if folder is None:
        return "no-adapter", ""
    fault = fault_of_adapter(folder, log, learning_rate, steps)
    return ("ruined", fault) if fault else ("trains", "")
