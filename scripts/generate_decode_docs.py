#!/usr/bin/env python3
"""Writes docs/decode-messages.md from rules/decode/*.toml.

usage: generate_decode_docs.py [--check]
"""
import pathlib
import sys

sys.dont_write_bytecode = True
from generate_decode import load  # noqa: E402
from generated_files import settle  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/decode-messages.md"
MARK = "<!-- Written by scripts/generate; edit rules/decode/*.toml instead. -->\n"


def cell(text):
    return text.replace("|", "\\|").strip()


def source(text):
    return f"[thread]({text})" if text.startswith("https://github.com") else cell(text)


def page(data):
    messages = [m for m in data["messages"] if "number" not in m]
    codes = sorted((m for m in data["messages"] if "number" in m), key=lambda m: m["number"])
    text = [MARK, "# Log messages that `snapgauge decode` knows\n",
            f"{len(messages)} messages in order of priority, {len(codes)} error codes, {len(data['dtypes'])} datatype codes.\n",
            "| message | points to | means | rules | seen in |", "| --- | --- | --- | --- | --- |"]
    text += [f"| {m['id']} | {m['topic']} | {cell(m['meaning'])} **{cell(m['action'])}** | {', '.join(m['rules'])} "
             f"| {source(m['source'])} |" for m in messages]
    text += ["\n## Error codes\n", "| code | hex | name | points to | means |", "| --- | --- | --- | --- | --- |"]
    text += [f"| {m['number']} | {m['number']:#x} | {m['name']} | {m['topic']} | {cell(m['meaning'])} "
             f"**{cell(m['action'])}** |" for m in codes]
    text += ["\n## Datatype codes\n", "| code | datatype |", "| --- | --- |"]
    text += [f"| {code} | {name} |" for code, name in data["dtypes"].items()]
    return "\n".join(text) + "\n"


if __name__ == "__main__":
    sys.exit(settle(__doc__, {PAGE: page(load(ROOT / "rules"))}))
