#!/usr/bin/env python3
"""Turns rules/options/*.toml into the enumerators (option_ids.inc) and the constant tables (option_table.inc) that
options/table.h and options/table.cc include.

usage: generate_options.py RULES_DIR OUTPUT_DIR
"""
import json
import pathlib
import re
import sys
import tomllib

sys.dont_write_bytecode = True
from generate_rules import quote  # noqa: E402

BACKENDS = ["htp", "gpu", "lpai"]  # as options/table.h numbers them: one bit each, from the lowest
TYPES = ["boolean", "integer", "enum", "mask", "text"]
DEFAULTS = ["generator", "structure", "runtime"]
LEVELS = ["error", "warning"]
LARGEST = 2**31 - 1  # of the integers that upstream passes on
LONGEST_RUN_KEY = 63  # bytes that upstream keeps of it
REQUIRED = ["id", "flag", "type", "doc", "emulated", "source"]
KNOWN = {*REQUIRED, "compile", "run", "backends", "min", "max", "values", "undefined", "default", "default_from", "since",
         "former"}
OF_TYPES = {"min": ["integer"], "max": ["integer", "text"], "values": ["enum"], "undefined": ["enum"]}
REFUSED = ["when", "level", "why", "source"]
ID = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
FLAG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def squeezed(word):
    """What of a value's name counts: RealTime, real-time and real_time are one."""
    return word.lower().replace("-", "").replace("_", "")


def names(row):
    """(kind, name) of all that a row goes by; no two rows have one of a kind in common."""
    yield "id", row["id"]
    yield "flag", row["flag"]
    if "run" in row:
        yield "run", row["run"]
    if "compile" in row:
        yield from ((f"compile of {backend},", row["compile"]) for backend in row["backends"])
    yield from (("former", former) for former in row["former"])


def bounds(row):
    return row.get("min", 0), row.get("max", LARGEST)


def number_of(row, value):
    """The number that stands for a value of the row in the tables; None when the row does not take it."""
    kind, (least, most) = row["type"], bounds(row)
    if kind == "boolean":
        return int(value) if isinstance(value, bool) else None
    if kind == "enum":
        return row["values"].get(value) if isinstance(value, str) else None
    if kind == "text":
        fits = isinstance(value, str) and len(value.encode()) <= most and "\0" not in value
        return int(value != "") if fits else None
    return value if type(value) is int and least <= value <= most else None


def condition_numbers(row, wanted):
    """As number_of() of each of the values; of a text it is asked whether there is one."""
    if row["type"] == "text":
        return [int(wanted) if isinstance(wanted, bool) else None]
    return [number_of(row, value) for value in (wanted if isinstance(wanted, list) else [wanted])]


def enum_faults(row):
    values = row.get("values")
    yield not isinstance(values, dict) or not values, 'values are names with numbers, or "soc-table"'
    yield any(type(n) is not int or not 0 <= n <= LARGEST for n in values.values()), "a value is no number from 0 on"
    yield len(set(values.values())) < len(values), "two values have one number"
    words = [squeezed(word) for word in [*values, *([row["undefined"]] if "undefined" in row else [])]]
    yield len(set(words)) < len(words), "two values have one name"
    yield "undefined" in row and 0 in values.values(), "0 is the undefined member's number"


