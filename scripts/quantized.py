#!/usr/bin/env python3
"""Quantizes every float model of a folder with every quant config for HTP and LPAI and prints how accurate the results are,
beside quantized models of other tools in the same folder, as a Markdown page.

    scripts/quantized.py FOLDER [--program build/dev/bin/snapgauge] >docs/quantized.md

FOLDER/calib/NAME.npz holds the samples of FOLDER/NAME.float.onnx. Exit code 1 when a pair that `annotate --strict` accepts
is not quantized, or not accepted by `check --strict` when it is read back.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

CONFIGS = ["8a8w", "8a4w", "16a8w", "16a4w", "16a4w_block", "16a16w", "16a2w", "fp16a8w"]
TARGETS = [("htp", "SM8750"), ("lpai", "SM8850")]
TWINS = ["u8s8_pc", "qnn_a8w8", "u16s8_pc", "qnn_a16w8"]
HEAD = """# Float models, quantized

The float models that [runs.md](runs.md) runs, quantized by `snapgauge quantize` with min/max observers and eight samples each, and
measured over the same samples: the signal to quantization noise ratio of the worst output, in dB. Made by `scripts/quantized.py`.
*u8s8_pc* and the others are models of the same float sources that ONNX Runtime's tools quantized with their own samples; they are
run by the same runtime. Weights are random, so the figures say how two ways to quantize differ, not how good a model is.
`-`: not whole on that target ([annotated.md](annotated.md) says why), or no such model. Every result passed `check --strict`.
"""


def run(program, *arguments):
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


def worst(accuracy):
    values = [o["sqnr_db"] for o in accuracy["outputs"] if o["sqnr_db"] is not None]
    return f"{min(values):.1f}" if values else "exact"


def ours(program, model, samples, config, backend, soc, folder, faults):
    target = ["--backend", backend, "--soc", soc, "--isolated", "--output-format", "json"]
    out = folder / "out.onnx"
    out.unlink(missing_ok=True)
    specs = run(program, "annotate", model, "--quant", config, "--strict", *target, "-o", folder / "out.sgraph.json")
    (folder / "out.sgraph.json").unlink(missing_ok=True)
    if specs.returncode == 1:
        return "-"
    done = run(program, "quantize", model, "--quant", config, "--calib", samples, "--accuracy", *target, "-o", out)
    name = f"{model.name} {config} {backend}"
    if done.returncode != 0 or not out.exists():
        faults.append(f"{name}: {done.stderr}{done.stdout[-400:]}")
        return "fails"
    judged = run(program, "check", "--strict", "--backend", backend, "--soc", soc, "--isolated", out)
    if judged.returncode != 0:
        faults.append(f"{name}: {judged.stdout[-400:]}")
        return "refused"
    return worst(json.loads(done.stdout)["accuracy"])


def twin(program, model, samples, variant):
    other = model.with_name(model.name.replace(".float.", f".{variant}."))
    if not other.exists():
        return "-"
    done = run(program, "accuracy", model, other, "--calib", samples, "--output-format", "json")
    return worst(json.loads(done.stdout)["accuracy"]) if done.returncode == 0 else "not run"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--program", default="build/dev/bin/snapgauge")
    arguments = parser.parse_args()
    faults = []
    print(HEAD)
    models = [m for m in sorted(arguments.folder.glob("*.float.onnx")) if (arguments.folder / "calib" / f"{m.name[:-11]}.npz").exists()]
    with tempfile.TemporaryDirectory() as scratch:
        for backend, soc in TARGETS:
            twins = TWINS if backend == "htp" else []
            print(f"## {backend} {soc}\n\n| model | {' | '.join(CONFIGS + [f'*{t}*' for t in twins])} |")
            print("|" + " --- |" * (1 + len(CONFIGS) + len(twins)))
            for model in models:
                samples = arguments.folder / "calib" / f"{model.name[:-11]}.npz"
                cells = [ours(arguments.program, model, samples, c, backend, soc, pathlib.Path(scratch), faults) for c in CONFIGS]
                cells += [twin(arguments.program, model, samples, t) for t in twins]
                print(f"| {model.name[:-11]} | {' | '.join(cells)} |", flush=True)
            print()
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
