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
import sys
import tempfile

from checks import expect, finish, one_error, run

DATA = pathlib.Path(sys.argv[2]).resolve()
RUNS = DATA / "runs"


def outputs(folder):
    return {f.name: f.read_bytes() for f in sorted(folder.glob("*.npy"))}


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


def lowered(model, *more):
    done = run("lower", model, "--isolated", "--output-format", "json", *more)
    return done.returncode, json.loads(done.stdout)["graphs"][0] if done.stdout else done.stderr


def cut(folder):
    """LPAI's table of the default SDK has no Elu: the one node of this model that is in the way."""
    model, golden = RUNS / "espcn.qnn_a8w8.onnx", RUNS / "espcn.qnn_a8w8.golden.json"
    lpai = ("--backend", "lpai", "--soc", "SM8850", "-o", folder / "m.sgb")
    code, graph = lowered(model, *lpai)
    expect("LPAI refuses", code == 1 and not (folder / "m.sgb").exists(), str(graph))
    expect("and names the node", [n["node"] for n in graph["fallbacks"]] == ["/Elu"] and "/Elu" in graph["refusal"])
    expect("and what to do", graph["fallbacks"][0]["change"] != "" and len(graph["partitions"]) == 2)
    expect("and what crosses", [(c["dtype"], c["bytes"]) for c in graph["cuts"]] == [("UFIXED_POINT_8", 6144)] * 2)
    expect("conversions are the CPU's", graph["cuts"][0]["conversions"] == "Dequantize on the CPU")
    code, graph = lowered(model, *lpai, "--warn")
    expect("--warn does not help LPAI", code == 1, str(graph))
    code, graph = lowered(model, *lpai, "--lpai-border-fallback")
    expect("it falls back", code == 0 and (folder / "m.sgb").exists(), str(graph))
    done = run("run", folder / "m.sgb", "--compare", golden)
    expect("as the reference has it", done.returncode == 0, done.stdout + done.stderr)
    heavy = RUNS / "bert_tiny.qnn_a16w8.onnx"
    code, graph = lowered(heavy, *lpai[:4], "-o", folder / "heavy.sgb", "--lpai-border-fallback")
    expect("weights do not fall back", code == 1 and "weights" in graph["refusal"] and
           any("weight" in n for n in graph["fallbacks"]), str(graph)[:300])
    expect("it is LPAI's", one_error(run("lower", model, "--isolated", "--lpai-border-fallback", "-o", folder / "x.sgb"),
                                     "border-fallback"))
    expect("one graph at a time", one_error(run("lower", f"a={RUNS / 'kws_dscnn.qnn_a16w8.onnx'}",
                                                f"b={RUNS / 'kws_dscnn.qnn_a16w8.onnx'}", "--isolated", *lpai), "1 graph"))


def cut_on_htp(folder):
    """A convolution whose weights are quantized as no backend takes them, in the middle of a model."""
    model = DATA.parent.parent / "data" / "kws_dscnn.u8s8_pc.bad_per_channel_asymmetric.onnx"
    art = folder / "m.sgb"
    code, graph = lowered(model, "-o", art)
    expect("strict refuses", code == 1 and not art.exists() and len(graph["fallbacks"]) >= 1, str(graph)[:300])
    code, graph = lowered(model, "-o", art, "--warn")
    expect("--warn cuts", code == 0 and len(graph["partitions"]) >= 1, str(graph)[:300])
    info = artifact_info(art)
    expect("what falls back is told", info["graphs"][0]["falls_back"] == [n["node"] for n in graph["fallbacks"]])
    expect("both run", {p["part"].split()[0] for p in info["graphs"][0]["estimates"]["parts"]} == {"partition", "the"})
    done = run("run", art, "--random", 1, "--output-dir", folder / "o")
    expect("it runs", done.returncode == 0, done.stderr)
    text = run("lower", model, "--isolated", "-o", art).stdout
    expect("as text", "refused" in text and "on the CPU" in text and "cut tensors" in text, text)


def foreign(folder):
    """An operator that nobody here knows: its partitions are lowered, and running them says what is missing."""
    graph = {"format": "snapgauge-graph", "version": 1, "frontend": "onnx", "opset": 21, "nodes": []}
    tensor = {"shape": [1, 8], "dtype": "float32"}
    for name, op, source in (("a", "Sigmoid", "x"), ("b", "com.example.Unknown", "a"), ("c", "Tanh", "b")):
        graph["nodes"].append({"name": name, "op": "call", "target": op, "args": [{"node": source}], "val": tensor})
    graph["nodes"].insert(0, {"name": "x", "op": "input", "val": tensor})
    graph["nodes"].append({"name": "out", "op": "output", "args": [[{"node": "c"}]]})
    model, art = folder / "m.sgraph.json", folder / "m.sgb"
    model.write_text(json.dumps(graph))
    code, told = lowered(model, "-o", art, "--warn")
    expect("lowered around it", code == 0 and [p["nodes"] for p in told["partitions"]] == [["a"], ["c"]], str(told))
    done = run("run", art, "--random", 1)
    expect("not run", one_error(done, "com.example.Unknown", "b"), done.stderr)
    expect("shown", "foreign com.example.Unknown" in run("inspect", art, "--show", "plan").stdout)


