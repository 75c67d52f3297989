#!/usr/bin/env python3
"""Writes docs/supported-ops/: one page per backend and SDK from opinfo/, and an index.

usage: generate_supported_ops.py [--check]

A page lists what the vendor's page of that SDK says, op by op, and below it the overlay rows that
hold at some time before the backend's next page, each with its source. Nothing is resolved here:
which rows win is the program's business (opinfo/README.md), and `snapgauge opinfo show` shows it.
"""
import json
import pathlib
import sys

sys.dont_write_bytecode = True
from generated_files import settle  # noqa: E402
from opinfo_text import constraint_lines, variant_lines  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs/supported-ops"
MARK = "<!-- Written by scripts/generate; edit opinfo/ instead. -->\n"
BACKENDS = ["htp", "lpai", "gpu", "cpu", "dsp", "hta"]
# Pages that are one backend's in two files: file's backend -> (backend, label in place of All).
SPLIT = {"HTP": ("htp", "FIXED"), "HTP_FP16": ("htp", "FP16")}


def version(text):
    return tuple(int(part) for part in text.split("."))


def relabel(row, label):
    """The row with its only label, All, replaced."""
    config = row.get("config", "All")
    return {**row, "config": label if config == "All" else [label] if config == ["All"] else config}


def load_pages():
    """(backend, sdk) -> {"files", "ops": name -> {"joint", "columns", "variants", "constraints"}}."""
    files = [(path, json.loads(path.read_text(encoding="utf-8"))) for path in sorted(ROOT.glob("opinfo/*/*.json"))]
    files = [(path, data) for path, data in files if "backend" in data]
    halves = {data["sdk_version"] for _, data in files if data["backend"] == "HTP_FP16"}
    pages = {}
    for path, data in files:
        sdk = data["sdk_version"]
        backend, label = data["backend"].lower(), None
        if data["backend"] in SPLIT and sdk in halves:
            backend, label = SPLIT[data["backend"]]
        page = pages.setdefault((backend, sdk), {"files": [], "ops": {}})
        page["files"].append(path.relative_to(ROOT).as_posix())
        for name, op in data["ops"].items():
            entry = page["ops"].setdefault(name, {"joint": data["dtype_rows"] == "joint", "variants": [],
                                                  "constraints": [], "added": []})
            for key in ("variants", "constraints"):
                entry[key] += [relabel(row, label) if label else row for row in op[key]]
    return pages


