# SPDX-License-Identifier: Apache-2.0
"""Runs many training configs on one image's environment, a second each: the libraries are imported once, and each
config gets a child of this process with its own /mnt.

usage: many.py SCRATCH, in namespaces of its own (see run.sh). SCRATCH has tfs/, weights/phi3/ and
data/KIND/.
Reads lines {"id", "training_config", "data"} (a mapping of sections, or the text of the file), answers lines {"id",
"outcome", "error"} in the same order; see judge.py for the outcomes. KAITO_KEEP_LOGS names a folder for the logs.
"""
import json
import os
import runpy
import shutil
import signal
import sys
import tempfile
import time

import container
import judge

# Ten rows three times take a second of CPU, which a busy machine stretches. A config that is still at it then waits for
# something that never comes.
LIMIT_S = 240
LOG_BYTES = 4 << 20
PROGRAM = "/workspace/tfs/fine_tuning.py"


def launch_environment():
    """What `accelerate launch --num_processes=1`, the command of our Job, adds to the trainer's environment."""
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser
    from accelerate.utils.launch import prepare_simple_launcher_cmd_env

    arguments = launch_command_parser().parse_args(["--num_processes=1", PROGRAM])
    arguments, _defaults, _mixed_precision = _validate_launch_command(arguments)
    _command, environment = prepare_simple_launcher_cmd_env(arguments)
    return environment


def import_libraries():
    import accelerate
    import bitsandbytes
    import datasets
    import peft
    import torch
    import transformers.models.phi3.modeling_phi3
    import transformers.trainer
    import trl
    from trl import SFTConfig, SFTTrainer

    torch.set_num_threads(1)
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "shim"))
    import without_gpu

    without_gpu.stand_in()


def facts_to_judge_by(globals_):
    """The learning rate and the steps that were made, which the log does not tell."""
    trainer = globals_["trainer"]
    return {"learning_rate": trainer.args.learning_rate, "steps": trainer.state.global_step}


def train(folder):
    """In the child: ends with the exit status that the trainer would have ended with."""
    import torch

    # A fork loses torch's pool of threads. It is made anew here, before the threads that load weights race for it.
    torch.set_num_threads(1)
    out = os.open(os.path.join(folder, "log"), os.O_WRONLY | os.O_CREAT)
    os.dup2(out, 1)
    os.dup2(out, 2)
    container.own_mounts()
    container.bind(os.path.join(folder, "mnt"), "/mnt")
    container.bind(os.path.join(folder, "home"), container.HOME)
    sys.argv = [PROGRAM]
    sys.path[0] = os.path.dirname(PROGRAM)
    ended = runpy.run_path(PROGRAM, run_name="__main__")
    with open(os.path.join(folder, "facts"), "w", encoding="utf-8") as file:
        json.dump(facts_to_judge_by(ended), file)


def child(folder):
    import traceback

    status = 1
    try:
        os.setsid()
        train(folder)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def wait(pid):
    """The exit status, negative after a signal, or None when the time was over."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def lay_out(folder, data, case):
    for name in ("mnt/config", "mnt/results", "home"):
        os.makedirs(os.path.join(folder, name))
    shutil.copytree(os.path.join(data, case.get("data") or "messages-jsonl"), os.path.join(folder, "mnt/data"))
    config = case["training_config"]
    with open(os.path.join(folder, "mnt/config/training_config.yaml"), "w", encoding="utf-8") as file:
        file.write(config if isinstance(config, str) else json.dumps({"training_config": config}))


def run(scratch, case):
    folder = tempfile.mkdtemp(dir=os.path.join(scratch, "cases"))
    try:
        lay_out(folder, os.path.join(scratch, "data"), case)
        pid = os.fork()
        if pid == 0:
            child(folder)
        status = wait(pid)
        with open(os.path.join(folder, "log"), "rb") as file:
            log = file.read(LOG_BYTES).decode(errors="replace")
        facts = {}
        if os.path.exists(os.path.join(folder, "facts")):
            with open(os.path.join(folder, "facts"), encoding="utf-8") as file:
                facts = json.load(file)
        if os.environ.get("KAITO_KEEP_LOGS"):
            name = case["id"].replace("/", "_") + ".log"
            shutil.copy(os.path.join(folder, "log"), os.path.join(os.environ["KAITO_KEEP_LOGS"], name))
        return judge.judge(status, log, os.path.join(folder, "mnt"), **facts)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prepare(scratch):
    """Once: after this, run() can be called."""
    os.makedirs(os.path.join(scratch, "cases"), exist_ok=True)
    root = os.path.join(scratch, "root")
    os.makedirs(root, exist_ok=True)
    container.loopback_up()
    container.enter(root, os.path.join(scratch, "tfs"), os.path.join(scratch, "weights/phi3"))
    os.environ["HOME"] = container.HOME
    os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported; the launch sets the same
    import_libraries()
    os.environ.update(launch_environment())


def main():
    scratch = os.path.abspath(sys.argv[1])
    prepare(scratch)
    for line in sys.stdin:
        case = json.loads(line)
        outcome, error = run(scratch, case)
        print(json.dumps({"id": case["id"], "outcome": outcome, "error": error}), flush=True)


if __name__ == "__main__":
    main()
