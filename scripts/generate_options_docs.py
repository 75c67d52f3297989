#!/usr/bin/env python3
"""Writes docs/options.md from rules/options/*.toml.

usage: generate_options_docs.py [--check]
"""
import pathlib
import sys

sys.dont_write_bytecode = True
from generate_options import BACKENDS, LARGEST, bounds, load  # noqa: E402
from generated_files import settle  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/options.md"
MARK = "<!-- Written by scripts/generate; edit rules/options/*.toml instead. -->\n"
TITLES = {"htp": "HTP", "gpu": "GPU", "lpai": "LPAI"}
INTRODUCTION = """\
An option is set when a graph is compiled, by its compile-time key, or for a run, by its run-time key; a dash: not there. What holds
is the value for the run, else that of the compilation, else the default. A batch of settings is taken whole or not at all: an unknown
key, a value of the wrong type or out of range, an option of another backend and a refused combination leave everything as it was.

Booleans are `true`, `on`, `1` and `false`, `off`, `0`; a name may be written in any case, with or without `-` and `_`, or as its number; numbers may be
decimal, `0x` or `0b`. Defaults are those of ExecuTorch: *generator*, its functions that make compile specs; *structure*, the option
structure where the generator leaves it as it is; *runtime*, the running backend. **Emulated**: a run on the host acts on it; all
others are checked, kept and passed on.
"""


def cell(text):
    return text.replace("|", "\\|").strip()


def code(text):
    return f"`{text}`" if text else "–"


def takes(row):
    least, most = bounds(row)
    if row["type"] == "enum":
        if len(row["values"]) > 10:
            return f"one of {len(row['values'])} names: {next(iter(row['values']))} ..."
        return ", ".join(f"{name} {number}" for name, number in row["values"].items())
    if row["type"] == "text":
        return f"text, {most} bytes"
    if row["type"] == "mask":
        return "mask, bit i: core i"
    return "true, false" if row["type"] == "boolean" else f"{least} and more" if most == LARGEST else f"{least} to {most}"


def default(row):
    if "default" not in row:
        return "none"
    value = row["default"]
    shown = str(value).lower() if isinstance(value, bool) else "empty" if value == "" else str(value)
    return f"{shown} ({row['default_from']})"


def table(rows):
    text = ["| flag | compile-time key | run-time key | takes | default | what it does | emulated |",
            "| --- | --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        since = f" Since SDK {row['since']}." if "since" in row else ""
        text.append(f"| {code('--' + row['flag'])} | {code(row.get('compile'))} | {code(row.get('run'))} | {cell(takes(row))} | "
                    f"{cell(default(row))} | {cell(row['doc'] + since)} | {'yes' if row['emulated'] else 'no'} |")
    return text


def condition(option, wanted):
    if option["type"] == "text":
        return f"`{option['id']}` {'given' if wanted else 'empty'}"
    values = wanted if isinstance(wanted, list) else [wanted]
    return f"`{option['id']}` " + " or ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in values)


def page(data):
    options = data["options"]
    by_id = {row["id"]: row for row in options}
    common = [row for row in options if len(row["backends"]) == len(BACKENDS)]
    text = [MARK, "# Options of the backends\n", INTRODUCTION, "## Every backend\n", *table(common)]
    for backend in BACKENDS:
        text += [f"\n## {TITLES[backend]}\n", *table(r for r in options if backend in r["backends"] and r not in common)]
    text += ["\n## Combinations\n", "| options | on | | because |", "| --- | --- | --- | --- |"]
    for row in data["refused"]:
        when = ", ".join(condition(by_id[name], wanted) for name, wanted in row["when"].items())
        where = "all" if len(row["backends"]) == len(BACKENDS) else ", ".join(row["backends"])
        text.append(f"| {when} | {where} | {'refused' if row['level'] == 'error' else 'warned of'} | {cell(row['why'])} |")
    return "\n".join(text) + "\n"


if __name__ == "__main__":
    sys.exit(settle(__doc__, {PAGE: page(load(ROOT / "rules"))}))
