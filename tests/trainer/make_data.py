# SPDX-License-Identifier: Apache-2.0
"""Writes data sets of ten rows, one folder a kind: FOLDER/KIND/... is what /mnt/data holds.

usage: make_data.py FOLDER

Rows differ in length, since equal ones would hide what a trainer does to rows that must be padded.
"""
import csv
import json
import os
import random
import sys

ROWS = 10
letters = random.Random(2)


def words(least):
    return " ".join(
        "".join(letters.choices("etaoinshrdlu", k=letters.randint(1, 7)))
        for _ in range(least + letters.randint(0, 2 * least))
    )


def turn(role, least):
    return {"role": role, "content": words(least)}


def messages(_row):
    return {"messages": [turn("system", 3), turn("user", 6), turn("assistant", 10)]}


def messages_with_columns(row):
    return {"id": row, "category": words(1), **messages(row)}


def messages_with_field(row):
    return {"messages": [{**turn, "name": words(1)} for turn in messages(row)["messages"]]}


def prompt_completion(_row):
    return {"prompt": words(5), "completion": words(8)}


def prompt_completion_chat(_row):
    return {"prompt": [turn("user", 5)], "completion": [turn("assistant", 8)]}


def conversations(_row):
    return {"conversations": [turn("user", 6), turn("assistant", 10)]}


def sharegpt(_row):
    return {"conversations": [{"from": "human", "value": words(6)}, {"from": "gpt", "value": words(10)}]}


def alpaca(_row):
    return {"instruction": words(4), "input": "", "output": words(8)}


def question_answer(_row):
    return {"question": words(4), "answer": words(8)}


def text(_row):
    return {"text": words(15)}


def as_jsonl(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def as_json(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(rows, file)


def as_csv(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)


def as_parquet(path, rows):
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


# kind -> the file, how it is written, what a row is; a kind may have several files
KINDS = {
    "messages-jsonl": [("chat.jsonl", as_jsonl, messages)],
    "messages-parquet": [("train-00000-of-00001.parquet", as_parquet, messages)],
    "messages-extra-columns": [("chat.jsonl", as_jsonl, messages_with_columns)],
    "messages-extra-field": [("chat.jsonl", as_jsonl, messages_with_field)],
    "prompt-completion-jsonl": [("rows.jsonl", as_jsonl, prompt_completion)],
    "prompt-completion-csv": [("rows.csv", as_csv, prompt_completion)],
    "prompt-completion-chat": [("rows.jsonl", as_jsonl, prompt_completion_chat)],
    "conversations-role": [("chat.jsonl", as_jsonl, conversations)],
    "sharegpt": [("chat.jsonl", as_jsonl, sharegpt)],
    "alpaca": [("rows.json", as_json, alpaca)],
    "alpaca-jsonl": [("rows.jsonl", as_jsonl, alpaca)],
    "question-answer": [("rows.jsonl", as_jsonl, question_answer)],
    "text-jsonl": [("rows.jsonl", as_jsonl, text)],
    "text-csv": [("rows.csv", as_csv, text)],
    "no-extension": [("rows", as_jsonl, messages)],
    "several-jsonl": [("one.jsonl", as_jsonl, messages), ("two.jsonl", as_jsonl, messages)],
    "several-types": [("one.jsonl", as_jsonl, prompt_completion), ("two.csv", as_csv, prompt_completion)],
    "empty": [("chat.jsonl", lambda path, rows: as_jsonl(path, []), messages)],
}

for kind, files in KINDS.items():
    os.makedirs(os.path.join(sys.argv[1], kind), exist_ok=True)
    for name, write, row in files:
        write(os.path.join(sys.argv[1], kind, name), [row(number) for number in range(ROWS)])
