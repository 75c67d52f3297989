#!/usr/bin/env python3
"""lower, inspect, sign, verify, and run of artifacts, through the whole program.

What is lowered is run twice, as the model and as the artifact, and both give the same bytes; graphs with a node that
the backend does not take are cut where they must be, and what runs on the CPU is what float arithmetic between
Dequantize and Quantize gives; damaged and foreign files are one error each.
"""
import json
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile

PROGRAM, DATA = sys.argv[1], pathlib.Path(sys.argv[2])
RUNS = DATA / "runs"
PASSED, FAILED = [], []


def run(*arguments, **options):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=300, **options)


def expect(name, holds, what=""):
    (PASSED if holds else FAILED).append(name)
    if not holds:
        print(f"FAILED {name} {what}")


def outputs(folder):
    return {f.name: f.read_bytes() for f in sorted(folder.glob("*.npy"))}


def one_error(done, *parts):
    """Exit code 2, one line that names the file, and nothing on standard output."""
    lines = done.stderr.strip().splitlines()
    return done.returncode == 2 and done.stdout == "" and len(lines) == 1 and all(p in lines[0] for p in parts)


def same_bytes(folder):
    """Every model of the golden runs that the target takes."""
    lowered = 0
    for model in sorted(RUNS.glob("*.onnx")):
        art = folder / f"{model.stem}.sgb"
        done = run("lower", model, "--isolated", "-o", art)
        accepted = run("check", model, "--isolated").returncode == 0
        expect(f"lowered when accepted: {model.name}", (done.returncode == 0) == accepted, done.stdout + done.stderr)
        expect(f"written when lowered: {model.name}", art.exists() == (done.returncode == 0))
        if done.returncode != 0:
            continue
        lowered += 1
        a, b = folder / f"{model.stem}.a", folder / f"{model.stem}.b"
        first = run("run", model, "--isolated", "--random", 3, "--output-dir", a)
        second = run("run", art, "--random", 3, "--output-dir", b)
        expect(f"runs: {model.name}", first.returncode == 0 and second.returncode == 0, first.stderr + second.stderr)
        expect(f"the same bytes: {model.name}", outputs(a) == outputs(b) and len(outputs(a)) > 0)
        again = folder / "again.sgb"
        run("lower", model, "--isolated", "-o", again)
        expect(f"the same artifact: {model.name}", again.read_bytes() == art.read_bytes())
    expect("models were lowered", lowered >= 6, str(lowered))


def sgraph(nodes):
    return {"format": "snapgauge-graph", "version": 1, "frontend": "onnx", "opset": 21, "nodes": nodes}


def spec(scale, zero_point, bits=8):
    return {"dtype": f"uint{bits}", "scale": scale, "zero_point": zero_point, "quant_min": 0, "quant_max": 2**bits - 1}


def artifact_info(art):
    return json.loads(run("inspect", art, "--output-format", "json").stdout)["artifact"]


def shared_weights(folder):
    model = RUNS / "kws_dscnn.qnn_a16w8.onnx"
    one, two = folder / "one.sgb", folder / "two.sgb"
    run("lower", model, "--isolated", "-o", one)
    done = run("lower", f"prefill={model}", f"decode={model}", "--isolated", "-o", two)
    expect("two graphs", done.returncode == 0, done.stderr)
    a, b = artifact_info(one), artifact_info(two)
    expect("weights are there once", b["weights"]["bytes"] == a["weights"]["bytes"] and
           b["weights"]["constant_bytes"] == 2 * a["weights"]["constant_bytes"])
    expect("names of graphs", [g["name"] for g in b["graphs"]] == ["prefill", "decode"])
    expect("one is named", one_error(run("run", two, "--random", 1), str(two), "prefill, decode"))
    expect("no such graph", one_error(run("run", two, "--graph", "x", "--random", 1), "x: is no graph"))
    expect("it runs by name", run("run", two, "--graph", "decode", "--random", 1).returncode == 0)
    expect("a name twice", one_error(run("lower", f"a={model}", f"a={model}", "--isolated", "-o", two), "second graph"))


