#!/usr/bin/env python3
"""Writes docs/rules/: one page per rule from its row in rules/*.toml, and an index.

usage: generate_docs.py [--check]

A page ends with the first bad and the first good example of tests/rules/<name>.md: the first fenced
block below a heading that starts with "Bad" or "Good".
"""
import pathlib
import re
import sys

sys.dont_write_bytecode = True
from generated_files import settle  # noqa: E402
from generate_rules import KINDS, load  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs/rules"
MARK = "<!-- Written by scripts/generate; edit rules/*.toml or the fixture instead. -->\n"

KIND_TEXT = {
    "malformed": "the file cannot be read",
    "invalid": "wrong on every target",
    "unsupported": "legal, but not on this target",
    "unjudged": "we could not tell, and say why",
    "advice": "works, but costs accuracy or speed",
}
LEVELS = {"advice": "note", "unjudged": "warning"}


def examples(fixture):
    """{"bad": block, "good": block}, each with its fences, of a fixture's text."""
    found, wanted, block, fence = {}, None, None, ""
    for line in fixture.splitlines():
        if block is not None:
            block.append(line)
            if line.strip() == fence:
                if wanted:
                    found.setdefault(wanted, "\n".join(block))
                block = None
        elif opening := re.match(r"(`{3,}|~{3,})", line):
            fence, block = opening.group(1), [line]
        elif heading := re.match(r"#+\s+(.*)", line):
            kind = re.match(r"(bad|good)\b", heading.group(1), re.IGNORECASE)
            wanted = kind.group(1).lower() if kind else None
    return found


def page(code, row, fixture):
    kind = row["kind"]
    text = [
        MARK, f"# {code} {row['name']}\n",
        f"**{kind}**: {KIND_TEXT[kind]}. Reported as {LEVELS.get(kind, 'error')}, since {row['since']}"
        + (".\n" if row.get("default", True) else "; off unless selected.\n"),
        f"## Message\n\n> {row['message']}\n",
        f"## Why\n\n{row['why']}\n",
        f"## What to do\n\n{row['action']}\n",
    ]
    if row.get("fix"):
        text.append(f"`snapgauge fix`: {row['fix']}\n")
    shown = examples(fixture)
    for which, title in (("bad", "Reported"), ("good", "Not reported")):
        if which in shown:
            text.append(f"## {title}\n\n{shown[which]}\n")
    if row.get("ops") or row.get("except"):
        what = ", ".join(row["ops"]) if row.get("ops") else "every op but " + ", ".join(row["except"])
        behind = "" if not row.get("after") else " behind " + ", ".join(row["after"])
        where = "" if not row.get("backends") else " on " + ", ".join(row["backends"])
        text.append(f"## Where\n\nLooks at {what}{behind}{where}.\n")
    text.append(f"## Source\n\n{row['source']}\n")
    if row.get("threads"):
        links = "\n".join(f"- [{t}](https://github.com/{t.replace('#', '/issues/')})" for t in row["threads"])
        text.append(f"## Where people met it\n\n{links}\n")
    if row.get("predicates"):
        names = ", ".join(f"`{p}`" for p in row["predicates"])
        text.append(f"Reports the op-info predicates {names}; each finding names the row it comes from.\n")
    return "\n".join(text)


def index(rows):
    text = [MARK, "# Rules\n",
            f"{len(rows)} rules. `snapgauge explain CODE` prints the same pages. Codes are never reused.\n"]
    text += [f"- **{kind}**: {KIND_TEXT[kind]}" for kind in KINDS]
    text += ["", "| code | name | kind | message |", "| --- | --- | --- | --- |"]
    for code, row in rows.items():
        message = row["message"].replace("|", "\\|")
        text.append(f"| [{code}]({row['name']}.md) | {row['name']} | {row['kind']} | {message} |")
    return "\n".join(text) + "\n"


def rule_pages(root):
    """Code -> text of its page; `snapgauge explain` prints the same."""
    pages = {}
    for code, row in load(root / "rules").items():
        fixture = root / "tests/rules" / f"{row['name']}.md"
        text = fixture.read_text(encoding="utf-8") if fixture.exists() else ""
        pages[code] = page(code, row, text)
    return pages


def derived():
    """Path -> text of every page there should be."""
    rows = load(ROOT / "rules")
    pages = {PAGES / "README.md": index(rows)}
    for code, text in rule_pages(ROOT).items():
        pages[PAGES / f"{rows[code]['name']}.md"] = text
    return pages


if __name__ == "__main__":
    sys.exit(settle(__doc__, derived(), PAGES))
