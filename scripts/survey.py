#!/usr/bin/env python3
"""Judges a folder of annotation dumps and prints what was rejected, as a Markdown page.

    scripts/survey.py FOLDER [--program build/dev/bin/snapgauge] >docs/survey.md

Counts annotated nodes: judged call nodes of a dump with at least one spec. Groups of rejections above one percent of the
nodes of their backend and config are explained by docs/survey-notes.json. A group without an explanation, an explanation
without a group, or one that quotes a table row which `opinfo show` no longer prints is an error: exit code 1.
"""
import argparse
import collections
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOTES = ROOT / "docs" / "survey-notes.json"
RUNS = [("htp", "SM8750", "latest"), ("lpai", "SM8850", "latest"), ("lpai", "SM8850", "2.25.0")]
SHARE = 0.01  # groups from here on are explained


def run(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def annotated_nodes(dump):
    """Names of the call nodes that carry a spec."""
    names = set()
    for node in dump["nodes"]:
        annotation = node.get("annotation") or {}
        specs = [annotation.get("output"), *(spec for _, spec in annotation.get("inputs", []))]
        if node["op"] == "call_function" and any(spec is not None for spec in specs):
            names.add(node["name"])
    return names


class Survey:
    """The counts of one backend and SDK, by config."""

    def __init__(self, backend, soc, sdk):
        self.backend, self.soc, self.sdk = backend, soc, sdk
        self.verdicts = collections.defaultdict(collections.Counter)  # config -> files, accepted, rejected, unknown
        self.rejections = collections.defaultdict(collections.Counter)  # (op, code, rule, port, document) -> config
        self.unknown = collections.defaultdict(collections.Counter)  # (op, reason) -> config

    def nodes(self, config):
        return sum(self.verdicts[config][v] for v in ("accepted", "rejected", "unknown"))

    def add(self, dump, report):
        config, counted = dump["config"], annotated_nodes(dump)
        self.verdicts[config]["files"] += 1
        backend_ops = {}
        for node in report["nodes"]:
            backend_ops[node["name"]] = node["backend_op"] or node["op"]
            if node["name"] in counted:
                self.verdicts[config][node["verdict"]] += 1
            if node["verdict"] == "unknown":
                self.unknown[node["op"], node["reason"]][config] += 1
        groups = set()
        for f in report["findings"]:
            if f["level"] == "error" and f["node"] in counted:
                document = f.get("source", {}).get("document", "")
                groups.add((f["node"], (backend_ops.get(f["node"], ""), f["code"], f["rule"], f.get("port", ""), document)))
        for _, group in groups:
            self.rejections[group][config] += 1

    def large_groups(self):
        """(group, {config: count}) of the configs where the group is above the limit, the largest group first."""
        large = []
        for group, counts in self.rejections.items():
            above = {c: n for c, n in counts.items() if n > SHARE * self.nodes(c)}
            if above:
                large.append((group, above))
        return sorted(large, key=lambda item: (-sum(item[1].values()), item[0]))


def survey(program, dumps, backend, soc, sdk):
    result = Survey(backend, soc, sdk)
    chosen = {path: dump for path, dump in dumps.items() if dump["backend"] == backend}
    if not chosen:
        return result
    done = run(program, "check", "--backend", backend, "--soc", soc, "--sdk", sdk, "--output-format", "json", *map(str, chosen))
    if done.returncode > 1:
        raise SystemExit(done.stderr or f"{program}: exit code {done.returncode}")
    for report in json.loads(done.stdout)["files"]:
        result.add(chosen[pathlib.Path(report["path"])], report)
    return result


def matches(note, result, group):
    op, code, _, port, _ = group
    if note["backend"] != result.backend or note["code"] != code or note.get("sdk", result.sdk) != result.sdk:
        return False
    return op in note["ops"] and ("ports" not in note or port in note["ports"])


def stale_rows(program, note):
    """Rows that a note quotes and `opinfo show` does not print."""
    sdk = note.get("sdk", "latest")
    soc = next(s for b, s, _ in RUNS if b == note["backend"])
    for quote in note.get("rows", []):
        shown = run(program, "opinfo", "show", quote["op"], "--backend", note["backend"], "--soc", soc, "--sdk", sdk)
        printed = {" ".join(line.split()) for line in (shown.stdout + shown.stderr).splitlines()}
        if " ".join(quote["row"].split()) not in printed:
            yield f"{quote['op']} on {note['backend']}, SDK {sdk}: no row {quote['row']!r}"


def table(header, rows):
    print("| " + " | ".join(header) + " |")
    print("|" + " --- |" * len(header))
    for row in rows:
        print("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |")
    print()


def by_config(counts, result):
    return ", ".join(f"{c} {n} ({100 * n / result.nodes(c):.1f} %)" for c, n in sorted(counts.items()))


def print_verdicts(results):
    rows = []
    for r in results:
        total = collections.Counter()
        for config in sorted(r.verdicts):
            v = r.verdicts[config]
            total.update(v)
            rows.append([r.backend, r.sdk, config, v["files"], r.nodes(config), v["accepted"], v["rejected"], v["unknown"]])
        rows.append([f"**{r.backend}**", f"**{r.sdk}**", "**all**", total["files"], sum(map(r.nodes, r.verdicts)),
                     total["accepted"], total["rejected"], total["unknown"]])
    table(["backend", "SDK", "config", "files", "annotated nodes", "accepted", "rejected", "unknown"], rows)


def print_rejections(results, notes):
    """Prints the groups and returns the notes that some group needed, and the groups without a note."""
    used, missing = [], []
    for r in results:
        print(f"### {r.backend}, SDK {r.sdk}\n")
        rows = []
        for group, counts in r.large_groups():
            note = next((n for n in notes if matches(n, r, group)), None)
            if note is None:
                missing.append(f"{r.backend}, SDK {r.sdk}: {' '.join(group)}")
            elif note not in used:
                used.append(note)
            op, code, rule, port, document = group
            rows.append([op, f"{code} {rule}", port, document, by_config(counts, r), used.index(note) + 1 if note else "?"])
        if rows:
            table(["op", "rule", "port or parameter", "source", "nodes", "why"], rows)
        else:
            print("None.\n")
    return used, missing


def print_notes(used):
    print("## Why\n")
    for number, note in enumerate(used, 1):
        print(f"{number}. **{note['title']}** {note['why']}")
        rows = [(quote["op"], " ".join(quote["row"].split())) for quote in note.get("rows", [])]
        if rows:
            print()
        for op, row in rows:
            print(f"       {row}" if row.startswith("snapgauge:") else f"       {op}: {row}")
        print()


def print_unknown(results):
    rows = []
    for r in results:
        for (op, reason), counts in sorted(r.unknown.items(), key=lambda item: (-sum(item[1].values()), item[0])):
            rows.append([r.backend, r.sdk, op, reason, ", ".join(f"{c} {n}" for c, n in sorted(counts.items()))])
    if rows:
        table(["backend", "SDK", "op", "reason", "nodes"], rows)
    else:
        print("None.\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--program", default=str(ROOT / "build" / "dev" / "bin" / "snapgauge"))
    arguments = parser.parse_args()
    texts = json.loads(NOTES.read_text(encoding="utf-8"))
    notes = texts["notes"]
    dumps = {}
    for path in sorted(arguments.folder.glob("*.json")):
        dump = json.loads(path.read_text(encoding="utf-8"))
        if dump.get("format") == "annotated-graph":
            dumps[path] = dump
    if not dumps:
        raise SystemExit(f"{arguments.folder}: no annotation dumps")
    results = [survey(arguments.program, dumps, *one) for one in RUNS]

    targets = ", ".join(dict.fromkeys(f"{r.backend} on {r.soc}" for r in results))
    print("# Survey: what ExecuTorch's quantizer annotates, judged\n")
    print(f"Made by `scripts/survey.py` over {len(dumps)} dumps ({targets}). Do not edit: the explanations are in `survey-notes.json`.\n")
    print_verdicts(results)
    print(f"## Rejections above {100 * SHARE:.0f} % of the annotated nodes of their backend and config\n")
    print("A node counts once for each port or parameter that is at fault.\n")
    for backend in dict.fromkeys(r.backend for r in results):
        print(f"**{backend}.** {texts['backends'][backend]}\n")
    used, missing = print_rejections(results, notes)
    print_notes(used)
    print("## Unknown\n")
    print("Judged nodes, annotated or not.\n")
    print_unknown(results)

    problems = [f"no explanation for {m}" for m in missing]
    problems += [f"explanation without a group: {n['title']}" for n in notes if n not in used]
    problems += [f"stale row: {stale}" for n in used for stale in stale_rows(arguments.program, n)]
    for problem in problems:
        print(f"survey: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
