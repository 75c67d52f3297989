#!/usr/bin/env python3
"""Annotates every float model of a folder with every quant config for HTP and LPAI and prints what the check says of the
results, as a Markdown page.

    scripts/annotations.py FOLDER [--program build/dev/bin/snapgauge] >docs/annotated.md

Exit code 1 when what `annotate` accepts is not accepted by `check` when it is read back.
"""
import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

CONFIGS = ["8a8w", "8a4w", "16a8w", "16a4w", "16a4w_block", "16a16w", "16a2w", "fp16a8w"]
TARGETS = [("htp", "SM8750"), ("lpai", "SM8850")]
HEAD = """# Float models, annotated

The float models that [runs.md](runs.md) runs, annotated by `snapgauge annotate` with every quant config, and judged. Made by
`scripts/annotations.py`. A dash where no weight got coarser and no node stayed in float.
*whole*: every node is accepted. Else the table says how many are not, and the first cause with the number of nodes it holds for.
GPU takes floating point, so there is nothing to annotate for it.
"""


def run(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def first_cause(report):
    counts = collections.Counter()
    examples = {}
    for finding in report["files"][0]["findings"]:
        if finding["level"] != "error":
            continue
        message = finding["message"]
        counts[message] += 1
        examples.setdefault(message, finding)
    if not counts:
        return "no error, but a node is not judged"
    message, count = max(counts.items(), key=lambda item: item[1])
    finding = examples[message]
    return f"{message}: {finding.get('actual', '')} ({finding['code']}, {count} findings)"


def row(program, model, backend, soc, config, scratch):
    output = scratch / f"{model.stem}.{backend}.{config}.sgraph.json"
    target = ["--backend", backend, "--soc", soc, "--isolated", "--output-format", "json"]
    done = run(program, "annotate", str(model), "--quant", config, "-o", str(output), *target)
    if done.returncode not in (0, 1):
        sys.exit(f"{model.name} {config} {backend}: {done.stderr}")
    result = json.loads(done.stdout)
    kinds = collections.Counter(node["choice"] for node in result["nodes"])
    coarser = sum(1 for node in result["nodes"] if node["choice"] == "annotated" and "note" in node)
    floats = kinds["refused"] + kinds["no-row"]
    judged = result["gate"]["files"][0]
    ok = True
    if done.returncode == 0:
        again = run(program, "check", str(output), *target)
        ok = again.returncode == 0
        verdict = "whole" if ok else "NOT ACCEPTED WHEN READ BACK"
    else:
        bad = sum(1 for node in judged["nodes"] if node["verdict"] != "accepted")
        verdict = f"{bad} of {len(judged['nodes'])} not: {first_cause(result['gate'])}"
    extras = ", ".join(filter(None, [f"{coarser} coarser" if coarser else "", f"{floats} in float" if floats else ""])) or "-"
    name = model.name.replace(".float.onnx", "")
    return ok, done.returncode == 0, f"| {name} | {config} | {kinds['annotated']} of {len(result['nodes'])} | {extras} | {verdict} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--program", default="build/dev/bin/snapgauge")
    options = parser.parse_args()
    models = sorted(options.folder.glob("*.float.onnx")) + sorted(options.folder.glob("full/*.float.onnx"))
    print(HEAD)
    sound = True
    with tempfile.TemporaryDirectory() as folder:
        for backend, soc in TARGETS:
            rows = [row(options.program, model, backend, soc, config, pathlib.Path(folder))
                    for model in models for config in CONFIGS]
            whole = sum(1 for _, accepted, _ in rows if accepted)
            print(f"## {backend.upper()}, {soc}\n\n{whole} of {len(rows)} pairs are accepted whole.\n")
            print("| model | config | annotated | otherwise | verdict |\n| --- | --- | --- | --- | --- |")
            for ok, _, text in rows:
                sound = sound and ok
                print(text)
            print()
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
