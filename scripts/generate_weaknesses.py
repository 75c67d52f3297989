#!/usr/bin/env python3
"""Writes docs/weaknesses.md from tests/data/weaknesses/expected.json.

usage: generate_weaknesses.py [--check]
"""
import json
import pathlib
import sys

sys.dont_write_bytecode = True
from generated_files import settle  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "tests/data/weaknesses"
PAGE = ROOT / "docs/weaknesses.md"
MARK = "<!-- Written by scripts/generate; edit tests/data/weaknesses/expected.json instead. -->\n"
HEAD = """# What a predecessor got wrong, and what we answer

ExecuTorch's quantizer for this hardware has a validator of its own. Reading it showed {count} weaknesses. Each has a minimal
graph in `tests/data/weaknesses/` and the right answer in `expected.json`, which `tests/unit/weaknesses_test.cc` compares
with ours: the verdict, and every error and warning. Targets and tables are the defaults unless stated.

| # | The predecessor | Graph | Our answer |
| --- | --- | --- | --- |"""


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def context(row):
    """What differs from the defaults, in brackets."""
    words = [value for _, value in sorted(row.get("target", {}).items())]
    if "opinfo" in row:
        words.append(f"[table](../tests/data/weaknesses/{row['opinfo']})")
    return f" ({', '.join(words)})" if words else ""


def answer(row):
    found = [" ".join(filter(None, [f["code"], f["node"], f["port"]])) for f in row["findings"]]
    return f"**{row['verdict']}**" + (": " + ", ".join(found) if found else "") + f". {row['what']}"


def page(data):
    lines = [MARK, HEAD.format(count=len(data["predecessor"]))]
    for number, wrong in sorted(data["predecessor"].items(), key=lambda item: int(item[0])):
        rows = [(name, row) for name, row in sorted(data["files"].items()) if row["weakness"] == int(number)]
        shown = [(f"[{name.removesuffix('.sgraph.json')}](../tests/data/weaknesses/{name}){context(row)}", answer(row))
                 for name, row in rows]
        if number in data["outside"]:
            shown.append(("", data["outside"][number]))
        for i, (graph, text) in enumerate(shown):
            first = i == 0
            lines.append(f"| {number if first else ''} | {cell(wrong) if first else ''} | {graph} | {cell(text)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(settle(__doc__, {PAGE: page(json.loads((DATA / "expected.json").read_text(encoding="utf-8")))}))
