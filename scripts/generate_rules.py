#!/usr/bin/env python3
"""Turns rules/*.toml into the constant rule table (C++) that diag/rule.cc includes. Where a row has a name instead of a
list of ops or of output ranges, the list stands in rules/lists/ops.toml.

usage: generate_rules.py RULES_DIR OUTPUT
"""
import pathlib
import re
import sys
import tomllib

KINDS = ["malformed", "invalid", "unsupported", "unjudged", "advice"]
REQUIRED = ["name", "kind", "message", "action", "why", "source", "since"]
LISTED = ["ops", "except", "after", "ranges"]  # keys whose list may be a shared one
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+){0,3}$")  # of at most four words
RETIRED = "retired.toml"


def load(directory):
    """All rows, by code, with their lists filled in; stops at the first row that breaks a convention."""
    rows = {}
    shared_lists = pathlib.Path(directory) / "lists/ops.toml"
    lists = tomllib.loads(shared_lists.read_text()) if shared_lists.exists() else {}
    for path in sorted(pathlib.Path(directory).glob("*.toml")):
        if path.name == RETIRED:
            continue
        for code, row in tomllib.loads(path.read_text()).items():
            if not re.fullmatch(r"SG\d{3}", code):
                raise SystemExit(f"{path}: {code}: a code is SG and three digits")
            if code in rows:
                raise SystemExit(f"{path}: {code}: defined twice")
            missing = [key for key in REQUIRED if not row.get(key)]
            if missing:
                raise SystemExit(f"{path}: {code}: missing {', '.join(missing)}")
            if row["kind"] not in KINDS:
                raise SystemExit(f"{path}: {code}: kind is one of {', '.join(KINDS)}")
            if not NAME.fullmatch(row["name"]) or row["name"].startswith(("no-", "invalid-")):
                raise SystemExit(f"{path}: {code}: name '{row['name']}' is not kebab-case of at most four words, or "
                                 "starts with a filler")
            if row["name"] in (other["name"] for other in rows.values()):
                raise SystemExit(f"{path}: {code}: name '{row['name']}' is another rule's")
            for key in LISTED:
                if isinstance(row.get(key), str):
                    shared = lists.get(row[key], {})
                    row[key] = shared.get("ranges" if key == "ranges" else "ops")
                    if not row[key]:
                        raise SystemExit(f"{path}: {code}: {key} names no such list of rules/lists/ops.toml")
            if "ranges" in row:
                row.setdefault("ops", list(dict.fromkeys(r["op"] for r in row["ranges"])))
            rows[code] = row
    retired(directory, rows)
    return dict(sorted(rows.items()))


def retired(directory, rows):
    """Codes and names that no rule may have again -> the code of the rule that took their place, or ""."""
    path = pathlib.Path(directory) / RETIRED
    words = tomllib.loads(path.read_text()) if path.exists() else {}
    names = {row["name"]: code for code, row in rows.items()}
    for word, now in sorted(words.items()):
        if word in rows or word in names:
            raise SystemExit(f"{path}: {word}: retired, and {names.get(word, word)} has it again")
        if now != "" and now not in rows:
            raise SystemExit(f"{path}: {word}: what took its place is no rule: {now!r}")
    return dict(sorted(words.items()))


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def output_range(row):
    """An initializer of OutputRange: bounds that are parameters stand behind the numbers."""
    numbers = [repr(float(row[key])) if not isinstance(row[key], str) else "0" for key in ("min", "max")]
    names = [quote(row[key] if isinstance(row[key], str) else "") for key in ("min", "max")]
    return "{" + ", ".join([quote(row["op"]), quote(row.get("operation", "")), *numbers, *names]) + "}"


def main():
    rows = load(sys.argv[1])
    lines = []
    for code, row in rows.items():
        if "ranges" in row:
            ranges = [f"    {output_range(r)}," for r in row["ranges"]]
            lines += [f"constexpr OutputRange kRanges{code}[] = {{", *ranges, "};"]
    lines.append("constexpr Rule kRules[] = {")
    for code, row in rows.items():
        kind = "RuleKind::k" + row["kind"].capitalize()
        fields = [str(int(code[2:])), quote(row["name"]), kind, quote(row["message"]), quote(row["action"]),
                  quote(row.get("fix", "")), quote(row["why"]), quote(row["source"]), quote(row["since"]),
                  "true" if row.get("default", True) else "false", quote(",".join(row.get("predicates", []))),
                  quote(",".join(row.get("ops", []))), quote(",".join(row.get("backends", []))),
                  quote(",".join(row.get("except", []))), quote(",".join(row.get("after", []))),
                  repr(float(row.get("limit", 0))), f"kRanges{code}" if "ranges" in row else "{}"]
        lines.append("    {" + ", ".join(fields) + "},")
    lines.append("};")
    old = retired(sys.argv[1], rows)
    lines.append(f"constexpr std::array<RetiredWord, {len(old)}> kRetired{{{{")
    lines += [f"    {{{quote(word)}, {int(now[2:] or 0)}}}," for word, now in old.items()]
    lines.append("}};")
    out = pathlib.Path(sys.argv[2])
    out.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(lines) + "\n"
    if not out.exists() or out.read_text() != text:
        out.write_text(text)


if __name__ == "__main__":
    main()