def half(folder):
    """In 16 bits results differ from those in 32, and by little."""
    model = RUNS / "espcn.float.onnx"
    found = {}
    for name, more in (("full", ()), ("half", ("--htp-precision", "fp16"))):
        art = folder / f"{name}.sgb"
        expect(f"{name} is lowered", run("lower", model, "--isolated", "-o", art, *more).returncode == 0)
        done = run("run", art, "--random", 5, "--output-dir", folder / name)
        expect(f"{name} runs", done.returncode == 0, done.stderr)
        data = (folder / name / "out.npy").read_bytes()
        found[name] = struct.unpack(f"<{(len(data) - 128) // 4}f", data[128:])
    largest = max(abs(v) for v in found["full"])
    apart = max(abs(a - b) for a, b in zip(found["full"], found["half"]))
    expect("rounded", 0 < apart < 0.01 * largest, f"{apart} of {largest}")


def options(folder):
    model, art = RUNS / "kws_dscnn.u8s8_pc.onnx", folder / "m.sgb"
    lower = ("lower", model, "--isolated", "-o", art)
    expect("an option is kept", run(*lower, "--vtcm-mb", 4).returncode == 0 and
           artifact_info(art)["options"] == {"soc_model": "SM8750", "vtcm_size_in_mb": "4"})
    expect("out of range", one_error(run(*lower, "--vtcm-mb", -1), "vtcm_size_in_mb"))
    expect("a word for a number", one_error(run(*lower, "--vtcm-mb", "much"), "vtcm_size_in_mb"))
    expect("of another backend", one_error(run(*lower, "--lpai-fps", 30), "fps"))
    expect("of no artifact", one_error(run("run", model, "--isolated", "--random", 1, "--log-level", "warn"), "artifact"))
    model = RUNS / "espcn.qnn_a8w8.onnx"
    run("lower", model, "--isolated", "--backend", "lpai", "--soc", "SM8850", "--lpai-border-fallback", "-o", art,
        "--lpai-fps", 30)
    schedule = artifact_info(art)["schedule"]
    expect("a schedule", schedule[0].startswith("30 frames") and schedule[-1] == "any core", str(schedule))
    ran = run("run", art, "--random", 1, "--lpai-core-selection", "0b10", "--lpai-affinity", "hard", "--profile")
    expect("cores", ran.returncode == 0 and "core 1 alone" in ran.stdout, ran.stdout + ran.stderr)
    expect("no such core", one_error(run("run", art, "--random", 1, "--lpai-core-selection", 4), "core"))
    late = ("run", art, "--random", 1, "--lpai-throughput", 1e6)
    expect("a budget that cannot be kept", one_error(run(*late), "33.3 ms"))
    expect("with a faster clock", run(*late, "--lpai-ftrt-ratio", 100000).returncode == 0)
    expect("or without one", run(*late, "--lpai-client-perf-type", "non_real_time").returncode == 0)


def without_numbers(folder):
    """Specs without scales and weights that the file leaves out."""
    graph = {"format": "snapgauge-graph", "version": 1, "frontend": "aten", "specs": [], "nodes": []}
    act = {"kind": "spec", "dtype": "uint8", "quant_min": 0, "quant_max": 255, "qscheme": "per_tensor_affine",
           "ch_axis": None, "is_dynamic": False, "observer": {"class": "MinMaxObserver", "kwargs": {}}}
    weight = {**act, "dtype": "int8", "quant_min": -127, "quant_max": 127, "qscheme": "per_tensor_symmetric"}
    graph["specs"] = [act, weight]
    graph["nodes"] = [
        {"name": "w", "op": "get_attr", "target": "w", "args": [], "val": {"shape": [4, 8], "dtype": "float32"}},
        {"name": "x", "op": "placeholder", "target": "x", "args": [], "val": {"shape": [2, 8], "dtype": "float32"}},
        {"name": "y", "op": "call_function", "target": "aten.linear.default", "args": [{"node": "x"}, {"node": "w"}],
         "val": {"shape": [2, 4], "dtype": "float32"},
         "annotation": {"inputs": [["x", 0], ["w", 1]], "output": 0, "annotated": True}},
        {"name": "output", "op": "output", "target": "output", "args": [[{"node": "y"}]]}]
    model, art = folder / "m.sgraph.json", folder / "m.sgb"
    model.write_text(json.dumps(graph))
    lower = ("lower", model, "--isolated", "-o", art)
    expect("no numbers", one_error(run(*lower, "--random-constants", 1), "--calib"))
    expect("no weights", one_error(run(*lower, "--calib", "random:2"), "'w'"))
    done = run(*lower, "--random-constants", 1, "--calib", "random:2")
    expect("both given", done.returncode == 0, done.stdout + done.stderr)
    first = art.read_bytes()
    run(*lower, "--random-constants", 1, "--calib", "random:2")
    expect("the same again", art.read_bytes() == first)
    expect("it runs in integers", "convolution" in (plan := run("inspect", art, "--show", "plan").stdout) or
           "matmul" in plan and "UINT_8" in plan, plan)


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
    expect("a part of a name", one_error(run("run", art, "--random", 1, "--soc", "50"), "SM8750") and
           one_error(run("run", art, "--random", 1, "--backend", "p"), "htp"))
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
        for case in (same_bytes, shared_weights, cut, cut_on_htp, foreign, half, options, without_numbers, damaged, signatures,
                     outputs_are_safe):
            own = folder / case.__name__
            own.mkdir()
            case(own)
    return finish(20)


if __name__ == "__main__":
    sys.exit(main())
