#!/usr/bin/env python3
"""Lowers every model of a folder for HTP, LPAI and GPU, runs what was lowered beside the model, and prints the outcomes as a
Markdown page.

    scripts/lowered.py FOLDER [--program build/dev/bin/snapgauge] >docs/lowered.md

Exit code 1 when a model that the check accepts is not lowered, when an artifact gives other bytes than its model, when one for
LPAI has other than one partition, or when an artifact cannot be read back.
"""
import argparse
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile

TARGETS = [("htp", "SM8750"), ("lpai", "SM8850"), ("gpu", "SM8750")]
SEED = "3"
HEAD = """# Models, lowered

Models of other tools, lowered by `snapgauge lower` for each backend (SM8750, LPAI: SM8850) and run as an artifact. Made by
`scripts/lowered.py`. *whole*: one partition, and its outputs are the model's own byte for byte with random inputs; how many steps
the backend runs, and how large the artifact is. Otherwise why `--strict` refuses it, and with `--warn` in how many partitions it
would be cut, or why not even that.
"""


def run(program, *arguments):
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


def outputs(folder):
    return {f.name: f.read_bytes() for f in sorted(folder.glob("*.npy"))}


def lowered(program, model, target, artifact, *more):
    done = run(program, "lower", model, *target, "--output-format", "json", "-o", artifact, *more)
    return done, (json.loads(done.stdout)["graphs"][0] if done.stdout else None)


def same_bytes(program, model, artifact, target, folder):
    a, b = folder / "model", folder / "artifact"
    first = run(program, "run", model, *target, "--random", SEED, "--output-dir", a)
    second = run(program, "run", artifact, "--random", SEED, "--output-dir", b)
    if first.returncode != 0 or second.returncode != 0:
        return (first.stderr + second.stderr).strip() or "is not run"
    return "" if outputs(a) == outputs(b) else "gives other bytes"


def short(text, most=90):
    text = " ".join(text.split()).replace("|", "\\|")
    return text if len(text) <= most else text[:most].rsplit(" ", 1)[0] + " ..."


def refusal(graph):
    reasons = {}
    for node in graph["fallbacks"]:
        reasons.setdefault(node["op"], node["reason"])
    ops = sorted(reasons)
    first = f"{ops[0]}: {reasons[ops[0]]}" if ops else ""
    return f"{graph['refusal']}" if not ops else first + (f"; {len(ops) - 1} other operators" if len(ops) > 1 else "")


def cell(program, model, backend, soc, faults):
    target = ["--backend", backend, "--soc", soc, "--isolated"]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        artifact = folder / "m.sgb"
        done, graph = lowered(program, model, target, artifact)
        where = f"{model.name} {backend}"
        if graph is None:
            accepted = run(program, "check", model, *target).returncode == 0
            if accepted:
                faults.append(f"{where}: {done.stderr.strip()}")
            return short(done.stderr.split(": ", 2)[-1])
        if graph["lowered"]:
            if other := same_bytes(program, model, artifact, target, folder):
                faults.append(f"{where}: {other}")
            read = run(program, "inspect", artifact, "--output-format", "json")
            if read.returncode != 0 or (backend == "lpai" and len(graph["partitions"]) != 1):
                faults.append(f"{where}: {read.stderr or 'is not one partition'}")
                return "fails"
            parts = json.loads(read.stdout)["artifact"]["graphs"][0]["estimates"]["parts"]
            steps = sum(p["steps"] for p in parts if p["part"] != "the CPU")
            return f"whole, {steps} steps, {artifact.stat().st_size / 1024:.0f} KiB"
        if graph["verdict"] == "accepted":
            faults.append(f"{where}: {graph['refusal']}")
        why = short(refusal(graph))
        _, cut = lowered(program, model, target, artifact, "--warn")
        if cut is None or not cut["lowered"]:
            return why
        return f"{why} ({len(cut['partitions'])} partitions with --warn)"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--program", default="build/dev/bin/snapgauge")
    arguments = parser.parse_args()
    faults = []
    models = sorted(arguments.folder.rglob("*.onnx"), key=lambda m: m.name)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(lambda m: [cell(arguments.program, m, b, s, faults) for b, s in TARGETS], models))
    print(HEAD)
    print("| model | " + " | ".join(f"{b} {s}" for b, s in TARGETS) + " |")
    print("| --- |" + " --- |" * len(TARGETS))
    for model, row in zip(models, rows):
        print(f"| {model.name.removesuffix('.onnx')} | " + " | ".join(row) + " |")
    whole = [sum(r[i].startswith("whole") for r in rows) for i in range(len(TARGETS))]
    print("\nWhole: " + ", ".join(f"{n} of {len(rows)} for {b}" for n, (b, _) in zip(whole, TARGETS)) + ".")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
