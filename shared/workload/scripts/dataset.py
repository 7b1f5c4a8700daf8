# SPDX-License-Identifier: Apache-2.0
"""Init container dataset: looks at every row before the trainer does, and converts rows when that is asked for.

It runs in the trainer's own image, and needs nothing but Python; for Parquet also pyarrow, which is there. The last line
of its log is why it ends, and becomes the container's termination message. What it is to do is in its environment:

DATA_VOLUME_PATH       the folder with the files of data
DATASET_FORMAT         text or alpaca: convert rows of this kind; empty: leave them as they are
DATASET_OUTPUT         where one file of all rows is written, when they are converted or stand in several files, and the
                       folder where the trainer then looks; empty: nothing is written
DATASET_FILES          all: all files are rows to train on; first: the trainer takes the first that it finds
DATASET_PATH           DatasetConfig.dataset_path and dataset_extension: the trainer reads what these say
DATASET_EXTENSION
DATASET_EXACT          yes: the trainer reads rows in an exact form only, see images.yaml
DATASET_COMPLETIONS    no: rows of prompt and completion do not go with the batch size of the config
"""
import collections
import csv
import glob
import json
import os
import sys

# The trainer's words for files of data, which it looks for anywhere in a name (upstream's dataset.py).
WORDS = ("csv", "json", "parquet", "arrow", "webdataset")
READ = ("csv", "json", "parquet")
RESULT = "kaito-dataset.jsonl"
PART = ".kaito-dataset.part"
# A row of a JSON array is larger than any model's context long before this.
ROW_BYTES = 64 << 20
BATCH_ROWS = 1000
# What pandas, and so the trainer, takes for no value in CSV.
NO_VALUES = frozenset(
    ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA"]
    + ["NULL", "NaN", "None", "n/a", "nan", "null"]
)

MESSAGES, PAIR, PAIR_OF_CHATS, CONVERSATIONS, SHAREGPT, ALPACA, TEXT, OTHER = (
    "messages",
    "prompt and completion",
    "prompt and completion as chats",
    "conversations of role and content",
    "ShareGPT conversations",
    "alpaca instructions",
    "text",
    "of no kind that is known",
)
CONVERTS = {"text": TEXT, "alpaca": ALPACA}
READABLE = {"yes": (MESSAGES, PAIR, CONVERSATIONS), "no": (MESSAGES, PAIR, PAIR_OF_CHATS)}
ANNOTATE = "annotate the Workspace with kaito.sh/dataset-format: {0} to have them converted"
ADVICE = {
    TEXT: ANNOTATE.format("text"),
    ALPACA: ANNOTATE.format("alpaca"),
    SHAREGPT: "name the column messages, and in it role (user, assistant) in place of from, content in place of value",
    CONVERSATIONS: "name the column messages",
    PAIR_OF_CHATS: "put both into one list, in a column named messages",
    OTHER: 'make each row {"messages": [{"role": "user", "content": ...}, {"role": "assistant", "content": ...}]}',
}


class Fault(Exception):
    """Why there can be no training, in words for the person who reads the status."""


Row = collections.namedtuple("Row", "number line value")


def say(text):
    print("dataset: " + " ".join(str(text).split()), flush=True)


def setting(name, default=""):
    return os.environ.get(name) or default


def shown(path):
    """A file's name as it may stand in a status."""
    name = os.path.basename(path)
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:80]


# --- reading ----------------------------------------------------------------------------------------------------------


def fail(path, number, line, reason):
    place = f"row {number}" + (f" (line {line})" if line else "")
    raise Fault(f"{shown(path)}: {place}: {reason}")


def text_of(path):
    return open(path, encoding="utf-8-sig", newline="")


def json_lines(path):
    number = 0
    with text_of(path) as file:
        for line, text in enumerate(file, 1):
            if not text.strip():
                continue
            number += 1
            try:
                value = json.loads(text)
            except ValueError as error:
                fail(path, number, line, f"it is not JSON: {error}")
            yield Row(number, line, value)


