#!/usr/bin/env python3
"""Runs the built program on the cases of tests/data and writes docs/scoreboard.md.

    scripts/scoreboard.py [--program build/dev/bin/snapgauge] [--details] [--thresholds]

--details lists every case that is not right with its first finding, instead of writing the page.
--thresholds also writes what was measured to tests/data/*/thresholds.json, for the tests to hold.
The page also says what rests on overlay rows that came from the scored cases: the op-info is built again without them,
with the snapgauge_build_opinfo beside the program.
Cases whose files are not kept here are looked for in $SNAPGAUGE_SHARED; only --details shows them.
"""
import argparse
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
SOC = "SM8750"
SCORED = ("accepted", "rejected", "found")
TITLES = {
    "oracle": "ONNX Runtime QNN provider tests",
    "oracle-aten": "ExecuTorch Qualcomm operator tests",
    "defects": "models with one defect",
}
KINDS = ("table too old", "table too strict", "our error", "pipeline rewrite not modelled", "front end only", "no rule yet", "model file")
SHOWN = 3  # names of cases behind a reason
# How the source of an overlay row begins when it is one of the suites scored here.
SUITES = {
    "ONNX Runtime QNN provider tests": "oracle",
    "ExecuTorch Qualcomm HTP V68 matrix": "oracle-aten",
    "ExecuTorch Qualcomm operator suites": "oracle-aten",
    "ExecuTorch Qualcomm operator tests": "oracle-aten",
}
# refused: we reject the case (all its graphs, where others reject it).
Outcome = collections.namedtuple("Outcome", "case group expect answer detail refused", defaults=(False,))


def load(suite, name):
    path = DATA / suite / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


