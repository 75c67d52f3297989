#!/usr/bin/env python3
"""Turns the pages of docs/rules/ into the constant table (C++) that cli/rule_pages.cc includes.

usage: generate_rule_pages.py OUTPUT

The pages come from the function that writes docs/rules/, so `snapgauge explain` and the pages cannot
say different things; their first line, which is for editors of the file, is left out.
"""
import pathlib
import sys

sys.dont_write_bytecode = True
from generate_docs import MARK, ROOT, rule_pages  # noqa: E402
from generate_rules import quote  # noqa: E402


def literal(text):
    """A page as C++ string literals, one a line, so that the generated file can be read."""
    lines = text.removeprefix(MARK).lstrip("\n").splitlines()
    return "\n".join("     " + quote(line)[:-1] + '\\n"' for line in lines)


def main():
    lines = ["constexpr RulePage kRulePages[] = {"]
    for code, text in rule_pages(ROOT).items():
        lines.append(f"    {{{int(code[2:])},\n{literal(text)}}},")
    lines.append("};")
    out = pathlib.Path(sys.argv[1])
    out.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(lines) + "\n"
    if not out.exists() or out.read_text(encoding="utf-8") != text:
        out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