def json_values(path, is_array):
    """The items of an array, or objects that stand on several lines, without the whole file in memory."""
    decoder = json.JSONDecoder()
    with text_of(path) as file:
        text, line, number, step, at_end = "", 1, 0, 1 << 16, False
        opened = not is_array
        while True:
            stripped = text.lstrip(" \t\r\n" + ("," if is_array and number else ""))
            line += text.count("\n", 0, len(text) - len(stripped))
            text = stripped
            if not opened and text:
                text, opened = text[1:], True
                continue
            if is_array and text.startswith("]"):
                return
            try:
                value, end = decoder.raw_decode(text)
                if end == len(text) and not at_end and not isinstance(value, (dict, list)):
                    raise ValueError("it may go on")
            except ValueError as error:
                piece = "" if at_end else file.read(step)
                at_end = at_end or not piece
                if piece and len(text) < ROW_BYTES:
                    text, step = text + piece, min(step * 2, 1 << 24)
                    continue
                if not text and not is_array:
                    return
                fail(path, number + 1, line, f"it is not JSON, or not whole: {error}")
            number += 1
            yield Row(number, line, value)
            line += text.count("\n", 0, end)
            text, step = text[end:], 1 << 16


def json_rows(path):
    with text_of(path) as file:
        beginning = file.readline(1 << 20)
        while beginning and not beginning.strip():
            beginning = file.readline(1 << 20)
    if beginning.lstrip().startswith("["):
        with open(path, "rb") as file:
            if file.read(3) == b"\xef\xbb\xbf":
                raise Fault(f"{shown(path)} begins with a byte order mark, behind which the trainer takes no array: save "
                            "it as UTF-8 without a mark")
        return json_values(path, True)
    try:
        json.loads(beginning)
    except ValueError:
        # A row on several lines; a first line that is broken is told of there too.
        return json_values(path, False)
    return json_lines(path)


def csv_rows(path):
    csv.field_size_limit(ROW_BYTES)
    with text_of(path) as file:
        reader = csv.reader(file)
        columns, number = None, 0
        try:
            for fields in reader:
                if not fields:
                    continue
                if columns is None:
                    columns = fields
                    continue
                number += 1
                if len(fields) > len(columns):
                    words = f"it has {len(fields)} fields, and the first line names {len(columns)} columns"
                    fail(path, number, reader.line_num, words)
                fields += [""] * (len(columns) - len(fields))
                values = [None if field in NO_VALUES else field for field in fields]
                yield Row(number, reader.line_num, dict(zip(columns, values)))
        except csv.Error as error:
            fail(path, number + 1, reader.line_num, f"it is not CSV: {error}")


def parquet_file(path):
    try:
        import pyarrow.parquet
    except ImportError:
        raise Fault("pyarrow is not in this image, so that Parquet cannot be read: give the rows as JSON Lines") from None
    try:
        return pyarrow.parquet.ParquetFile(path)
    except Exception as error:
        raise Fault(f"{shown(path)}: it is not Parquet, or damaged: {error}") from None


def parquet_rows(path):
    number = 0
    for batch in parquet_file(path).iter_batches(batch_size=BATCH_ROWS):
        for value in batch.to_pylist():
            number += 1
            yield Row(number, 0, value)


def rows_of(path, word):
    reader = {"csv": csv_rows, "json": json_rows, "parquet": parquet_rows}[word]
    try:
        yield from reader(path)
    except UnicodeDecodeError as error:
        raise Fault(f"{shown(path)}: it is not text in UTF-8 ({error.reason}, byte {error.start})") from None
    except RecursionError:
        raise Fault(f"{shown(path)}: a row has too many lists or objects in one another") from None


# --- judging a row ----------------------------------------------------------------------------------------------------


def kind_of(row):
    messages, conversations = row.get("messages"), row.get("conversations")
    if isinstance(messages, list) or ("messages" in row and messages is None):
        return MESSAGES
    if "prompt" in row and "completion" in row:
        return PAIR_OF_CHATS if isinstance(row["prompt"], list) else PAIR
    if isinstance(conversations, list):
        first = conversations[0] if conversations and isinstance(conversations[0], dict) else {}
        return SHAREGPT if "from" in first and "value" in first else CONVERSATIONS if "role" in first else OTHER
    if "instruction" in row and "output" in row:
        return ALPACA
    return TEXT if "text" in row else OTHER


