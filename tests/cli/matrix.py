"""Compares a matrix with single checks of its cells: matrix.py PROGRAM FILE MATRIX [OPTION OF BOTH]..."""
import json
import subprocess
import sys

program, file, path, *options = sys.argv[1:]
with open(path, encoding="utf-8") as text:
    matrix = json.load(text)
failed = compared = 0
for cell in matrix["targets"]:
    if cell["verdict"] == "impossible":
        assert matrix["reasons"][cell["reason"]]["obstacle"], cell
        continue
    if cell["verdict"] == "rejected":
        named = {node for c in matrix["reasons"][cell["reason"]]["causes"] if c["code"] for node in c["nodes"]}
        if len(named) < cell["rejected"]:
            print(f"{file}: {cell}: only {len(named)} nodes have a cause")
            failed = 1
    # The first and the last name of a group stand for it.
    for soc in {cell["socs"][0], cell["socs"][-1]}:
        for sdk in cell["sdks"]:
            run = subprocess.run([program, "check", file, "--backend", cell["backend"], "--soc", soc, "--sdk", sdk,
                                  "--output-format", "json", *options], capture_output=True, check=False)
            report = json.loads(run.stdout)
            summary = report["summary"]
            suppressed = sum(node.get("suppressed", False) for node in report["files"][0]["nodes"])
            single = (report["files"][0]["verdict"], summary["nodes"], summary["rejected"], summary["unknown"], suppressed)
            if single != (cell["verdict"], cell["nodes"], cell["rejected"], cell["unknown"], cell["suppressed"]):
                print(f"{file}: {cell['backend']} {soc} {sdk}: check says {single}, the matrix {cell}")
                failed = 1
            compared += 1
assert compared > 30, compared
sys.exit(failed)