def damaged(folder):
    art = folder / "whole.sgb"
    run("lower", RUNS / "kws_dscnn.u8s8_pc.onnx", "--isolated", "-o", art)
    whole, bad = art.read_bytes(), folder / "bad.sgb"
    draw = random.Random(7)
    info = artifact_info(art)
    end = len(whole)
    silent = []
    places = set(range(0, 72)) | {draw.randrange(end) for _ in range(150)} | {end - 1}
    for at in sorted(places):
        bad.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << draw.randrange(8))]) + whole[at + 1:])
        done = run("inspect", bad)
        covered = at < 72 or 128 <= at < 128 + info["structure"]["bytes"] or at >= end - info["weights"]["bytes"]
        if covered and not one_error(done, str(bad)):
            silent.append(at)
    expect("an altered byte is an error", not silent, str(silent[:9]))
    wrong = []
    for length in sorted({0, 1, 7, 8, 71, 72, 127, 128, 129, end - 1} | {draw.randrange(end) for _ in range(40)}):
        bad.write_bytes(whole[:length])
        if not one_error(run("inspect", bad), str(bad)):
            wrong.append(length)
    expect("a file that was cut off is an error", not wrong, str(wrong))
    bad.write_bytes(whole + b"\0" * 104)
    expect("something behind it", one_error(run("inspect", bad), "behind its end"))
    bad.write_bytes(whole[:8] + struct.pack("<I", 99) + whole[12:])
    expect("another version", one_error(run("inspect", bad), "version 99"))
    expect("no artifact", one_error(run("inspect", RUNS / "espcn.float.onnx"), "no artifact"))
    expect("a folder", one_error(run("inspect", folder)))
    expect("nothing", one_error(run("inspect", folder / "none.sgb"), "none.sgb"))
    expect("another target", one_error(run("run", art, "--random", 1, "--soc", "SM8550"), "SM8750", "SM8550"))
    expect("the same target", run("run", art, "--random", 1, "--soc", "8750", "--backend", "htp").returncode == 0)
    expect("a graph of no artifact",
           one_error(run("run", RUNS / "espcn.float.onnx", "--graph", "x", "--random", 1), "no artifact"))


def signatures(folder):
    art, key, other = folder / "signed.sgb", folder / "mine", folder / "other"
    run("lower", RUNS / "kws_dscnn.u8s8_pc.onnx", "--isolated", "-o", art)
    plain = art.read_bytes()
    for name in (key, other):
        expect("keys", run("sign", "--new-key", name).returncode == 0)
    expect("keys are not overwritten", one_error(run("sign", "--new-key", key), "mine.key"))
    expect("not signed", one_error(run("verify", art, "--key", f"{key}.pub"), "not signed"))
    expect("not signed, and run", one_error(run("run", art, "--random", 1, "--require-signature", f"{key}.pub")))
    expect("sign", run("sign", art, "--key", f"{key}.key").returncode == 0)
    expect("content stays", art.read_bytes()[:len(plain)] == plain and len(art.read_bytes()) == len(plain) + 104)
    expect("verify", run("verify", art, "--key", f"{key}.pub").returncode == 0)
    expect("run", run("run", art, "--random", 1, "--require-signature", f"{key}.pub").returncode == 0)
    expect("another key", one_error(run("verify", art, "--key", f"{other}.pub"), "another key"))
    expect("a secret key is no public one", one_error(run("verify", art, "--key", f"{key}.key"), "mine.key"))
    expect("a public key signs nothing", one_error(run("sign", art, "--key", f"{key}.pub"), "mine.pub"))
    expect("no key", one_error(run("sign", art, "--key", folder / "none"), "none"))
    whole = art.read_bytes()
    art.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    expect("an altered signature", one_error(run("verify", art, "--key", f"{key}.pub"), "altered"))
    art.write_bytes(whole)
    expect("signed again by another", run("sign", art, "--key", f"{other}.key", "-o", folder / "b.sgb").returncode == 0)
    expect("into another file", run("verify", folder / "b.sgb", "--key", f"{other}.pub").returncode == 0 and
           art.read_bytes() == whole)


def outputs_are_safe(folder):
    model = folder / "m.onnx"
    shutil.copy(RUNS / "kws_dscnn.u8s8_pc.onnx", model)
    expect("beside the model", run("lower", model, "--isolated").returncode == 0 and (folder / "m.sgb").exists())
    expect("an artifact is replaced", run("lower", model, "--isolated").returncode == 0)
    (folder / "m.sgb").write_text("mine")
    expect("what is none is not", one_error(run("lower", model, "--isolated"), "m.sgb") and
           (folder / "m.sgb").read_text() == "mine")
    expect("the model is no output", one_error(run("lower", model, "--isolated", "-o", model), "m.onnx"))
    expect("nor a folder", one_error(run("lower", model, "--isolated", "-o", folder)))


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for case in (same_bytes, shared_weights, damaged, signatures, outputs_are_safe):
            own = folder / case.__name__
            own.mkdir()
            case(own)
    print(f"{len(PASSED)} passed, {len(FAILED)} failed")
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