def fault_of_chat(column, chat, exact):
    if not chat:
        return f"{column} is empty"
    for index, message in enumerate(chat):
        if not isinstance(message, dict):
            return f"{column}[{index}] is no object with role and content"
        if not isinstance(message.get("role"), str):
            return f"{column}[{index}] has no role"
        if not isinstance(message.get("content"), str) and not message.get("tool_calls"):
            return f"{column}[{index}] has no content that is text"
        extra = [name for name in message if name not in ("role", "content")]
        if exact and extra:
            return f'{column}[{index}] has the field "{extra[0]}", and this trainer takes role and content alone'
    return None


def fault_of_texts(row, columns):
    for column in columns:
        if row.get(column) is None:
            return f"{column} has no value"
        if not isinstance(row[column], str):
            return f"{column} is no text but {type(row[column]).__name__}"
    return None


def fault_of(row, kind, exact):
    """Why a row of a kind that can be used cannot, or None."""
    if kind == MESSAGES:
        return fault_of_chat("messages", row["messages"], exact)
    if kind == CONVERSATIONS:
        return fault_of_chat("conversations", row["conversations"], exact)
    if kind == PAIR_OF_CHATS:
        chats = [(column, row[column]) for column in ("prompt", "completion")]
        faults = [fault_of_chat(name, chat if isinstance(chat, list) else [], exact) for name, chat in chats]
        return next(filter(None, faults), None)
    columns = {PAIR: ("prompt", "completion"), ALPACA: ("instruction", "output"), TEXT: ("text",)}
    return fault_of_texts(row, columns.get(kind, ()))


def converted(row, wanted):
    if wanted == "text":
        return {"prompt": "", "completion": row["text"]}
    if wanted == "alpaca":
        question = row["instruction"] + ("\n\n" + row["input"] if isinstance(row.get("input"), str) and row["input"] else "")
        return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": row["output"]}]}
    return row


def refuse_kind(path, row, kind, wanted):
    if wanted:
        fail(path, row.number, row.line, f"it is {kind}, and kaito.sh/dataset-format: {wanted} converts {CONVERTS[wanted]}")
    if kind == SHAREGPT:
        fail(path, row.number, row.line, f"it is of ShareGPT's kind, from which nothing is learnt; {ADVICE[kind]}")
    fail(path, row.number, row.line, f"it is {kind}, which the trainer does not read; {ADVICE[kind]}")


class Judge:
    """Looks at the rows of all files, which must be of one kind."""

    def __init__(self, wanted, exact, completions):
        self.wanted, self.exact, self.completions = wanted, exact, completions
        self.kind, self.first = None, ""
        self.usable = (CONVERTS[wanted],) if wanted else READABLE["yes" if exact else "no"]

    def take(self, path, row):
        value = row.value
        if not isinstance(value, dict):
            fail(path, row.number, row.line, "it is no object with named columns")
        kind = kind_of(value)
        if self.kind is None:
            self.kind, self.first = kind, f"{shown(path)}, row {row.number}"
        if kind != self.kind:
            fail(path, row.number, row.line, f"it is {kind}, and {self.first} is {self.kind}: give rows of one kind")
        if kind not in self.usable:
            refuse_kind(path, row, kind, self.wanted)
        fault = fault_of(value, kind, self.exact and not self.wanted)
        if fault:
            fail(path, row.number, row.line, fault)
        if not self.completions and (kind in (PAIR, PAIR_OF_CHATS) or self.wanted == "text"):
            raise Fault(
                "rows of prompt and completion need batch size 1 in this trainer: set per_device_train_batch_size and "
                "per_device_eval_batch_size to 1, and gradient_accumulation_steps for more rows a step"
            )
        return converted(value, self.wanted)


# --- files ------------------------------------------------------------------------------------------------------------


def words_of(path):
    name = os.path.basename(path).lower()
    return [word for word in WORDS if word in name]


def one_word_of(path, extension):
    if extension:
        return extension
    words = words_of(path)
    if len(words) > 1:
        raise Fault(f"{shown(path)}: its name has the words {' and '.join(words)}, and the trainer takes one by chance")
    return words[0] if words else os.path.splitext(path)[1][1:]


def walk(folder):
    """All files, in the order in which the trainer meets them."""
    for root, _folders, names in os.walk(folder):
        for name in names:
            yield os.path.join(root, name)


