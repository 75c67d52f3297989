#!/usr/bin/env python3
"""Runs every model of a folder on the host and prints what came out beside ONNX Runtime's outputs, as a Markdown page.

    scripts/runs.py FOLDER [--program build/dev/bin/snapgauge] >docs/runs.md

FOLDER holds X.onnx, where there are outputs X.golden.json, and calib/X.npz with an input and the float model's output. Where
ONNX Runtime's two sessions (without and with its optimisations) differ, the optimised one counts. Exit code 1 when an
accepted model does not run.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile


def run(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def linked(folder, scratch, name):
    target = scratch / name
    if not target.exists():
        os.symlink((folder / name).resolve(), target)


def golden(folder, scratch, model):
    """The golden file to compare with, and whose outputs it names; None where there is none."""
    path = folder / (model.stem + ".golden.json")
    if path.exists():
        content = json.loads(path.read_text(encoding="utf-8"))
        apart = any(o.get("optimised_share_differing", 0) > 0 for o in content["outputs"])
        for entry in content["inputs"] + content["outputs"]:
            if apart and "optimised_file" in entry:
                entry["file"] = entry["optimised_file"]
            linked(folder, scratch, entry["file"])
        out = scratch / path.name
        out.write_text(json.dumps(content), encoding="utf-8")
        return out, "optimised session" if apart else "both sessions"
    samples = folder / "calib" / (model.name.split(".")[0] + ".npz")
    if not model.stem.endswith(".float") or not samples.exists():
        return None
    with zipfile.ZipFile(samples) as arrays:
        for name, entry in (("in", "in0_0.npy"), ("out", "ref_0.npy")):
            (scratch / f"{model.stem}.{name}.npy").write_bytes(arrays.read(entry))
    return None


def float_golden(program, scratch, model):
    """A float model's, named as the model names them; its first output is the one that is stored."""
    listed = json.loads(run(program, "run", str(model), "--random", "1", "--output-format", "json").stdout)
    plan = run(program, "run", str(model), "--plan").stdout
    inputs = [line.split()[1] for line in plan.splitlines() if line.startswith("input ")]
    out = scratch / (model.stem + ".golden.json")
    out.write_text(json.dumps({"inputs": [{"name": inputs[0], "file": f"{model.stem}.in.npy"}],
                               "outputs": [{"name": listed["outputs"][0]["name"], "file": f"{model.stem}.out.npy"}]}),
                   encoding="utf-8")
    return out, "float model"


def row(program, folder, scratch, model):
    """Cells of a model's row, and whether it is as it should be."""
    first = run(program, "run", str(model), "--random", "1")
    if first.returncode == 1:
        return [model.stem, "refused", "", "", "", first.stdout.strip().splitlines()[-1].split(";")[0]], True
    if first.returncode != 0 and run(program, "check", "--isolated", str(model)).returncode == 1:
        why = first.stderr.strip().split("cannot run on the host: ")[-1].split(";")[0]
        return [model.stem, "refused", "", "", "", f"not all of it is float: {why}"], True
    if first.returncode != 0:
        return [model.stem, "does not run", "", "", "", first.stderr.strip().split("cannot run on the host: ")[-1][:120]], False
    known = golden(folder, scratch, model)
    if known is None and (scratch / f"{model.stem}.in.npy").exists():
        known = float_golden(program, scratch, model)
    if known is None:
        return [model.stem, "runs", "", "", "", ""], True
    report = json.loads(run(program, "run", str(model), "--compare", str(known[0]), "--output-format", "json").stdout)
    elements = sum(o["elements"] for o in report["outputs"])
    differing = sum(o["differing"] for o in report["outputs"])
    worst = max(report["outputs"], key=lambda o: o["rms_steps"])
    within = all(o["within"] for o in report["outputs"])
    steps = worst["step"] > 0
    far = f"{worst['largest_difference'] / worst['step']:.1f} steps, rms {worst['rms_steps']:.2f}" if steps and differing else \
        f"{worst['largest_difference'] / max(worst['largest_expected'], 1e-30):.1e} of the largest" if differing else "0"
    return [model.stem, "runs", known[1], f"{differing} of {elements}", far, "within" if within else "beyond its bound"], True


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--program", default="build/dev/bin/snapgauge")
    options = arguments.parse_args()
    models = sorted(m for m in options.folder.rglob("*.onnx") if ".bad_" not in m.name)
    rows, good = [], True
    with tempfile.TemporaryDirectory() as scratch:
        for model in models:
            cells, fine = row(options.program, model.parent, pathlib.Path(scratch), model)
            rows.append(cells)
            good &= fine
    counts = {kind: sum(r[1] == kind for r in rows) for kind in ("runs", "refused", "does not run")}
    print("# Models that run on the host\n")
    print(f"Made by `scripts/runs.py` over {len(rows)} models (gate: htp on SM8750): {counts['runs']} run, {counts['refused']} are refused by the gate, "
          f"{counts['does not run']} do not run. Bounds are those of [running](running.md), the same for every model; what decides is in [notes/007](notes/007-arithmetic.md).\n")
    print("| model | | beside ONNX Runtime's | elements that differ | by at most | |\n|---|---|---|---|---|---|")
    for cells in rows:
        print("| " + " | ".join(cells) + " |")
    sys.exit(0 if good else 1)


main()
