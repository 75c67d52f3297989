#!/usr/bin/env python3
"""lower --emit qairt and ort through the whole program.

The float model is held against the quantized one it was made of: same inputs and outputs, no pairs, near results; its
overrides name every quantized tensor with its numbers. Put back in front of the tensors that they name, they give a
quantized model that computes the same bytes.
"""
import json
import math
import pathlib
import shutil
import struct
import sys
import tempfile

import jsonschema  # Debian: python3-jsonschema

import onnx_write as w
from onnx_bytes import GRAPH, INITIALIZER, Model, fields, packed
from checks import expect, finish, one_error, run

DATA, SCHEMAS = pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3])
RUNS = DATA / "runs"
SCHEMA = jsonschema.Draft202012Validator(json.loads((SCHEMAS / "quantization-overrides.json").read_text()))
PAIR = ("QuantizeLinear", "DequantizeLinear")


def lower(model, folder, *more):
    return run("lower", model, "--isolated", "-o", folder / "artifact.sgb", *more)


def ends(data):
    """The names of a model's inputs (but initializers) and outputs."""
    first, end = next((a, b) for n, a, b, _ in fields(data) if n == GRAPH)
    named = {n: [] for n in (11, 12)}
    for number, a, b, _ in fields(data, first, end):
        if number in named:
            named[number].append(next(data[x:y].decode() for n, x, y, _ in fields(data, a, b) if n == 1))
    constants = Model(data).tensors
    return [i for i in named[11] if i not in constants], named[12]


def numbers(model, name):
    """The elements of an initializer, as its type has them."""
    t = model.tensors[name]
    number, a, b = t.payload
    kinds = {1: "f", 2: "B", 3: "b", 4: "H", 5: "h", 6: "i", 7: "q"}
    if number in (5, 7):  # integers of any width
        return [v - (1 << 64) if v >> 63 else v for v in packed(model.data, a, b)]
    if number in (4, 9) and t.type in kinds:
        return list(struct.unpack(f"<{(b - a) // struct.calcsize(kinds[t.type])}{kinds[t.type]}", model.data[a:b]))
    if t.type in (21, 22):  # two a byte
        halves = [h for byte in model.data[a:b] for h in (byte & 15, byte >> 4)][:math.prod(t.dims)]
        return [h - 16 if t.type == 22 and h > 7 else h for h in halves]
    raise ValueError(f"{name}: type {t.type} in field {number}")


def npy(path):
    data = path.read_bytes()
    size = struct.unpack("<H", data[8:10])[0]
    letter = {b"<f4": "f", b"<i8": "q"}[data.split(b"'")[3]]
    return struct.unpack(f"<{(len(data) - 10 - size) // struct.calcsize(letter)}{letter}", data[10 + size:])


def inputs_of(model):
    """Those of its golden run."""
    return [part for f in sorted(RUNS.glob(f"{model.stem}.in.*.npy"))
            for part in ("--input", f"{f.name.split('.in.')[1][:-4]}={f}")]


def sqnr(folder, model, in_float):
    """Of the quantized model against the float one, over all outputs."""
    runs = []
    for i, one in enumerate((model, in_float)):
        done = run("run", one, "--isolated", *inputs_of(model), "--output-dir", folder / f"run{i}")
        expect(f"runs: {model.stem} {i}", done.returncode == 0, done.stdout[-500:] + done.stderr)
        runs.append({f.name: npy(f) for f in sorted((folder / f"run{i}").glob("*.npy"))})
    if runs[0].keys() != runs[1].keys() or not runs[0]:
        return -math.inf
    signal = noise = 0
    for name, exact in runs[1].items():
        signal += sum(x * x for x in exact)
        noise += sum((x - y) ** 2 for x, y in zip(exact, runs[0][name]))
    return math.inf if noise == 0 else 10 * math.log10(signal / noise)


LEAST = {2: 0, 4: 0, 21: 0, 3: -128, 5: -32768, 22: -8, 6: -(2 ** 31)}


