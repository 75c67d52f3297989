#!/usr/bin/env python3
"""Fails when a note of the rows in rules/ states a condition that nothing evaluates.

Notes explain; what decides is a row. A note that says only, refused, must, exactly or needs therefore stands
beside a condition of its row: an alternative with `when`, `refused`, or operands that must be constants.
"""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORDS = re.compile(r"\b(only|refused|refuses|must|exactly|needs)\b", re.IGNORECASE)
CONDITIONS = ("refused", "must_be_constant", "when", "free_sizes")


def has_condition(row):
    return any(row.get(key) for key in CONDITIONS) or any(a.get("when") for a in row.get("select", []))


def notes(row, path):
    """(path, note, the row it stands in) of every note, nested ones too."""
    if isinstance(row, dict):
        if isinstance(row.get("note"), str):
            yield path, row["note"], row
        for key, value in row.items():
            yield from notes(value, f"{path}.{key}")
    elif isinstance(row, list):
        for index, value in enumerate(row):
            yield from notes(value, f"{path}[{index}]")


def main():
    faults = 0
    for file in sorted(ROOT.glob("rules/*/*.json")):
        for path, note, row in notes(json.loads(file.read_text(encoding="utf-8")), ""):
            if path and (word := WORDS.search(note)) and not has_condition(row):
                print(f"{file.relative_to(ROOT)}: {path[1:]}: the note says '{word.group()}' and no condition stands beside it: {note}")
                faults += 1
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