def faults(row, sources):
    """(wrong, what) of everything that a row must be, each on the ground of those before it."""
    missing = [key for key in REQUIRED if key not in row]
    yield missing, f"missing {', '.join(missing)}"
    unknown = sorted(set(row) - KNOWN)
    yield unknown, f"unknown key {', '.join(unknown)}"
    yield row["type"] not in TYPES, f"type is one of {', '.join(TYPES)}"
    yield not ID.fullmatch(row["id"]), "id is not snake_case"
    yield not FLAG.fullmatch(row["flag"]), "flag is not kebab-case"
    yield "compile" not in row and "run" not in row, "neither compile nor run: nobody could set it"
    yield len(row.get("run", "").encode()) > LONGEST_RUN_KEY, f"run is longer than {LONGEST_RUN_KEY} bytes"
    yield not row["backends"] or set(row["backends"]) - set(BACKENDS), f"backends are among {', '.join(BACKENDS)}"
    yield type(row["emulated"]) is not bool, "emulated is true or false"
    for key, kinds in OF_TYPES.items():
        yield key in row and row["type"] not in kinds, f"{key} belongs to {' and '.join(kinds)}"
    least, most = bounds(row)
    yield type(least) is not int or type(most) is not int, "min and max are integers"
    yield not 0 <= least <= most <= LARGEST, f"min and max do not lie within 0 and {LARGEST}"
    if row["type"] == "enum":
        yield from enum_faults(row)
    yield "default" not in row and "undefined" not in row, "missing default"
    if "default" in row:
        yield number_of(row, row["default"]) is None, f"default {row['default']!r} is no value that it takes"
        yield row.get("default_from") not in DEFAULTS, f"default_from is one of {', '.join(DEFAULTS)}"
    yield not row["source"] or set(row["source"]) - set(sources), "source names no entry of [sources]"


def backend_faults(row, sources):
    keys = {"name", "graphs_per_context", "cores", "source"}
    yield set(row) != keys, f"its keys are {', '.join(sorted(keys))}"
    for key in ("graphs_per_context", "cores"):
        yield type(row[key]) is not int or not 0 <= row[key] < 64, f"{key} is a small number; 0: no limit, or none"
    yield not row["source"] or set(row["source"]) - set(sources), "source names no entry of [sources]"


def refused_faults(row, options, sources):
    missing = [key for key in REFUSED if not row.get(key)]
    yield missing, f"missing {', '.join(missing)}"
    unknown = sorted(set(row) - {*REFUSED, "backends"})
    yield unknown, f"unknown key {', '.join(unknown)}"
    yield row["level"] not in LEVELS, f"level is one of {', '.join(LEVELS)}"
    yield set(row["backends"]) - set(BACKENDS), f"backends are among {', '.join(BACKENDS)}"
    for name, wanted in row["when"].items():
        yield name not in options, f"no option {name}"
        others = sorted(set(row["backends"]) - set(options[name]["backends"]))
        yield others, f"{name} is no option of {', '.join(others)}"
        yield None in condition_numbers(options[name], wanted), f"{name} takes no {wanted!r}"
    by_default = all(number_of(options[name], options[name].get("default")) in condition_numbers(options[name], wanted)
                     for name, wanted in row["when"].items())
    yield by_default and row["level"] == "error", "refuses what nobody set"
    yield set(row["source"]) - set(sources), "source names no entry of [sources]"


def stop_at(found, path, name):
    for wrong, what in found:
        if wrong:
            raise SystemExit(f"{path}: {name}: {what}")


def check_names(rows, path):
    taken = {}
    for row in rows:
        for kind, name in names(row):
            stop_at([((kind, name) in taken, f"{kind} {name} stands in {taken.get((kind, name))} too")], path, row["id"])
            taken[kind, name] = row["id"]
    real = {name for kind, name in taken if kind != "former"}
    for row in rows:
        stop_at([(former in real, f"former {former} is a real name") for former in row["former"]], path, row["id"])


def load(directory):
    """{"options": rows, "refused": rows, "sources": name -> text}; stops at the first row that breaks a convention."""
    directory = pathlib.Path(directory)
    path = directory / "options/options.toml"
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    table = json.loads((directory / "targets/soc-table.json").read_text(encoding="utf-8"))
    socs = {row["soc"]: row["id"] for row in sorted(table["rows"], key=lambda row: row["soc"])}
    rows, sources = data["option"], data["sources"]
    for number, row in enumerate(rows, 1):
        row.setdefault("backends", BACKENDS)
        row.setdefault("former", [])
        if row.get("values") == "soc-table":
            row["values"] = socs
        stop_at(faults(row, sources), path, row.get("id", f"row {number}"))
    check_names(rows, path)
    path = directory / "options/refused.toml"
    refused = tomllib.loads(path.read_text(encoding="utf-8"))["refused"]
    options = {row["id"]: row for row in rows}
    for number, row in enumerate(refused, 1):
        row.setdefault("backends", BACKENDS)
        stop_at(refused_faults(row, options, sources), path, f"row {number} ({', '.join(row.get('when', []))})")
    path = directory / "options/backends.toml"
    backends = tomllib.loads(path.read_text(encoding="utf-8"))["backend"]
    for number, row in enumerate(backends, 1):
        stop_at(backend_faults(row, sources), path, row.get("name", f"row {number}"))
    stop_at([([row["name"] for row in backends] != BACKENDS, f"the backends are {', '.join(BACKENDS)}, in this order")],
            path, "all rows")
    return {"options": rows, "refused": refused, "backends": backends, "sources": sources}