def expected_overrides(model, outputs):
    """Entries by tensor: (scale, offset) of each channel, of those whose scales lie in the file and not in blocks."""
    producers = {o: n for n in model.nodes for o in n.outputs}

    def front(name):
        while name in producers and producers[name].op in PAIR:
            name = producers[name].inputs[0]
        return name

    names = {front(o): o for o in outputs if front(o) != o}
    out = {}
    for n in model.nodes:
        name = n.inputs[0] if n.op in PAIR else None
        stored = n.op == "DequantizeLinear" and name in model.tensors
        first = n.op == "QuantizeLinear" and producers.get(name, n).op not in PAIR[1:]
        if not (stored or first) or n.inputs[1] not in model.tensors or "block_size" in n.attributes:
            continue
        scales = numbers(model, n.inputs[1])
        zero = n.inputs[2] if len(n.inputs) > 2 and n.inputs[2] else None
        zeros = numbers(model, zero) if zero else [0] * len(scales)
        least = LEAST[model.tensors[zero].type if zero else model.tensors[name].type]
        out.setdefault(names.get(name, name), [(s, least - z) for s, z in zip(scales, zeros)])
    return out


# The other models' quantizers left out a Relu where the integers end at 0 anyway. Without integers it is not there:
# what holds of those is that they go there and back.
NEAR = {"bert_tiny.qnn_a16w8": 70, "gated_mlp.qnn_a16w4_op21": 30, "ssd_head.qnn_a8w8": 18, "gpt_tiny.qnn_a8w8": 8}


def check_float_model(name, model, folder):
    """What has to hold of a hand-off whatever the model."""
    before, after = model.read_bytes(), (folder / "model.onnx").read_bytes()
    quantized, in_float = Model(before), Model(after)
    expect(f"{name}: no pairs", not [n for n in in_float.nodes if n.op in PAIR])
    expect(f"{name}: nothing else goes", len(in_float.nodes) == len([n for n in quantized.nodes if n.op not in PAIR]))
    expect(f"{name}: inputs and outputs", ends(before) == ends(after), f"{ends(before)} {ends(after)}")
    produced = {o for n in in_float.nodes for o in n.outputs} | set(in_float.tensors) | set(ends(after)[0]) | {""}
    open_ends = [i for n in in_float.nodes for i in n.inputs if i not in produced]
    expect(f"{name}: whole", not open_ends and set(ends(after)[1]) <= produced, str(open_ends))
    read = {i for n in in_float.nodes for i in n.inputs} | set(ends(after)[1])
    expect(f"{name}: no tensor is left over", set(in_float.tensors) <= read, str(set(in_float.tensors) - read))
    overrides = json.loads((folder / "quantization_overrides.json").read_text())
    expect(f"{name}: schema", SCHEMA.is_valid(overrides))
    entries = {**overrides["activation_encodings"], **overrides["param_encodings"]}
    expect(f"{name}: of its tensors", set(entries) <= produced, str(set(entries) - produced))
    wanted = expected_overrides(quantized, ends(before)[1])
    wrong = [n for n, e in wanted.items() if [(x["scale"], x["offset"]) for x in entries.get(n, [])] != e]
    expect(f"{name}: every tensor has its numbers", not wrong and len(wanted) > 3, str(wrong[:5]))
    near = sqnr(folder, model, folder / "model.onnx")
    expect(f"{name}: near", near > NEAR.get(name, -math.inf), f"{near:.1f} dB")


def qairt(folder):
    handed = 0
    for model in sorted(RUNS.glob("*.qnn_a*.onnx")) + sorted(RUNS.glob("*.u8s8*.onnx")):
        own = folder / model.stem
        own.mkdir()
        done = lower(model, own, "--emit", "qairt", own / "out")
        accepted = run("check", model, "--isolated").returncode == 0
        expect(f"{model.stem}: handed over when accepted", (own / "out").exists() == accepted == (done.returncode == 0),
               done.stdout[-300:] + done.stderr)
        if not (own / "out").exists():
            continue
        handed += 1
        check_float_model(model.stem, model, own / "out")
    expect("models were handed over", handed >= 5, str(handed))


