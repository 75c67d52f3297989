#!/usr/bin/env python3
"""Takes the graphs of operator tests the whole way (annotate, gate, calibrate, lower, run) and prints what came out beside what
the tests expect, as a Markdown page.

    scripts/delegate_runs.py [--program build/dev/bin/snapgauge] [--every N] >docs/delegate-runs.md

Weights and inputs are drawn from seeds, as the recorded graphs have shapes alone. An output is compared with that of the same
graph in float, with the tests' own tolerance: |got - float| <= 0.1 + |float|. Exit code 1 when an artifact that was lowered does
not run.
"""
import argparse
import collections
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

DATA = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "oracle-aten"
HEAD = """# Operator tests, run

The graphs of ExecuTorch's operator tests for the Qualcomm backend, with the annotations that the tests recorded
([tests/data/README.md](../tests/data/README.md)): weights drawn from a seed, calibrated with four random samples, judged, lowered for
the SoC of each case and run as an artifact. Made by `scripts/delegate_runs.py`. *Near*: every output is within the tests' own
tolerance of the same graph in float. *Not run here*: the gate takes the graph, and the host lacks a kernel or the data.
"""


def run(program, *arguments):
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


def numbers(path):
    data = path.read_bytes()
    length, = struct.unpack("<H", data[8:10])
    kind = re.search(r"'descr': '([^']*)'", data[10:10 + length].decode()).group(1)
    letter = {"<f4": "f", "<f8": "d", "<i4": "i", "<i8": "q", "|u1": "B", "|i1": "b", "|b1": "?", "<u2": "H", "<i2": "h"}[kind]
    body = data[10 + length:]
    return struct.unpack(f"<{len(body) // struct.calcsize(letter)}{letter}", body)


def near(got, wanted):
    return len(got) == len(wanted) and all(abs(a - b) <= 0.1 + abs(b) or a == b for a, b in zip(got, wanted))


def in_float(graph):
    for node in graph["nodes"]:
        node.pop("annotation", None)
    return graph


def outcome(program, line):
    graph = json.loads(line)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "m.json").write_text(line, encoding="utf-8")
        (folder / "f.json").write_text(json.dumps(in_float(graph)), encoding="utf-8")
        target = ["--isolated", "--backend", "htp", "--soc", graph["soc"]]
        done = run(program, "lower", folder / "m.json", *target, "--random-constants", 1, "--calib", "random:4", "-o",
                   folder / "m.sgb", "--output-format", "json")
        if done.returncode == 1:
            return "refused", json.loads(done.stdout)["graphs"][0]["refusal"]
        if done.returncode != 0:
            return "not run here", done.stderr.strip().split("m.json: ")[-1]
        ran = run(program, "run", folder / "m.sgb", "--random", 3, "--output-dir", folder / "got")
        if ran.returncode != 0:
            return "does not run", ran.stderr.strip()
        wanted = run(program, "run", folder / "f.json", *target, "--random-constants", 1, "--random", 3, "--output-dir",
                     folder / "float")
        if wanted.returncode != 0:
            return "ran", wanted.stderr.strip()
        files = sorted(f.name for f in (folder / "float").glob("*.npy"))
        apart = [f for f in files if not near(numbers(folder / "got" / f), numbers(folder / "float" / f))]
        return ("near", "") if not apart else ("far", ", ".join(apart))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/dev/bin/snapgauge")
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    cases = {c["id"]: c for c in json.loads((DATA / "cases.json").read_text(encoding="utf-8"))}
    lines = [line for suite in ("htp-v68-matrix", "legacy-quantized-operator")
             for line in (DATA / f"{suite}.jsonl").read_text(encoding="utf-8").splitlines()][::options.every]
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda line: outcome(options.program, line), lines))
    kinds = ["near", "far", "ran", "refused", "not run here", "does not run"]
    counts, why = collections.Counter(), collections.defaultdict(lambda: [0, ""])
    for line, (kind, text) in zip(lines, done):
        case = json.loads(line)["case"]
        counts[cases[case]["outcome"], kind] += 1
        if kind not in ("near", "refused"):
            entry = why[kind, re.sub(r"'[^']*'|\d+", "*", text.replace("cannot run on the host: ", ""))[:100]]
            entry[0] += 1
            entry[1] = entry[1] or case
    print(HEAD)
    if options.every > 1:
        print(f"One of {options.every} recorded graphs, {len(lines)} in all.\n")
    print("| expected | " + " | ".join(kinds) + " |\n| --- |" + " ---: |" * len(kinds))
    for expected in sorted({e for e, _ in counts}):
        print(f"| {expected} | " + " | ".join(str(counts[expected, k]) for k in kinds) + " |")
    print("\n| outcome | why | graphs | for example |\n| --- | --- | ---: | --- |")
    for (kind, text), (count, case) in sorted(why.items(), key=lambda item: (-item[1][0], item[0])):
        print(f"| {kind} | " + text.replace("|", "\\|").replace("\n", " ") + f" | {count} | {case} |")
    broken = [(json.loads(line)["case"], text) for line, (kind, text) in zip(lines, done) if kind == "does not run"]
    for case, text in broken:
        print(f"{case}: {text}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