class Program:
    def __init__(self, path, database=None):
        self.path = path
        self.options = ["--db", str(database)] if database else []

    def check(self, files, backend, soc, pipeline):
        """Path -> the report's entry for it."""
        command = [self.path, "check", "--output-format", "json", "--warn", "--backend", backend, "--soc", soc,
                   "--pipeline", pipeline, *self.options, *map(str, files)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if not run.stdout:
            sys.exit(f"{self.path}: {run.stderr.strip()}")
        return {f["path"]: f for f in json.loads(run.stdout)["files"]}


def answer(report, expected):
    """right, wrong or unknown."""
    ops = expected.get("ops")
    if expected["expect"] == "accepted" and report["verdict"] == "accepted":
        return "right"
    if expected["expect"] == "rejected" and report["verdict"] == "rejected":
        of_node = {n["name"]: n["op"] for n in report["nodes"]}
        for f in report["findings"]:
            if f["level"] == "error" and f["code"] == expected["code"] and expected.get("port") in (None, f.get("port")):
                if ops is None or of_node.get(f.get("node")) in ops:
                    return "right"
    return "unknown" if report["verdict"] == "incomplete" else "wrong"


def first_finding(report):
    order = {"error": 0, "warning": 1, "note": 2}
    findings = sorted(report["findings"], key=lambda f: order[f["level"]])
    if not findings:
        return report["verdict"]
    f = findings[0]
    return f"{f['code']} {f.get('node', '')} {f.get('port', '')}: {f['message']} (expected {f['expected']}; is {f['actual']})"


def oracle(program):
    expected = load("oracle", "expected")
    batches = collections.defaultdict(dict)
    for case in load("oracle", "cases"):
        if expected[case["id"]]["expect"] in SCORED:
            batches[case["backend"].lower(), case.get("soc", SOC)][str(DATA / "oracle" / case["model"])] = case
    for (backend, soc), cases in batches.items():
        for path, report in program.check(cases, backend, soc, "ort-qnn").items():
            e = expected[cases[path]["id"]]
            yield Outcome(cases[path]["id"], backend, e["expect"], answer(report, e), first_finding(report), report["verdict"] == "rejected")


def oracle_aten(program):
    expected = load("oracle-aten", "expected")
    cases = {c["id"]: c for c in load("oracle-aten", "cases")}
    for suite in sorted({c["suite"] for c in cases.values()}):
        lines = (DATA / "oracle-aten" / f"{suite}.jsonl").read_text().splitlines()
        ids = [json.loads(line)["case"] for line in lines]
        with tempfile.TemporaryDirectory() as folder:
            paths = [pathlib.Path(folder) / f"{i}.json" for i in range(len(lines))]
            for path, line in zip(paths, lines):
                path.write_text(line)
            soc = next(c["soc"] for c in cases.values() if c["suite"] == suite)
            reports = program.check(paths, "htp", soc, "executorch")
        answers = collections.defaultdict(list)
        for path, case in zip(paths, ids):
            e = expected[case]
            if e["expect"] in SCORED:
                report = reports[str(path)]
                answers[case].append((answer(report, e), first_finding(report), report["verdict"] == "rejected"))
        for case, graphs in answers.items():
            worst = next(a for a in ("wrong", "unknown", "right") if a in [g[0] for g in graphs])
            detail = next(g[1] for g in graphs if g[0] == worst)
            expect = expected[case]["expect"]
            refused = (all if expect == "rejected" else any)(g[2] for g in graphs)
            yield Outcome(case, suite, expect, worst, detail, refused)


def defects(program, details):
    expected = load("defects", "expected")
    for case in load("defects", "cases"):
        e = expected[case["id"]]
        folder = DATA / "defects"
        if case.get("shared"):
            if not details or "SNAPGAUGE_SHARED" not in os.environ:
                continue
            folder = pathlib.Path(os.environ["SNAPGAUGE_SHARED"]) / "models"
        files = [folder / case[k] for k in ("file", "base") if k in case]
        backend = e.get("backend", "htp")
        reports = program.check(files, backend, e.get("soc", SOC), "ort-qnn")
        bad = reports[str(files[0])]
        sound = collections.Counter(key(f) for f in reports[str(files[1])]["findings"]) if "base" in case else None
        fresh = list((collections.Counter(map(key, bad["findings"])) - (sound or collections.Counter())).elements())
        # Advice may hold for the sound file too: its quantizer did there what the defect does again.
        where = map(key, bad["findings"]) if e["expect"] == "found" else fresh
        hits = [f for f in where if matches(f, e)]
        right = hits and (sound is None or len(fresh) <= 3)
        detail = f"{len(fresh)} new: " + "; ".join(" ".join(f[:4]) for f in fresh[:5])
        yield Outcome(case["id"], backend, e["expect"], "right" if right else "wrong", detail)


def key(f):
    return (f["code"], f.get("node", ""), f.get("port", ""), f.get("value", ""), f["level"])


def matches(finding, e):
    code, node, port, value, level = finding
    return ((code in e["codes"] or (not e["codes"] and level == "error")) and e.get("port") in (None, port)
            and (level == "error" or e["expect"] == "found") and (value in e["values"] or node in e["nodes"]))


def share(right, total):
    return f"{100 * right / total:.1f} %" if total else "-"


def table(outcomes):
    rows = collections.defaultdict(collections.Counter)
    for o in outcomes:
        rows[o.group, o.expect][o.answer] += 1
    out = ["| target | expected | cases | right | wrong | unknown | right |", "|---|---|---|---|---|---|---|"]
    for (group, expect), n in sorted(rows.items()):
        out.append(f"| {group} | {expect} | {n.total()} | {n['right']} | {n['wrong']} | {n['unknown']} | {share(n['right'], n.total())} |")
    right = sum(o.answer == "right" for o in outcomes)
    out.append(f"| all | | {len(outcomes)} | {right} | {sum(o.answer == 'wrong' for o in outcomes)} | "
               f"{sum(o.answer == 'unknown' for o in outcomes)} | {share(right, len(outcomes))} |")
    return out


def named(cases):
    return ", ".join(f"`{c}`" for c in cases[:SHOWN]) + (f" and {len(cases) - SHOWN} more" if len(cases) > SHOWN else "")


def refusals(outcomes):
    """Precision and recall of rejections."""
    groups = sorted({o.group for o in outcomes})
    out = ["| target | others refuse | we too | for the reason stated | recall | we refuse in all | precision |", "|---|---|---|---|---|---|---|"]
    for group in [*groups, "all"]:
        mine = [o for o in outcomes if group in (o.group, "all")]
        theirs = [o for o in mine if o.expect == "rejected"]
        both, right, ours = sum(o.refused for o in theirs), sum(o.answer == "right" for o in theirs), sum(o.refused for o in mine)
        out.append(f"| {group} | {len(theirs)} | {both} | {right} | {share(right, len(theirs))} | {ours} | {share(both, ours)} |")
    return out


def unscored(suite):
    """What nobody can know, by the sentence that says why."""
    groups = collections.defaultdict(list)
    for case, e in load(suite, "expected").items():
        if e["expect"] not in SCORED:
            groups[e["why"]].append(case)
    if groups:
        yield f"**cannot be scored** ({sum(map(len, groups.values()))})"
        yield ""
        for why, cases in sorted(groups.items(), key=lambda g: (-len(g[1]), g[0])):
            yield f"- {why} ({named(cases)})"
        yield ""


def overlay_rows():
    """Overlay file, index and row of those that came from a suite scored here."""
    for path in sorted((ROOT / "opinfo" / "overlays").glob("*.json")):
        overlay = json.loads(path.read_text())
        for i, row in enumerate(overlay["rows"]):
            row = {**overlay["defaults"], **row}
            if any(row["source"]["document"].startswith(s) for s in SUITES):
                yield path.name, i, row


def without(program, rows):
    """Case -> outcome, judged without these overlay rows."""
    with tempfile.TemporaryDirectory() as folder:
        opinfo = pathlib.Path(folder) / "opinfo"
        shutil.copytree(ROOT / "opinfo", opinfo)
        for name in {name for name, _ in rows}:
            path = opinfo / "overlays" / name
            overlay = json.loads(path.read_text())
            overlay["rows"] = [row for i, row in enumerate(overlay["rows"]) if (name, i) not in rows]
            path.write_text(json.dumps(overlay)) if overlay["rows"] else path.unlink()
        database = pathlib.Path(folder) / "opinfo.db"
        builder = pathlib.Path(program.path).with_name("snapgauge_build_opinfo")
        subprocess.run([builder, opinfo, ROOT / "rules", database], check=True)
        less = Program(program.path, database)
        return {o.case: o for o in [*oracle(less), *oracle_aten(less)]}


def says(row):
    """What the row binds: ops and ports, or their datatypes."""
    what = sorted({f"{c['port']} {c['kind']}" for c in row.get("constraints", [])}) or ["datatypes"]
    return f"{', '.join(row['ops'])}: {', '.join(what)}"


def in_sample(program, results):
    now = {o.case: o for suite in ("oracle", "oracle-aten") for o in results[suite]}
    rows = list(overlay_rows())
    out = ["## Overlay rows from these cases", "",
           "Rows of `opinfo/overlays` that came from cases scored above, so that these cases show only that the row is applied: which of",
           "them come out otherwise when the row is left out. Op maps and pipelines cite the projects' sources, not these cases.", "",
           "| overlay | row | source | cases that rest on it |", "|---|---|---|---|"]
    for name, i, row in rows:
        less = without(program, {(name, i)})
        changed = [case for case, o in now.items() if o.answer != less[case].answer]
        worse = [case for case in changed if now[case].answer == "right"]
        better = [case for case in changed if now[case].answer != "right"]
        text = f"{len(worse)}: {named(worse)}" if worse else "none"
        text += f"; wrong because of it: {named(better)}" if better else ""
        out.append(f"| `{name}` | {says(row)} | {row['source']['document']} | {text} |")
    less = without(program, {(name, i) for name, i, _ in rows})
    out += ["", "Right with these rows, and without all of them:", "", "| target | expected | cases | right | right without | share without |", "|---|---|---|---|---|---|"]
    counts = collections.defaultdict(collections.Counter)
    for case, o in now.items():
        counts[o.group, o.expect].update(cases=1, now=int(o.answer == "right"), less=int(less[case].answer == "right"))
    for (group, expect), n in sorted(counts.items()):
        out.append(f"| {group} | {expect} | {n['cases']} | {n['now']} | {n['less']} | {share(n['less'], n['cases'])} |")
    return out


def reasons(suite, outcomes):
    """The wrong ones by kind and reason, as known_wrong.json gives them ("kind: reason")."""
    known = load(suite, "known_wrong")
    groups = collections.defaultdict(lambda: collections.defaultdict(list))
    for o in outcomes:
        if o.answer != "right":
            kind, _, reason = known.get(o.case, "not yet explained: ").partition(": ")
            groups[kind][reason].append(o.case)
    for kind in sorted(groups, key=lambda k: KINDS.index(k) if k in KINDS else len(KINDS)):
        yield f"**{kind}** ({sum(map(len, groups[kind].values()))})"
        yield ""
        for reason, cases in sorted(groups[kind].items(), key=lambda r: (-len(r[1]), r[0])):
            yield f"- {reason} ({named(cases)})" if reason else f"- {named(cases)}"
        yield ""


def page(program, results):
    out = ["# Scoreboard", "",
           "How the program does on cases whose outcome other people established; `tests/data/README.md` says what is expected of",
           "each and why. Right: the expected verdict, for a rejection also by the expected rule at the expected port. Unknown: the",
           "program says that it cannot tell. Recall: of the cases that others refuse, those that we refuse for the reason stated.",
           "Precision: of the cases that we refuse, those that others refuse. Written by `scripts/scoreboard.py`.", ""]
    for suite, outcomes in results.items():
        out += [f"## {TITLES[suite]}", "", *table(outcomes), ""]
        if suite != "defects":
            out += [*refusals(outcomes), ""]
        out += [*reasons(suite, outcomes), *unscored(suite)]
    out += in_sample(program, results)
    return "\n".join(out).rstrip() + "\n"


def thresholds(outcomes):
    rows = collections.defaultdict(collections.Counter)
    for o in outcomes:
        rows[f"{o.group} {o.expect}"][o.answer] += 1
    return {group: {"cases": n.total(), "right": n["right"]} for group, n in sorted(rows.items())}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=str(ROOT / "build" / "dev" / "bin" / "snapgauge"))
    parser.add_argument("--details", action="store_true")
    parser.add_argument("--thresholds", action="store_true")
    arguments = parser.parse_args()
    program = Program(arguments.program)
    results = {"oracle": list(oracle(program)), "oracle-aten": list(oracle_aten(program)), "defects": list(defects(program, arguments.details))}
    if arguments.details:
        for suite, outcomes in results.items():
            for o in outcomes:
                if o.answer != "right":
                    print(f"{suite}\t{o.group}\t{o.expect}\t{o.answer}\t{o.case}\t{o.detail}")
        return
    if arguments.thresholds:
        for suite, outcomes in results.items():
            (DATA / suite / "thresholds.json").write_text(json.dumps(thresholds(outcomes), indent=1) + "\n")
    (ROOT / "docs" / "scoreboard.md").write_text(page(program, results))


if __name__ == "__main__":
    main()