def put_back(in_float, overrides):
    """The quantized model that a float model and its overrides stand for."""
    _, outputs = ends(bytes(in_float.data))
    parts = [f for f in fields(in_float.data)]
    first, end = next((a, b) for n, a, b, _ in parts if n == GRAPH)
    pairs, tensors, renamed = {}, [], {}

    def stored(entry):
        signed = entry["is_symmetric"] == "True" or entry["bitwidth"] == 32
        kind = {(8, False): w.UINT8, (8, True): w.INT8, (16, False): w.UINT16, (16, True): w.INT16,
                (32, True): w.INT32, (4, True): w.INT4, (4, False): w.UINT4}[entry["bitwidth"], signed]
        return kind, (-(1 << (entry["bitwidth"] - 1)) if signed else 0) - entry["offset"]

    def nearest(x, entry, zero):
        q = round(x / entry["scale"]) - entry["offset"]  # from 0
        return min(max(q, 0), (1 << entry["bitwidth"]) - 1) + entry["offset"] + zero

    def parameters(name, entries):
        kinds = [stored(e) for e in entries]
        dims = [len(entries)] if len(entries) > 1 else []
        tensors.append(w.tensor(name + "_s", w.FLOAT, dims, [e["scale"] for e in entries]))
        tensors.append(w.tensor(name + "_z", kinds[0][0], dims, [z for _, z in kinds]))
        return kinds

    for name, entries in overrides["activation_encodings"].items():
        parameters(name, entries)
        source = name + "_float" if name in outputs else name
        result = name if name in outputs else name + "_real"
        renamed[name] = result
        pairs[name] = [w.node("QuantizeLinear", [source, name + "_s", name + "_z"], [name + "_q"]),
                       w.node("DequantizeLinear", [name + "_q", name + "_s", name + "_z"], [result])]
    for name, entries in overrides["param_encodings"].items():
        kinds, t, real = parameters(name, entries), in_float.tensors[name], in_float.floats(name)
        transposed = len(t.dims) > 1 and any(n.op == "ConvTranspose" for n in in_float.readers(name))
        axis = 1 if transposed else t.dims.index(len(entries)) if len(entries) > 1 else 0
        stride = math.prod(t.dims[axis + 1:]) if len(entries) > 1 else len(real)
        channel = [i // stride % len(entries) for i in range(len(real))]
        tensors.append(w.tensor(name + "_i", kinds[0][0], t.dims,
                                [nearest(x, entries[c], kinds[c][1]) for x, c in zip(real, channel)]))
        renamed[name] = name + "_real"
        axes = [w.integer("axis", axis)] if len(entries) > 1 else []
        pairs[name] = [w.node("DequantizeLinear", [name + "_i", name + "_s", name + "_z"], [name + "_real"], *axes)]
    made = {o for n in in_float.nodes for o in n.outputs}
    graph = w.message(*[(1, n) for name in pairs if name not in made for n in pairs[name]])
    for number, a, b, _ in fields(in_float.data, first, end):
        payload, behind = bytes(in_float.data[a:b]), []
        if number == 1:
            out = []
            for field, x, y, value in fields(payload):
                text = payload[x:y]
                name = text.decode() if field in (1, 2) else ""
                if field == 1:
                    text = renamed.get(name, name)
                elif field == 2:
                    behind += pairs.get(name, [])
                    text = name + "_float" if name in outputs and name in renamed else name
                out.append((field, value if value is not None else text))
            payload = w.message(*out)
        elif number == INITIALIZER and next(payload[x:y].decode() for n, x, y, _ in fields(payload) if n == 8) in renamed:
            continue
        graph += w.message((number, payload), *[(1, n) for n in behind])
    graph += w.message(*[(5, t) for t in tensors])
    return b"".join(w.message((n, graph if n == GRAPH else v if v is not None else bytes(in_float.data[a:b])))
                    for n, a, b, v in parts)


def there_and_back(folder):
    """Nothing is lost: float model and overrides together compute what the quantized model does."""
    whole = 0
    for model in (m for m in sorted(RUNS.glob("*.onnx")) if ".float." not in m.name):
        stem, out = model.stem, folder / model.stem
        out.mkdir()
        done = lower(model, out, "--emit", "qairt", out)
        if done.returncode != 0 or "without its parameters" in done.stdout:
            continue
        in_float = Model((out / "model.onnx").read_bytes())
        again = out / "again.onnx"
        again.write_bytes(put_back(in_float, json.loads((out / "quantization_overrides.json").read_text())))
        results = []
        for i, file in enumerate((model, again)):
            done = run("run", file, "--isolated", *inputs_of(model), "--output-dir", out / f"r{i}")
            expect(f"{stem}: runs {i}", done.returncode == 0, done.stdout[-600:] + done.stderr)
            results.append({f.name: f.read_bytes() for f in sorted((out / f"r{i}").glob("*.npy"))})
        expect(f"{stem}: there and back", results[0] == results[1] and len(results[0]) > 0)
        whole += 1
    expect("models went there and back", whole >= 5, str(whole))


def text_files(folder):
    model, out = RUNS / "kws_dscnn.qnn_a16w8.onnx", folder / "out"
    done = lower(model, folder, "--emit", "qairt", out, "--conv-hmx", "off", "--htp-performance-mode", "balanced")
    expect("files", sorted(f.name for f in out.iterdir()) == [
        "backend_config.json", "backend_extensions.json", "command.txt", "model.onnx", "options.json", "partition.json",
        "quantization_overrides.json"], done.stderr)
    commands = (out / "command.txt").read_text()
    expect("commands", all(part in commands for part in (
        "qairt-converter", "--input_network model.onnx", "--quantization_overrides quantization_overrides.json",
        "--source_model_input_shape 'mfcc' 1,", "--target_backend HTP", "--target_soc_model SM8750", "--float_fallback",
        "--act_bitwidth 16", "--weights_bitwidth 8", "qnn-onnx-converter", "qnn-context-binary-generator",
        "--backend libQnnHtp.so", "--config_file backend_extensions.json")), commands)
    config = json.loads((out / "backend_config.json").read_text())
    graph, device = config["graphs"][0], config["devices"][0]
    expect("config", graph["vtcm_mb"] == 8 and graph["short_depth_conv_on_hmx_off"] is True and device["soc_model"] == 69
           and device["dsp_arch"] == "v79" and device["cores"][0]["perf_profile"] == "balanced", str(config))
    options = json.loads((out / "options.json").read_text())["options"]
    expect("options", options["use_conv_hmx"] is False and options["soc_model"] == "SM8750" and
           options["performance_mode"] == "balanced" and options["use_fold_relu"] is True, str(options))
    told = run("lower", model, "--isolated", "-o", folder / "b.sgb", "--output-format", "json")
    expect("partition", json.loads((out / "partition.json").read_text()) == json.loads(told.stdout)["graphs"][0])
    before = {f.name: f.read_bytes() for f in out.iterdir()}
    again = lower(model, folder, "--emit", "qairt", out, "--conv-hmx", "off", "--htp-performance-mode", "balanced")
    expect("the same bytes", again.returncode == 0 and before == {f.name: f.read_bytes() for f in out.iterdir()})
    done = lower(RUNS / "espcn.float.onnx", folder, "--emit", "qairt", folder / "float")
    same = (folder / "float" / "model.onnx").read_bytes() == (RUNS / "espcn.float.onnx").read_bytes()
    expect("a float model stays", done.returncode == 0 and same and
           not (folder / "float" / "quantization_overrides.json").exists(), done.stdout[-300:] + done.stderr)


def ort(folder):
    model, out = RUNS / "kws_dscnn.u8s8_pc.onnx", folder / "out"
    done = lower(model, folder, "--emit", "ort", out, "--emit", "qairt", folder / "other")
    expect("ort: files", done.returncode == 0 and sorted(f.name for f in out.iterdir()) == [
        "model.onnx", "provider_options.json", "session_config.json"], done.stderr)
    expect("ort: two at once", (folder / "other" / "command.txt").exists())
    expect("ort: the model as it is", (out / "model.onnx").read_bytes() == model.read_bytes())
    provider = json.loads((out / "provider_options.json").read_text())
    session = json.loads((out / "session_config.json").read_text())
    expect("ort: texts only", all(isinstance(v, str) for v in [*provider.values(), *session.values()]))
    wanted = {"backend_type": "htp", "soc_model": "69", "htp_arch": "79", "vtcm_mb": "8", "htp_performance_mode": "burst",
              "htp_graph_finalization_optimization_mode": "3", "offload_graph_io_quantization": "0"}
    expect("ort: provider", {k: provider.get(k) for k in wanted} == wanted, str(provider))
    expect("ort: strict", session["session.disable_cpu_ep_fallback"] == "1" and session["ep.context_enable"] == "1")
    lower(model, folder, "--emit", "ort", folder / "warn", "--warn", "--soc", "SM8550", "--vtcm-mb", 4)
    provider = json.loads((folder / "warn" / "provider_options.json").read_text())
    session = json.loads((folder / "warn" / "session_config.json").read_text())
    expect("ort: warn", session["session.disable_cpu_ep_fallback"] == "0" and provider["soc_model"] == "43" and
           provider["vtcm_mb"] == "4" and provider["offload_graph_io_quantization"] == "1", str(provider))


def quantized_chain(kind=w.UINT8, place=None):
    """Integers in, a product with a weight, integers and reals out; the weight in the file or where `place` says."""
    scales = [w.tensor(n, w.FLOAT, [], [s]) for n, s in (("sx", 0.5), ("sw", 0.25), ("sy", 0.125))]
    zeros = [w.tensor("zx", kind, [], [3]), w.tensor("zw", w.INT8, [], [0])]
    weight = place or w.tensor("weight", w.INT8, [4, 2], [1, -2, 3, -4, 5, -6, 7, 8])
    nodes = [
        w.node("DequantizeLinear", ["x", "sx", "zx"], ["x_real"]),
        w.node("DequantizeLinear", ["weight", "sw", "zw"], ["weight_real"]),
        w.node("MatMul", ["x_real", "weight_real"], ["product"]),
        w.node("QuantizeLinear", ["product", "sy", "zx"], ["integers"]),
        w.node("DequantizeLinear", ["integers", "sy", "zx"], ["product_real"]),
        w.node("Relu", ["product_real"], ["positive"]),
        w.node("QuantizeLinear", ["positive", "sy", "zx"], ["positive_q"]),
        w.node("DequantizeLinear", ["positive_q", "sy", "zx"], ["out"]),
    ]
    return w.model(nodes, [weight, *scales, *zeros], [w.value_info("x", kind, [1, 4])],
                   [w.value_info("integers", kind, [1, 2]), w.value_info("out", w.FLOAT, [1, 2])],
                   infos=[w.value_info("product_real", w.FLOAT, [1, 2]), w.value_info("positive", w.FLOAT, [1, 2])])


def borders(folder):
    """Integers at the border become reals; tensors in front of a pair at an output take its name."""
    model, out = folder / "chain.onnx", folder / "out"
    model.write_bytes(quantized_chain())
    done = lower(model, folder, "--warn", "--emit", "qairt", out)
    expect("borders: handed over", done.returncode == 0, done.stdout + done.stderr)
    made = (out / "model.onnx").read_bytes()
    nodes = [(n.op, n.inputs, n.outputs) for n in Model(made).nodes]
    expect("borders: nodes", nodes == [("MatMul", ["x", "weight"], ["integers"]), ("Relu", ["integers"], ["out"])],
           str(nodes))
    expect("borders: weight", Model(made).floats("weight") == (0.25, -0.5, 0.75, -1, 1.25, -1.5, 1.75, 2))
    overrides = json.loads((out / "quantization_overrides.json").read_text())
    expect("borders: overrides", {n: (e[0]["scale"], e[0]["offset"]) for n, e in overrides["activation_encodings"].items()}
           == {"x": (0.5, -3), "integers": (0.125, -3), "out": (0.125, -3)}, str(overrides))
    done = run("run", out / "model.onnx", "--isolated", "--random", 1, "--output-dir", folder / "r")
    expect("borders: runs", done.returncode == 0, done.stdout + done.stderr)


def external(folder):
    own = folder / "model"
    (own / "weights").mkdir(parents=True)
    (own / "weights" / "w.bin").write_bytes(bytes(16) + struct.pack("<8b", 1, -2, 3, -4, 5, -6, 7, 8))
    model = own / "m.onnx"
    model.write_bytes(quantized_chain(place=w.external_tensor("weight", w.INT8, [4, 2], "weights/w.bin", 16, 8)))
    done = lower(model, folder, "--warn", "--emit", "ort", folder / "ort", "--emit", "qairt", folder / "qairt")
    expect("external: handed over", done.returncode == 0, done.stdout + done.stderr)
    copies = [(folder / "ort" / f).read_bytes() == (own / s).read_bytes()
              for f, s in (("model.onnx", "m.onnx"), ("weights/w.bin", "weights/w.bin"))]
    expect("external: copied", all(copies))
    expect("external: not needed any more", not (folder / "qairt" / "weights").exists())
    made = Model((folder / "qairt" / "model.onnx").read_bytes())
    expect("external: weight", made.floats("weight") == (0.25, -0.5, 0.75, -1, 1.25, -1.5, 1.75, 2))
    done = run("check", folder / "ort" / "model.onnx", "--isolated", "--warn")
    expect("external: the copy is read", done.returncode == 0, done.stderr)


def refusals(folder):
    model = folder / "m.onnx"
    shutil.copy(RUNS / "kws_dscnn.u8s8_pc.onnx", model)
    expect("no such tool", one_error(lower(model, folder, "--emit", "snpe", folder / "a"), "qairt or ort"))
    annotated = DATA.parent.parent / "data" / "small.sgraph.json"
    expect("ONNX only", one_error(lower(annotated, folder, "--emit", "ort", folder / "a"), "ONNX models only"))
    several = run("lower", f"a={model}", f"b={model}", "--isolated", "-o", folder / "two.sgb", "--emit", "ort", folder / "a")
    expect("one model", one_error(several, "one model"))
    expect("nothing yet", not (folder / "a").exists() and not list(folder.glob("*.sgb")))
    here = lower(model, folder, "--emit", "qairt", folder / "a", "--emit", "ort", folder / "a")
    expect("twice in one folder", one_error(here, "written twice") and not (folder / "a").exists())
    inside = run("lower", model, "--isolated", "-o", folder / "a" / "command.txt", "--emit", "qairt", folder / "a")
    expect("in the artifact's place", one_error(inside, "written twice") and not (folder / "a").exists())
    (folder / "a").mkdir()
    (folder / "a" / "mine.txt").write_text("mine")
    (folder / "a" / "options.json").write_text("mine")
    done = lower(model, folder, "--emit", "qairt", folder / "a")
    expect("what is there stays", one_error(done, "options.json", "exists already") and
           sorted(f.name for f in (folder / "a").iterdir()) == ["mine.txt", "options.json"] and
           not (folder / "artifact.sgb").exists())
    (folder / "a" / "options.json").unlink()
    (folder / "a" / "options.json").symlink_to(folder / "elsewhere")
    done = lower(model, folder, "--emit", "qairt", folder / "a")
    expect("links are not followed", one_error(done, "options.json") and not (folder / "elsewhere").exists())
    (folder / "a" / "options.json").unlink()
    done = lower(model, folder, "--emit", "qairt", folder / "a")
    expect("beside what is there", done.returncode == 0 and (folder / "a" / "mine.txt").read_text() == "mine")
    (folder / "file").write_text("")
    expect("a file is no folder", one_error(lower(model, folder, "--emit", "ort", folder / "file"), "file"))
    bad = DATA.parent.parent / "data" / "kws_dscnn.u8s8_pc.bad_per_channel_asymmetric.onnx"
    done = lower(bad, folder, "--emit", "qairt", folder / "refused")
    expect("what is refused is not handed over", done.returncode == 1 and not (folder / "refused").exists())
    lpai = lower(model, folder, "--backend", "lpai", "--soc", "SM8850", "--warn", "--emit", "ort", folder / "lpai")
    expect("no such backend there", lpai.returncode in (1, 2) and not (folder / "lpai").exists())


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for case in (qairt, there_and_back, text_files, ort, borders, external, refusals):
            own = folder / case.__name__
            own.mkdir()
            case(own)
    return finish(20)


if __name__ == "__main__":
    sys.exit(main())
