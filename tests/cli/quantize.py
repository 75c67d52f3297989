#!/usr/bin/env python3
"""quantize and accuracy through the whole program: files and when there are none, exit codes, interruptions, what is said."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import xml.dom.minidom

import jsonschema  # Debian: python3-jsonschema

from checks import PROGRAM, expect, finish, run

DATA, SCHEMAS = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
MODEL = DATA / "runs" / "kws_dscnn.float.onnx"


def files(folder):
    out = folder / "m.onnx"
    done = run("quantize", MODEL, "--calib", "random:4", "--isolated", "-o", out, "--sgraph", folder / "m.sgraph.json",
               "--aimet", folder / "m.encodings", "--overrides", folder / "m.overrides.json", "--plot", folder / "m.svg",
               "--sensitivity", "--output-format", "json")
    expect("quantize", done.returncode == 0, done.stderr + done.stdout[-300:])
    result = json.loads(done.stdout)
    expect("all written", len(result["written"]) == 5 and all(pathlib.Path(f).exists() for f in result["written"]))
    expect("accuracy in JSON", result["accuracy"]["outputs"][0]["sqnr_db"] > 20 and len(result["sensitivity"]) > 10)
    for name, schema in (("m.encodings", "aimet-encodings-1.0.0"), ("m.overrides.json", "quantization-overrides"),
                         ("m.sgraph.json", "sgraph")):
        path = SCHEMAS / f"{schema}.json"
        if not path.exists():
            path = SCHEMAS / f"{schema}.schema.json"
        schema = json.loads(path.read_text())
        jsonschema.validators.validator_for(schema)(schema).validate(json.loads((folder / name).read_text()))
    xml.dom.minidom.parse(str(folder / "m.svg"))
    for file in (out, folder / "m.sgraph.json"):
        expect(f"check {file.suffix}", run("check", "--strict", "--isolated", file).returncode == 0)
    same = folder / "again.onnx"
    run("quantize", MODEL, "--calib", "random:4", "--isolated", "--threads", "2", "-o", same)
    expect("the same bytes", same.read_bytes() == out.read_bytes())
    done = run("run", out, "--random", "1", "--isolated", "--output-dir", folder / "run")
    expect("it runs", done.returncode == 0, done.stderr)
    done = run("accuracy", MODEL, out, "--calib", "random:4", "--output-format", "json")
    measured = json.loads(done.stdout)["accuracy"] if done.returncode == 0 else None
    expect("accuracy", measured == result["accuracy"], done.stderr)
    expect("accuracy of another model", run("accuracy", DATA / "runs/espcn.float.onnx", out, "--calib", "random:1").returncode == 2)


def refusals(folder):
    out = folder / "never.onnx"
    for name, arguments, code, words in [
            ("no samples", ["--calib", folder / "nowhere.npy"], 2, "nowhere.npy"),
            ("no such file of samples", ["--calib", "random:zero"], 2, "random:N"),
            ("a folder without samples", ["--calib", folder], 2, "holds no"),
            ("specs refused", ["--calib", "random:2", "--backend", "gpu"], 2, "float"),
            ("a config that nobody knows", ["--calib", "random:2", "--quant", "3a3w"], 2, "3a3w"),
            ("target not reached", ["--calib", "random:2", "--target-sqnr", "150"], 1, "not reached")]:
        done = run("quantize", MODEL, "--isolated", "-o", out, *arguments)
        expect(name, done.returncode == code and words in done.stdout + done.stderr, f"{done.returncode} {done.stdout[-200:]}{done.stderr}")
        if code == 2:
            expect(f"{name}: nothing written", not out.exists())
        out.unlink(missing_ok=True)
    quantized = DATA / "runs" / "espcn.qnn_a8w8.onnx"
    done = run("quantize", quantized, "--calib", "random:1", "--isolated", "-o", out)
    expect("quantized already", done.returncode == 2 and "in float" in done.stderr and not out.exists(), done.stderr)
    done = run("quantize", MODEL, "--calib", "random:1", "--isolated", "-o", MODEL)
    expect("not over the model", done.returncode == 2, done.stderr)
    samples = folder / "samples.raw"
    samples.write_bytes(bytes(4 * 490))
    for option in ("-o", "--sgraph", "--plot"):
        done = run("quantize", MODEL, "--calib", samples, "--isolated", option, samples)
        expect(f"not over the samples, {option}", done.returncode == 2 and samples.read_bytes() == bytes(4 * 490), done.stderr)
    # What the target does not take whole is not calibrated.
    done = run("quantize", DATA / "runs/gated_mlp.float.onnx", "--calib", "random:1", "--backend", "lpai", "--soc", "SM8850",
               "--isolated", "-o", out)
    expect("refused before calibration", done.returncode == 1 and "not calibrated" in done.stdout and not out.exists(), done.stdout[:300])


def interruption(folder):
    """Ctrl-C ends it in order; the same command goes on and comes to what it would have come to."""
    out, state, whole = folder / "i.onnx", folder / "i.state", folder / "whole.onnx"
    command = [PROGRAM, "quantize", str(MODEL), "--calib", "random:4000", "--isolated", "--observer", "percentile"]
    child = subprocess.Popen([*command, "--state", str(state), "-o", str(out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(0.6)
    child.send_signal(signal.SIGINT)
    text, errors = child.communicate(timeout=60)
    if child.returncode == 0:  # a machine that was done by then
        return
    expect("interrupted", child.returncode == 130 and "interrupted after" in text and not out.exists() and state.exists(),
           f"{child.returncode} {text[:300]}{errors}")
    done = subprocess.run([*command, "--state", str(state), "-o", str(out)], capture_output=True, text=True, timeout=300)
    subprocess.run([*command, "-o", str(whole)], capture_output=True, timeout=300)
    expect("went on", done.returncode == 0 and not state.exists() and out.read_bytes() == whole.read_bytes(), done.stderr)
    left = [f for f in os.listdir(folder) if f.startswith(".")]
    expect("no temporaries", not left, left)


def main():
    with tempfile.TemporaryDirectory() as scratch:
        for part in (files, refusals, interruption):
            folder = pathlib.Path(scratch) / part.__name__
            folder.mkdir()
            part(folder)
    return finish(20)


if __name__ == "__main__":
    sys.exit(main())
