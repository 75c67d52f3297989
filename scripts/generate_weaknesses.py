#!/usr/bin/env python3
"""Writes docs/weaknesses.md from tests/data/weaknesses/expected.json.

usage: generate_weaknesses.py [--check]
"""
import json
import pathlib
import sys

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


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        raise SystemExit(__doc__)
    text = page(json.loads((DATA / "expected.json").read_text(encoding="utf-8")))
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    if sys.argv[1:]:
        print(f"{PAGE.relative_to(ROOT)}: stale; run scripts/generate")
        return 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
