"""Rows of the op-info tables as short lines of Markdown, for generate_supported_ops.py."""

import re

COMPARISONS = {"eq": "=", "ne": "not", "min": "≥", "max": "≤", "gt": ">", "lt": "<"}
# Keys that say where a predicate stands or comes from, not what it asks for.
OUTSIDE = {"config", "port", "kind", "src", "quirk", "when"}


def dtype(name):
    """UFIXED_POINT_8 -> ufixed8, FLOAT_16 -> float16."""
    return name.replace("FIXED_POINT_", "FIXED").replace("_", "").lower()


def is_dtype(text):
    return re.fullmatch(r"([US]?FIXED_POINT|U?INT|FLOAT|BOOL)_\d+", text)


def dtype_set(cell):
    return tuple(sorted({dtype(d) for d in ([cell] if isinstance(cell, str) else cell)}))


def merge(rows):
    """Combinations that differ in one column become one with both values there, as long as any do."""
    rows = list(dict.fromkeys(rows))
    at = 0
    while at < len(rows):
        for other in range(at + 1, len(rows)):
            differ = [c for c, (a, b) in enumerate(zip(rows[at], rows[other])) if a != b]
            if len(differ) == 1:
                c = differ[0]
                cell = tuple(sorted(set(rows[at][c]) | set(rows[other][c])))
                rows[at] = rows[at][:c] + (cell,) + rows[at][c + 1:]
                del rows[other]
                at = -1
                break
        at += 1
    return rows


def combination(columns, row):
    """`in[0], out[0]` ufixed8; `in[1]` sfixed8: columns that accept the same stand together."""
    by_cell = {}
    for column, cell in zip(columns, row):
        if cell:
            by_cell.setdefault(cell, []).append(column)
    return "; ".join(f"`{', '.join(ports)}` {', '.join(cell)}" for cell, ports in by_cell.items())


def variant_lines(variants, joint):
    """One line a set of combinations (joint) or a label; labels that accept the same stand together."""
    by_group = {}
    for variant in variants:
        columns = tuple(variant["dtypes"])
        row = tuple(dtype_set(cell) if cell else () for cell in variant["dtypes"].values())
        by_group.setdefault((variant["config"], columns), []).append(row)
    lines = {}
    for (config, columns), rows in by_group.items():
        for row in merge(rows) if joint else dict.fromkeys(rows):
            configs = lines.setdefault(combination(columns, row) or "no datatypes stated", [])
            if config not in configs:
                configs.append(config)
    return [("" if configs == ["All"] else f"{', '.join(configs)}: ") + text for text, configs in lines.items()]


def pair(key, value):
    """A key that is true says it all."""
    word = COMPARISONS.get(key, key.replace("_", " "))
    return word if value is True else f"{word} {plain(value)}"


def plain(value):
    """Any value of a predicate: objects as 'key value', lists with commas, numbers as they are."""
    if isinstance(value, dict):
        return value["expr"] if "expr" in value else ", ".join(pair(*item) for item in value.items())
    if isinstance(value, list):
        return ", ".join(f"({plain(p)})" if isinstance(p, dict) and len(value) > 1 else plain(p) for p in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return dtype(value) if isinstance(value, str) and is_dtype(value) else str(value)


def wants(row):
    """What a predicate asks for: its kind and the keys of the kind."""
    kind = row["kind"].replace("_", " ")
    body = {key: value for key, value in row.items() if key not in OUTSIDE}
    if row["kind"] == "relation" and "lhs" in body:
        return f"`{body['lhs']} {body['cmp']} {body['rhs']}`"
    if row["kind"] == "operation_dtypes":
        return f"{kind} " + "; ".join(f"{name} {plain(types) or 'none'}" for name, types in body["map"].items())
    if len(body) == 1:
        (key, value), = body.items()
        if key == "in":
            return f"{kind} one of {plain(value)}"
        if key == "then" or key in kind.split():
            return f"{kind} {plain(value)}"
    return f"{kind} {plain(body)}".strip()


def constraint_lines(constraints):
    """One line a fact, the ports and labels that share it before and behind it."""
    facts = {}
    for row in constraints:
        config = row.get("config", ["All"])
        config = ", ".join([config] if isinstance(config, str) else config)
        when = f", when {plain(row['when'])}" if row.get("when") else ""
        ports = facts.setdefault((wants(row) + when, config), [])
        if row["port"] not in ports:
            ports.append(row["port"])
    return [f"`{', '.join(ports)}`: {text}" + ("" if config == "All" else f" ({config})")
            for (text, config), ports in facts.items()]