def find_files(folder):
    """(files that the trainer would read, or all that are to become one; the word of their type)"""
    path, extension = setting("DATASET_PATH"), setting("DATASET_EXTENSION")
    if path:
        pattern = os.path.join("/mnt", path.strip("/"))
        files = sorted(name for name in glob.glob(pattern, recursive=True) if os.path.isfile(name))
        if not files:
            raise Fault(f"DatasetConfig.dataset_path: there is no file {pattern[:120]}")
    else:
        files = [name for name in walk(folder) if words_of(name) and os.path.basename(name) not in (RESULT, PART)]
        if setting("DATASET_FILES") == "all" and not extension:
            files.sort()
        else:
            for name in files[1:]:
                say(f"{shown(name)} is not read: the trainer takes one file, {shown(files[0])}")
            del files[1:]
    if not files:
        there = sorted(shown(name) for name in walk(folder))[:5]
        raise Fault(
            "no file has csv, json, parquet or arrow in its name, by which the trainer finds data; there "
            + (f"is {', '.join(there)}" if there else "is nothing")
        )
    return files, types_of(files, extension)


def types_of(files, extension):
    words = {one_word_of(name, extension): name for name in files}
    if len(words) > 1:
        (first, one), (second, other) = list(words.items())[:2]
        raise Fault(f"{shown(one)} is {first} and {shown(other)} is {second}: give files of one type")
    return next(iter(words))


def check_type(files, word, exact, wanted):
    for name in files:
        if os.path.getsize(name) == 0:
            raise Fault(f"{shown(name)} is empty")
    if exact and not wanted and word == "csv":
        raise Fault(f"{shown(files[0])}: this trainer takes no rows from CSV: give them as JSON Lines")
    if exact and not wanted and word == "parquet":
        for name in files:
            metadata = parquet_file(name).schema_arrow.metadata or {}
            if b'"_type": "List"' in metadata.get(b"huggingface", b""):
                raise Fault(f"{shown(name)}: it was written by a datasets library that this trainer's cannot read: give "
                            "the rows as JSON Lines")


def look(files, word, judge, write):
    for name in files:
        count = 0
        for row in rows_of(name, word):
            write(judge.take(name, row))
            count += 1
        if count == 0:
            raise Fault(f"{shown(name)} has no rows")
        say(f"{shown(name)}: {count} {'row' if count == 1 else 'rows'} of {judge.kind}" + (", converted" if judge.wanted else ""))


def write_result(folder, files, word, judge):
    """One file in place of all. The parts go when it is there, so that the trainer finds no other."""
    part = os.path.join(folder, PART)
    try:
        with open(part, "w", encoding="utf-8") as file:
            look(files, word, judge, lambda row: file.write(json.dumps(row, ensure_ascii=False, default=str) + "\n"))
    except Exception:
        if os.path.exists(part):
            os.remove(part)
        raise
    os.replace(part, os.path.join(folder, RESULT))
    if folder == setting("DATA_VOLUME_PATH"):
        for name in files:
            os.remove(name)
    say(f"{RESULT} has all rows, and is what the trainer reads")


def main():
    folder, output = setting("DATA_VOLUME_PATH"), setting("DATASET_OUTPUT")
    wanted, exact = setting("DATASET_FORMAT"), setting("DATASET_EXACT") == "yes"
    if wanted and wanted not in CONVERTS:
        raise Fault(f"kaito.sh/dataset-format: {wanted[:40]} is none of {', '.join(CONVERTS)}")
    if wanted and (setting("DATASET_PATH") or setting("DATASET_EXTENSION")):
        raise Fault("kaito.sh/dataset-format says what the trainer reads: take DatasetConfig.dataset_path and "
                    "dataset_extension out of the config")
    files, word = find_files(folder)
    if word not in READ:
        if wanted or len(files) > 1:
            raise Fault(f"{shown(files[0])} is {word}: give csv, json or parquet")
        say(f"{shown(files[0])} is {word}, and is not looked into")
        return
    check_type(files, word, exact, wanted)
    judge = Judge(wanted, exact, setting("DATASET_COMPLETIONS") != "no")
    if output and (wanted or (len(files) > 1 and not setting("DATASET_PATH"))):
        write_result(output, files, word, judge)
    else:
        look(files, word, judge, lambda row: None)


if __name__ == "__main__":
    try:
        main()
    except Fault as fault:
        say(fault)
        sys.exit(1)
    except OSError as error:
        say(f"the files cannot be read or written: {error}")
        sys.exit(1)
    except Exception as error:
        say(f"the files cannot be read: {type(error).__name__}: {error}")
        sys.exit(1)
