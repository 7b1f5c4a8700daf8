#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""rows.py [WORD]...: the rows of a training as JSON lines; each WORD is said to the stand-in trainer (see
its FATES), but as-alpaca, which makes rows of instruction and output."""

import json
import sys


def rows(words):
    said = [f"stand-in: {word}" for word in words] + [f"question {number}" for number in range(20)]
    if "as-alpaca" in words:
        return "".join(json.dumps({"instruction": text, "output": "an answer"}) + "\n" for text in said)
    lines = []
    for text in said:
        messages = [{"role": "user", "content": text}, {"role": "assistant", "content": "an answer"}]
        lines.append(json.dumps({"messages": messages}))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(rows(sys.argv[1:]))
