#!/usr/bin/env python3
"""Takes the annotations out of the operator tests' graphs, annotates them anew, has them judged, and prints what came out
beside what the tests expect, as a Markdown page.

    scripts/delegate_cases.py [--program build/dev/bin/snapgauge] >docs/delegate-cases.md

Cases in float and those that are trained with quantization are left out. For LPAI the suite states the same outcome; a case
counts where every operator has an annotation row there, as the suite's own notes say. Exit code 1 when a graph cannot be annotated.
"""
import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

DATA = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "oracle-aten"
CONFIGS = ["16a4w_block", "fp16a8w", "16a16w", "16a8w", "16a4w", "16a2w", "8a8w", "8a4w"]
HEAD = """# Operator tests, annotated and judged

The graphs of ExecuTorch's operator tests for the Qualcomm backend, as [tests/data/README.md](../tests/data/README.md) has them, without
their annotations: annotated by `snapgauge annotate`, and judged. HTP for the SoC of each case, LPAI for SM8850. Made by
`scripts/delegate_cases.py`. *Expected* is what the tests say of the whole graph: delegated, or not.
"""


def config_of(case):
    name = case["id"].rsplit("/", 1)[1]
    if "qat" in case["id"]:
        return None
    known = next((config for config in CONFIGS if name.startswith(config)), None)
    return "16a4w_block" if known == "16a4w" and "lpbq" in name else known


def options_of(case, config):
    """What the tests' own helper sets: weights per channel where the name says so, or by default for convolutions."""
    name = case["id"].rsplit("/", 1)[1]
    options = ["--quant", config]
    if config == "16a4w_block":
        return options
    per_channel = "_pcq" in name or not (name.endswith("_ptq") or case["suite"] == "htp-v68-matrix")
    return options + ["--granularity", "per-channel" if per_channel else "per-tensor"]


def judge(program, graph, case, config, backend, soc, folder):
    for node in graph["nodes"]:
        node.pop("annotation", None)
    source = folder / "graph.json"
    source.write_text(json.dumps(graph), encoding="utf-8")
    command = [program, "annotate", str(source), "--backend", backend, "--soc", soc, "--isolated", "--output-format", "json"]
    command += options_of(case, config) + ["-o", str(folder / "out.sgraph.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        return None, done.stderr.strip()
    result = json.loads(done.stdout)
    rowless = [n["op"] for n in result["nodes"] if n["choice"] == "no-row"]
    judged = result["gate"]["files"][0]
    causes = [f["message"] for f in judged["findings"] if f["level"] == "error"]
    return judged["verdict"] == "accepted", (rowless, causes[0] if causes else judged.get("reason", ""))


def run_case(program, case, config, graphs):
    outcome = {}
    with tempfile.TemporaryDirectory() as folder:
        for backend in ("htp", "lpai"):
            verdicts, reasons, rowless = [], [], set()
            for graph in graphs:
                soc = case["soc"] if backend == "htp" else "SM8850"
                accepted, why = judge(program, json.loads(graph), case, config, backend, soc, pathlib.Path(folder))
                if accepted is None:
                    outcome["failed"] = why
                    continue
                verdicts.append(accepted)
                rowless.update(why[0])
                if not accepted:
                    reasons.append(why[1] or "a node is not judged")
            outcome[backend] = (all(verdicts), reasons[0] if reasons else "", sorted(rowless))
    return case, config, outcome


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/dev/bin/snapgauge")
    options = parser.parse_args()
    cases = {c["id"]: c for c in json.loads((DATA / "cases.json").read_text(encoding="utf-8"))}
    graphs = collections.defaultdict(list)
    for suite in ("htp-v68-matrix", "legacy-quantized-operator"):
        for line in (DATA / f"{suite}.jsonl").read_text(encoding="utf-8").splitlines():
            graphs[json.loads(line)["case"]].append(line)
    work = [(case, config_of(case), graphs[name]) for name, case in cases.items() if config_of(case) and graphs[name]]
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda item: run_case(options.program, *item), work))
    print(HEAD)
    failed = [(case["id"], outcome["failed"]) for case, _, outcome in done if "failed" in outcome]
    for backend in ("htp", "lpai"):
        counts, rows, skipped = collections.Counter(), [], 0
        for case, config, outcome in done:
            got, why, rowless = outcome[backend]
            expected = case["outcome"] == "delegated"
            if backend == "lpai" and (rowless or case["suite"] == "htp-v68-matrix"):
                skipped += 1
                continue
            counts[config, expected, got] += 1
            if expected != got:
                rows.append((case["id"], case["outcome"], "accepted" if got else f"refused: {why}", case.get("note", "")))
        print(f"## {backend.upper()}\n")
        if skipped:
            print(f"{skipped} cases are not counted: of the suite for HTP alone, or with an operator that LPAI does not annotate.\n")
        print("| config | expected delegated, accepted | refused | expected otherwise, refused | accepted |\n| --- | ---: | ---: | ---: | ---: |")
        for config in CONFIGS:
            numbers = [counts[config, *pair] for pair in ((True, True), (True, False), (False, False), (False, True))]
            if any(numbers):
                print(f"| {config} | " + " | ".join(map(str, numbers)) + " |")
        print("\n| case | expected | got | note |\n| --- | --- | --- | --- |")
        for row in sorted(rows):
            print("| " + " | ".join(text.replace("|", "\\|").replace("\n", " ") for text in row) + " |")
        print()
    for name, why in failed:
        print(f"{name}: {why}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