def load_overlays():
    """Every overlay row, with its file's defaults and the sources written out."""
    rows = []
    for path in sorted(ROOT.glob("opinfo/overlays/*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        rows += [{**data.get("defaults", {}), **row} for row in data["rows"]]
    return sorted(rows, key=lambda row: version(row["since"]))


def add_overlays(pages, rows):
    for (backend, sdk), page in pages.items():
        later = [version(s) for b, s in pages if b == backend and version(s) > version(sdk)]
        end = min(later, default=(10**6,))
        for row in rows:
            until = version(row["until"]) if "until" in row else end
            if backend not in row["backends"] or version(row["since"]) >= end or until <= version(sdk):
                continue
            for name in row["ops"]:
                entry = page["ops"].setdefault(name, {"variants": [], "constraints": [], "added": []})
                entry["added"].append(row)


def overlay_lines(row):
    words = [f"SDK {row['since']}" + (f" until {row['until']}" if "until" in row else " on")]
    words += [f"pipeline {row['pipeline']}"] if "pipeline" in row else []
    words += ["doubtful"] if row.get("strength") == "doubtful" else []
    words += [row["effect"]] if row.get("effect", "binds") != "binds" else []
    why = f" {row['why']}" if row.get("why") else ""
    lines = [f"- **{', '.join(words)}**:{why} Source: {row['source']['document']}, SDK {row['source']['sdk']}."]
    facts = variant_lines(row.get("variants", []), row.get("dtype_rows") == "joint")
    facts += constraint_lines(row.get("constraints", []))
    return lines + [f"  - {fact}" for fact in facts]


def op_section(name, op):
    lines = [f"## {name}", ""]
    if not op["variants"]:
        lines.append("Not on the vendor's page." if not op["constraints"] else "No datatypes on the vendor's page.")
        lines.append("")
    lines += [f"- {fact}" for fact in variant_lines(op["variants"], op.get("joint", False))]
    lines += [f"- {fact}" for fact in constraint_lines(op["constraints"])]
    for row in op["added"]:
        lines += overlay_lines(row)
    return "\n".join(lines) + "\n"


def page_text(backend, sdk, page):
    listed = sum(1 for op in page["ops"].values() if op["variants"])
    joint = any(op.get("joint") for op in page["ops"].values())
    added = len(page["ops"]) - listed
    text = [MARK, f"# {backend}, SDK {sdk}\n",
            f"{listed} ops of the vendor's op definition for this backend"
            + (f", {added} more from overlays. " if added else ". ")
            + "How to read this: [README.md](README.md). " +
            ("A line of datatypes is a set of combinations: one of each port's together."
             if joint else "Datatypes are stated port by port.") + "\n",
            "Source, unless a line names its own: the vendor's op definition page, SDK " + sdk + ", as read in "
            + ", ".join(f"[{f}](../../{f})" for f in page["files"]) + ".\n"]
    return "\n".join(text + [op_section(name, op) for name, op in sorted(page["ops"].items())])


def labels(op):
    """What stands in the index for an op: the labels it has, or yes."""
    seen = dict.fromkeys(v["config"] for v in op["variants"] if v["config"] != "All")
    return " ".join(seen) if seen else "yes" if op["variants"] else "added"


HEAD = """# Supported ops

What the tables say about each op of each backend: datatypes by port, constraints, sources. One page a backend and SDK;
an SDK between two pages has the older page and the overlay rows of its version. Written from `opinfo/`.

- `ufixed8` and `sfixed16` are quantized types, `uint8` and `int16` plain integers.
- A label such as INT8 or FP16 is the vendor's name for a group of rows. Facts without one hold for all groups.
- A bold SDK version starts a row of an overlay, which corrects or extends the page from that version on: `removes` takes
  a fact away, `doubtful` warns and does not reject, and a pipeline limits it to graphs that this one lowers.
- The master op definition holds for every backend in addition. `snapgauge opinfo show OP --backend NAME --sdk VERSION`
  prints what is in force, everything taken together.
"""


def index(pages):
    newest = {b: max((s for x, s in pages if x == b), key=version) for b in BACKENDS}
    ops = sorted({name for b, s in newest.items() for name in pages[b, s]["ops"]})
    text = [MARK, HEAD, "| backend | pages |", "| --- | --- |"]
    for backend in BACKENDS:
        sdks = sorted((s for b, s in pages if b == backend), key=version, reverse=True)
        links = ", ".join(f"[{s}]({backend}-{s}.md), {len(pages[backend, s]['ops'])} ops" for s in sdks)
        text.append(f"| {backend} | {links} |")
    text += ["", "Newest page of each; `added` ones come from an overlay alone.", "",
             "| op | " + " | ".join(BACKENDS) + " |", "| --- |" + " --- |" * len(BACKENDS)]
    for name in ops:
        cells = []
        for backend in BACKENDS:
            op = pages[backend, newest[backend]]["ops"].get(name)
            cells.append(f"[{labels(op)}]({backend}-{newest[backend]}.md#{name.lower()})" if op else "")
        text.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(text) + "\n"


def derived():
    """Path -> text of every page there should be."""
    pages = load_pages()
    add_overlays(pages, load_overlays())
    texts = {PAGES / f"{b}-{s}.md": page_text(b, s, page) for (b, s), page in sorted(pages.items())}
    return {PAGES / "README.md": index(pages), **texts}


if __name__ == "__main__":
    sys.exit(settle(__doc__, derived(), PAGES))
