#!/usr/bin/env python3
"""Turns rules/decode/*.toml into the constant tables (C++) that decode/table.cc includes.

usage: generate_decode.py RULES_DIR OUTPUT
"""
import pathlib
import re
import sys
import tomllib

sys.dont_write_bytecode = True
from generate_rules import NAME, load as load_rules, quote  # noqa: E402

STAGES = ["cause", "node", "echo"]
REQUIRED = ["id", "topic", "pattern", "meaning", "action", "source", "examples"]
CODES_PAGE = "https://docs.qualcomm.com/doc/80-63442-10/topic/api_error_codes.html"


def code_message(row):
    """The message of an error code: a line that has it as a number after a telling word, as its name, or alone."""
    digits = "".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in f"{row['number']:x}")
    number = f"(?:{row['number']}|0[xX]0*{digits})"
    words = r"(?:[eE]rr|[eE]rror|ERROR|[cC]ode|status|failed)(?: code|_code)?"
    pattern = rf"\b{words}[ :=(]{{1,3}}(?P<code>{number})\b|^\s*(?P<alone>{number})\s*$|\b{row['name']}\b"
    return {"id": f"code-{row['number']}", "stage": "echo", "pattern": pattern, "source": CODES_PAGE,
            "examples": [f"error code: {row['number']}", f"{row['number']:#x}", row["name"]], **row}


def datatype_message(datatypes):
    """The message of a datatype's code that stands alone."""
    digits = "|".join("".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in f"{int(code, 16):x}") for code in datatypes)
    return {"id": "datatype-code", "topic": "operator", "pattern": rf"^\s*(?P<dtype>0[xX]0*(?:{digits}))\s*$",
            "meaning": "The number is a datatype: {dtype}.", "rules": ["SG105", "SG102", "SG103"],
            "action": "Decode the line it stands in; check the model for ports with this datatype.",
            "source": "https://github.com/pytorch/executorch/issues/1182", "examples": ["0x408", "0x0232"]}


def load(directory):
    """{"messages", "topics", "dtypes", "names"}; stops at the first row that breaks a convention."""
    directory = pathlib.Path(directory)
    known = load_rules(directory)
    codes = tomllib.loads((directory / "decode/codes.toml").read_text(encoding="utf-8"))
    messages = tomllib.loads((directory / "decode/messages.toml").read_text(encoding="utf-8"))["message"]
    messages += [code_message(row) for row in codes["code"]] + [datatype_message(codes["dtype"])]
    topics = [topic["name"] for topic in codes["topic"]]
    seen = set()
    for row in messages:
        name = row.get("id", "?")
        missing = [key for key in REQUIRED if not row.get(key)]
        faults = [
            (missing, f"missing {', '.join(missing)}"),
            (name in seen, "defined twice"),
            (not NAME.fullmatch(name), "id is not kebab-case"),
            (row.get("topic") not in topics, "unknown topic"),
            (row.setdefault("stage", STAGES[0]) not in STAGES, f"stage is one of {', '.join(STAGES)}"),
            ("rules" not in row, "missing rules (an empty list when there are none)"),
            (unknown := [code for code in row.get("rules", []) if code not in known], f"no rule {unknown}"),
        ]
        holes = set(re.findall(r"{(\w+)}", row.get("meaning", "") + row.get("action", "")))
        groups = set(re.findall(r"\?P<(\w+)>", "".join(m.get("pattern", "") for m in messages)))
        faults.append((holes - groups, f"no group {', '.join(sorted(holes - groups))}"))
        for fault, text in faults:
            if fault:
                raise SystemExit(f"rules/decode: {name}: {text}")
        seen.add(name)
    return {"messages": messages, "topics": codes["topic"], "dtypes": codes["dtype"], "names": codes["name"]}


def table(data):
    lines = []
    for index, row in enumerate(data["messages"]):
        if row["rules"]:
            numbers = ", ".join(str(int(code[2:])) for code in row["rules"])
            lines.append(f"constexpr RuleCode kRules{index}[] = {{{numbers}}};")
        examples = ", ".join(quote(text) for text in row["examples"])
        lines.append(f"constexpr std::string_view kExamples{index}[] = {{{examples}}};")
    lines.append("constexpr Message kMessages[] = {")
    topics = [topic["name"] for topic in data["topics"]]
    for index, row in enumerate(data["messages"]):
        fields = [quote(row["id"]), f"{topics.index(row['topic'])}", f"Stage::k{row['stage'].capitalize()}",
                  quote(row["pattern"]), quote(row["meaning"]), quote(row["action"]), quote(row["source"]),
                  f"kRules{index}" if row["rules"] else "{}", f"kExamples{index}", str(row.get("number", 0)),
                  quote(row.get("name", ""))]
        lines.append("    {" + ", ".join(fields) + "},")
    lines += ["};", "constexpr Topic kTopics[] = {"]
    lines += [f"    {{{quote(t['name'])}, {quote(t['fits'])}}}," for t in data["topics"]]
    lines += ["};", "constexpr DTypeCode kDTypeCodes[] = {"]
    lines += [f"    {{{code}, {quote(name)}}}," for code, name in data["dtypes"].items()]
    lines += ["};", "constexpr NameStep kNameSteps[] = {"]
    lines += [f"    {{{quote(n['pattern'])}, {quote(n['replacement'])}}}," for n in data["names"]]
    lines.append("};")
    return "\n".join(lines) + "\n"


def main():
    text = table(load(sys.argv[1]))
    out = pathlib.Path(sys.argv[2])
    out.parent.mkdir(parents=True, exist_ok=True)
    if not out.exists() or out.read_text(encoding="utf-8") != text:
        out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