def camel(name):
    return "k" + "".join(word.capitalize() for word in name.split("_"))


def bits(backends):
    return sum(1 << BACKENDS.index(backend) for backend in backends)


def sources_text(row, sources):
    return "; ".join(sources[name] for name in row["source"])


def option_lines(rows, sources):
    lines = []
    for row in rows:
        if row["type"] == "enum":
            choices = ", ".join(f"{{{quote(name)}, {number}}}" for name, number in row["values"].items())
            lines.append(f"constexpr OptionChoice kChoices_{row['id']}[] = {{{choices}}};")
        if row["former"]:
            lines.append(f"constexpr std::string_view kFormer_{row['id']}[] = {{{', '.join(map(quote, row['former']))}}};")
    lines.append("constexpr OptionRow kRows[] = {")
    for row in rows:
        default = row.get("default", 0)
        fields = [f"OptionId::{camel(row['id'])}", quote(row["id"]), quote(row.get("compile", "")), quote(row.get("run", "")),
                  quote(row["flag"]), f"OptionType::k{row['type'].capitalize()}", str(bits(row["backends"])),
                  str(row["emulated"]).lower(), *map(str, bounds(row)),
                  f"kChoices_{row['id']}" if row["type"] == "enum" else "{}", quote(row.get("undefined", "")),
                  str(number_of(row, default) or 0), quote(default if row["type"] == "text" else ""), quote(row["doc"]),
                  quote(sources_text(row, sources)), quote(row.get("since", "")),
                  f"kFormer_{row['id']}" if row["former"] else "{}"]
        lines.append("    {" + ", ".join(fields) + "},")
    return [*lines, "};"]


def refused_lines(rows, options, sources):
    lines, table = [], []
    for index, row in enumerate(rows):
        conditions = []
        for name, wanted in row["when"].items():
            numbers = condition_numbers(options[name], wanted)
            array = f"kAnyOf{index}_{name}"
            lines.append(f"constexpr int64_t {array}[] = {{{', '.join(map(str, numbers))}}};")
            conditions.append(f"{{OptionId::{camel(name)}, {array}}}")
        lines.append(f"constexpr OptionCondition kWhen{index}[] = {{{', '.join(conditions)}}};")
        table.append(f"    {{kWhen{index}, {bits(row['backends'])}, {str(row['level'] == 'warning').lower()}, "
                     f"{quote(row['why'])}, {quote(sources_text(row, sources))}}},")
    return [*lines, "constexpr OptionCombination kCombinations[] = {", *table, "};"]


def backend_lines(rows, sources):
    return ["constexpr OptionBackendRow kBackendRows[] = {",
            *(f"    {{{quote(r['name'])}, OptionBackend::k{r['name'].capitalize()}, {r['graphs_per_context']}, {r['cores']}, "
              f"{quote(sources_text(r, sources))}}}," for r in rows), "};"]


def write(path, lines):
    text = "\n".join(lines) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def main():
    data = load(sys.argv[1])
    options, sources = data["options"], data["sources"]
    out = pathlib.Path(sys.argv[2])
    write(out / "option_ids.inc", [f"{camel(row['id'])}," for row in options])
    by_id = {row["id"]: row for row in options}
    write(out / "option_table.inc", option_lines(options, sources) + refused_lines(data["refused"], by_id, sources) +
          backend_lines(data["backends"], sources))


if __name__ == "__main__":
    main()
