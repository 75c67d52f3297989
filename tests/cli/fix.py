#!/usr/bin/env python3
"""fix, on real files that are broken on purpose: what it promises of every fix.

For each kind of fix and each file where the fault can be made: the check finds the fault, the fix removes
it and adds no finding, nothing but the parameters of the tensor concerned changes in the file, and a
second run changes nothing.
"""
import copy
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import onnx_bytes

PROGRAM, DATA = sys.argv[1], pathlib.Path(sys.argv[2])
FEWEST = 3  # files per kind of fix
PASSED, FAILED = [], []


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=300)


def report(path, *options):
    return json.loads(run("check", "--output-format", "json", *options, path).stdout)["files"][0]


def keys(path, *options):
    return sorted((f["code"], f["node"], f.get("port", ""), f.get("value", "")) for f in report(path, *options)["findings"])


def expect(name, holds, what=""):
    (PASSED if holds else FAILED).append(name)
    if not holds:
        print(f"FAILED {name} {what}")


# ---- faults in annotated graphs

def calls(graph, *targets):
    return [n for n in graph["nodes"] if n.get("target") in targets and "annotation" in n]


def add_spec(graph, spec):
    graph["specs"].append(spec)
    return len(graph["specs"]) - 1


def spec_of(graph, reference):
    return graph["specs"][reference] if isinstance(reference, int) else None


def weight_entry(graph, node):
    """The entry of a node's second input, whose spec stands in the table."""
    names = [a["node"] for a in node["args"] if isinstance(a, dict) and "node" in a]
    for entry in node["annotation"].get("inputs", []):
        if len(names) > 1 and entry[0] == names[1] and isinstance(entry[1], int):
            return entry
    return None


def size_of(graph, name, axis):
    return next(n for n in graph["nodes"] if n["name"] == name)["val"]["shape"][axis]


def free_output(graph):
    """A sigmoid or softmax whose output is observed freely."""
    for node in calls(graph, "aten.sigmoid.default", "aten.softmax.int", "aten._softmax.default"):
        spec = spec_of(graph, node["annotation"].get("output"))
        if spec and spec["observer"]["class"] == "FixedQParamsObserver":
            free = dict(spec, observer={"class": "MinMaxObserver", "kwargs": {"eps": 1e-6}})
            node["annotation"]["output"] = add_spec(graph, free)
            return node["name"]
    return None


def shifted_output(graph):
    """The prescribed parameters, but others than those."""
    for node in calls(graph, "aten.sigmoid.default", "aten.softmax.int", "aten._softmax.default"):
        spec = spec_of(graph, node["annotation"].get("output"))
        if spec and spec["observer"]["class"] == "FixedQParamsObserver":
            shifted = copy.deepcopy(spec)
            shifted["observer"]["kwargs"].update(scale=0.0117, zero_point=3)
            node["annotation"]["output"] = add_spec(graph, shifted)
            return node["name"]
    return None


CONVOLUTIONS = ("aten.conv2d.default", "aten.linear.default", "aten.convolution.default")


def broken_weight(change):
    def fault(graph):
        for node in calls(graph, *CONVOLUTIONS):
            entry = weight_entry(graph, node)
            spec = spec_of(graph, entry[1]) if entry else None
            if spec and spec["qscheme"] == "per_channel_symmetric" and "block_size" not in spec["observer"]["kwargs"]:
                wrong = copy.deepcopy(spec)
                change(graph, entry[0], wrong)
                entry[1] = add_spec(graph, wrong)
                return node["name"]
        return None
    return fault


def affine(graph, weight, spec):
    spec["qscheme"] = "per_channel_affine"


def calibrated_zero_point(graph, weight, spec):
    channels = size_of(graph, weight, spec["ch_axis"])
    del spec["observer"]
    spec.update(scale=[0.01 + c / 1000 for c in range(channels)], zero_point=[0] * (channels - 1) + [5])


def other_axis(graph, weight, spec):
    spec["ch_axis"] = 1


def far_axis(graph, weight, spec):
    spec["ch_axis"] = 9


def lost_axis(graph, weight, spec):
    channels = size_of(graph, weight, spec["ch_axis"])
    shape = next(n for n in graph["nodes"] if n["name"] == weight)["val"]["shape"]
    if shape.count(channels) > 1:
        return
    del spec["observer"]
    spec.update(ch_axis=len(shape) + 2, scale=[0.01] * channels, zero_point=[0] * channels)


def own_observer(graph):
    """A reshape or transpose whose output is observed apart from its input."""
    moves = ("aten.permute.default", "aten.reshape.default", "aten.view.default", "aten.transpose.int",
             "aten.max_pool2d.default", "aten.unsqueeze.default", "aten.squeeze.dims")
    for node in calls(graph, *moves):
        if isinstance(node["annotation"].get("output"), dict):
            apart = next((s for s in graph["specs"] if s["qscheme"] == "per_tensor_affine" and
                          s["observer"]["class"] == "MovingAverageMinMaxObserver"), None)
            if apart:
                node["annotation"]["output"] = add_spec(graph, copy.deepcopy(apart))
                return node["name"]
    return None


def wrong_bias(graph):
    """A calibrated convolution whose bias has twice the scale that it should."""
    for node in calls(graph, *CONVOLUTIONS):
        inputs = node["annotation"].get("inputs", [])
        if len(inputs) != 3 or any(e[1] is None for e in inputs):
            continue
        x, w, b = (copy.deepcopy(spec_of(graph, e[1])) for e in inputs)
        if x is None or w is None or w["qscheme"] != "per_channel_symmetric" or w["observer"]["kwargs"].get("block_size"):
            continue
        channels = size_of(graph, inputs[1][0], w["ch_axis"])
        x.pop("observer"), w.pop("observer")
        x.update(scale=0.02, zero_point=7)
        w.update(scale=[0.01 + c / 1000 for c in range(channels)], zero_point=[0] * channels)
        inputs[0][1], inputs[1][1] = add_spec(graph, x), add_spec(graph, w)
        inputs[2][1] = {"dtype": "int32", "quant_min": -2147483648, "quant_max": 2147483647,
                        "qscheme": "per_channel_symmetric", "ch_axis": 0,
                        "scale": [s * 0.04 for s in w["scale"]], "zero_point": [0] * channels}
        return node["name"]
    return None


TEXT_FAULTS = {
    "free output": ("SG401", free_output, []),
    "shifted output": ("SG401", shifted_output, []),
    "affine weight": ("SG201", broken_weight(affine), []),
    "zero point of a symmetric weight": ("SG406", broken_weight(calibrated_zero_point), []),
    "axis of a weight": ("SG204", broken_weight(other_axis), []),
    "axis that does not exist": ("SG209", broken_weight(lost_axis), []),
    "axis that does not exist, before calibration": ("SG209", broken_weight(far_axis), []),
    "output observed apart": ("SG301", own_observer, []),
    "bias scale": ("SG407", wrong_bias, []),
}


def text_of(graph):
    """One node a line, as the files have it."""
    parts = {k: v for k, v in graph.items() if k not in ("nodes", "specs", "prepared")}
    head = json.dumps(parts, separators=(",", ":"))[:-1]
    lines = lambda items: ",\n".join(json.dumps(i, separators=(",", ":")) for i in items)
    return f'{head},\n"specs":[\n{lines(graph["specs"])}],\n"nodes":[\n{lines(graph["nodes"])}]}}\n'


def references(graph):
    """Every reference to a spec, by where it stands."""
    found = {}
    for node in graph["nodes"]:
        annotation = node.pop("annotation", None) or {}
        for source, spec in annotation.get("inputs", []):
            found[source, node["name"]] = spec
        found[node["name"], ""] = annotation.get("output")
    return found


def only_parameters_changed(before, after):
    """True when the graphs differ in specs, and in references to them, alone. Entries that were there stay
    as they are unless nothing else refers to them."""
    before, after = copy.deepcopy(before), copy.deepcopy(after)
    specs, now = before.pop("specs"), after.pop("specs")
    old, new = references(before), references(after)
    moved = {place for place in old if old[place] != new.get(place)}
    users = lambda index: {place for place, spec in old.items() if spec == index}
    changed = [i for i, spec in enumerate(specs) if now[i] != spec]
    tensors = {place[0] for place in moved} | {place[0] for i in changed for place in users(i)}
    return before == after and old.keys() == new.keys() and len(tensors) <= 1


def prove(name, code, path, node, options, compare):
    checking = [o for o in options if o != "--unsafe"]
    before = keys(path, *checking)
    expect(f"{name}: found", any(k[0] == code and k[1] == node for k in before), before)
    content = path.read_bytes()
    shown = run("fix", "--diff", *options, path)
    expect(f"{name}: shown", shown.returncode == 1 and shown.stdout.startswith("--- "), shown.stderr)
    expect(f"{name}: showing writes nothing", path.read_bytes() == content)
    done = run("fix", *options, path)
    fixed = path if path.suffix != ".onnx" else path.with_suffix(".fixed.onnx")
    if not fixed.exists():
        expect(f"{name}: written", False, done.stdout + done.stderr)
        return
    after = keys(fixed, *checking)
    expect(f"{name}: gone", not any(k[0] == code and k[1] == node for k in after), done.stdout + done.stderr)
    expect(f"{name}: nothing new", all(after.count(k) <= before.count(k) for k in set(after)),
           [k for k in after if k not in before])
    expect(f"{name}: only the parameters", compare(content, fixed.read_bytes()))
    result = fixed.read_bytes()
    again = run("fix", *options, fixed)
    expect(f"{name}: twice", fixed.read_bytes() == result and ": nothing to fix" in again.stdout, again.stdout)


def offered(path, code, node, options):
    """The text with the change that SARIF offers for a finding, and how many changes it has."""
    log = json.loads(run("check", "--output-format", "sarif", *options, path).stdout)
    lines = path.read_text().splitlines(keepends=True)
    for result in log["runs"][0]["results"]:
        place = result["locations"][0].get("logicalLocations", [{}])[0].get("fullyQualifiedName", "")
        if result["ruleId"] != code or not place.startswith(node) or "fixes" not in result:
            continue
        replacements = result["fixes"][0]["artifactChanges"][0]["replacements"]
        for r in sorted(replacements, key=lambda r: (r["deletedRegion"]["startLine"], r["deletedRegion"]["startColumn"]),
                        reverse=True):
            at = r["deletedRegion"]
            first, last = lines[at["startLine"] - 1], lines[at["endLine"] - 1]
            lines[at["startLine"] - 1:at["endLine"]] = [first[:at["startColumn"] - 1] + r["insertedContent"]["text"] +
                                                        last[at["endColumn"] - 1:]]
        return "".join(lines), len(replacements)
    return "", 0


def prove_offer(name, code, path, node, options):
    before = keys(path, *options)
    text, changes = offered(path, code, node, options)
    expect(f"{name}: offered", changes > 0)
    if changes:
        path.write_text(text)
        after = keys(path, *options)
        expect(f"{name}: the offer serves", len(after) < len(before) and not [k for k in after if k not in before])


def text_cases(folder):
    for fault, (code, make, options) in TEXT_FAULTS.items():
        made = 0
        for source in sorted((DATA / "annotations").glob("*.htp.8a8w.json")):
            graph = json.loads(source.read_text())
            node = make(graph)
            path = folder / source.name
            if node is None:
                continue
            path.write_text(text_of(graph))
            if (code, node) not in {k[:2] for k in keys(path, *options)}:
                continue  # the fault is none there, such as an axis that two dimensions could be
            made += 1
            prove_offer(f"{fault}, {source.name}", code, path, node, options)
            path.write_text(text_of(graph))
            prove(f"{fault}, {source.name}", code, path, node, options,
                  lambda a, b: only_parameters_changed(json.loads(a), json.loads(b)))
        expect(f"{fault}: at least {FEWEST} files", made >= FEWEST, f"{made} only")


# ---- faults in ONNX models: single bytes and numbers where they stand

def pairs(model, op):
    """Every node of a kind with the Quantize of its result and the Dequantizes of its inputs."""
    quantize = {n.inputs[0]: n for n in model.nodes if n.op == "QuantizeLinear"}
    dequantize = {n.outputs[0]: n for n in model.nodes if n.op == "DequantizeLinear"}
    for node in model.nodes:
        if node.op == op:
            yield node, quantize.get(node.outputs[0]), [dequantize.get(i) for i in node.inputs]


def has_data(model, name, kind):
    return name in model.tensors and model.tensors[name].type == kind and model.tensors[name].payload[0] in (4, 9)


def scaled_output(model):
    for op in ("Softmax", "Sigmoid", "Tanh"):
        for node, out, _ in pairs(model, op):
            if out and has_data(model, out.inputs[1], 1):
                model.set_float(out.inputs[1], 0, 0.0117)
                return node.name
    return None


def doubled_bias(model):
    for node, _, inputs in pairs(model, "Conv"):
        if len(inputs) == 3 and inputs[2] and has_data(model, inputs[2].inputs[1], 1):
            for i, scale in enumerate(model.floats(inputs[2].inputs[1])):
                model.set_float(inputs[2].inputs[1], i, 2 * scale)
            return node.name
    return None


def moved_zero_point(model):
    """One channel of a per-channel int8 weight gets zero point 5."""
    for node, _, inputs in pairs(model, "Conv"):
        if len(inputs) > 1 and inputs[1] and len(inputs[1].inputs) == 3:
            zero = model.tensors.get(inputs[1].inputs[2])
            # One byte an element, as raw bytes or as small varints.
            if zero and zero.type == 3 and zero.dims and zero.payload[2] - zero.payload[1] == zero.dims[0] > 1:
                model.data[zero.payload[1]] = 5
                return node.name
    return None


def wrong_axis(model):
    """An axis with another size than there are scales."""
    for node, _, inputs in pairs(model, "Conv"):
        if len(inputs) < 2 or not inputs[1] or inputs[1].attributes.get("axis") is None:
            continue
        weight = model.tensors.get(inputs[1].inputs[0])
        if weight and weight.dims[0] > 1 and weight.dims.count(weight.dims[0]) == 1:
            model.data[inputs[1].attributes["axis"]] = 1
            return inputs[1].name
    return None


def requantized_output(model):
    """A tensor that is only moved gets a Quantize with other parameters; its scale must be its own."""
    for op in ("DepthToSpace", "Transpose", "Reshape", "MaxPool"):
        for node, out, inputs in pairs(model, op):
            if out and inputs[0] and out.inputs[1] != inputs[0].inputs[1] and has_data(model, out.inputs[1], 1):
                model.set_float(out.inputs[1], 0, 1.7 * model.floats(inputs[0].inputs[1])[0])
                return node.name
    return None


MODEL_FAULTS = {
    "output of a fixed range": ("SG401", scaled_output, ["--pipeline", "qairt"]),
    "bias scale of a model": ("SG407", doubled_bias, ["--pipeline", "qairt"]),
    "zero point of a stored weight": ("SG201", moved_zero_point, ["--pipeline", "qairt", "--unsafe"]),
    "axis of a stored weight": ("SG404", wrong_axis, []),
    "requantized movement": ("SG305", requantized_output, []),
}


def model_cases(folder):
    models = sorted(p for p in (DATA / "defects").glob("*.onnx") if ".bad_" not in p.name)  # sound ones
    for fault, (code, make, options) in MODEL_FAULTS.items():
        made = 0
        for source in models:
            model = onnx_bytes.Model(source.read_bytes())
            node = make(model)
            if node is None:
                continue
            path = folder / source.name
            path.write_bytes(model.data)
            path.with_suffix(".fixed.onnx").unlink(missing_ok=True)
            checking = [o for o in options if o != "--unsafe"]
            if (code, node) not in {k[:2] for k in keys(path, *checking)}:
                continue
            made += 1
            prove(f"{fault}, {source.name}", code, path, node, options, onnx_bytes.only_parameters_changed)
        expect(f"{fault}: at least {FEWEST} files", made >= FEWEST, f"{made} only")


# ---- manners

def fixture(folder, name="sigmoid.json", **extra):
    """A small graph with one fault that can be fixed, SG401 at act."""
    tensor = {"dtype": "float32", "shape": [1, 8, 8, 4]}
    graph = {"format": "snapgauge-graph", "version": 1, **extra,
             "specs": [{"dtype": "uint8", "qscheme": "per_tensor_affine", "scale": 0.02, "zero_point": 128},
                       {"dtype": "uint8", "qscheme": "per_tensor_affine", "scale": 0.05, "zero_point": 3}],
             "nodes": [{"name": "x", "op": "input", "val": tensor, "annotation": {"output": 0}},
                       {"name": "act", "op": "call", "target": "aten.sigmoid.default", "args": [{"node": "x"}],
                        "val": tensor, "annotation": {"output": 1}}]}
    path = folder / name
    path.write_text(json.dumps(graph, indent=2) + "\n")
    return path


def one_line(text):
    return text.startswith("snapgauge: ") and text.count("\n") == 1


def text_manners(folder):
    path = fixture(folder)
    path.chmod(0o640)
    link = folder / "link.json"
    link.symlink_to(path.name)
    shown = run("fix", "--diff", path)
    if shutil.which("patch"):
        copy_of = folder / "patched.json"
        copy_of.write_bytes(path.read_bytes())
        subprocess.run(["patch", "-s", copy_of], input=shown.stdout, text=True, check=True)
    done = run("fix", link)
    expect("exit 0 when nothing is left", done.returncode == 0, done.stdout + done.stderr)
    expect("a link stays one, the mode stays", link.is_symlink() and path.stat().st_mode & 0o777 == 0o640)
    if shutil.which("patch"):
        expect("the difference is a patch", copy_of.read_bytes() == path.read_bytes())
    expect("exit 0 when nothing would change", run("fix", "--diff", path).returncode == 0)

    path = fixture(folder)
    plain = path.read_bytes()
    path.write_bytes(b"\xef\xbb\xbf" + plain.replace(b"\n", b"\r\n"))
    run("fix", path)
    content = path.read_bytes()
    expect("byte-order mark and line ends stay", content.startswith(b"\xef\xbb\xbf") and
           content.count(b"\n") == content.count(b"\r\n") > 5 and b"0.00390625" in content)

    path = fixture(folder, **{"x-snapgauge": {"ignore": [{"code": "SG401", "reason": "as trained"}]}})
    before = path.read_bytes()
    done = run("fix", path)
    expect("what is accepted is not fixed", path.read_bytes() == before and done.returncode == 0, done.stdout)
    path = fixture(folder)
    done = run("fix", "--ignore", "SG4", path)
    expect("what is not selected is not fixed", b"0.05" in path.read_bytes(), done.stdout)

    path, other = fixture(folder), folder / "other.json"
    done = run("fix", path, "--output", other)
    expect("another file for text", b"0.05" in path.read_bytes() and b"0.00390625" in other.read_bytes(), done.stderr)
    done = run("fix", path, other, "--output", folder / "third.json")
    expect("one output for two files", done.returncode == 2 and one_line(done.stderr), done.stderr)
    broken = folder / "broken.json"
    broken.write_text("{")
    done = run("fix", broken, path)
    expect("an unreadable file stops no other", done.returncode == 2 and one_line(done.stderr) and
           b"0.00390625" in path.read_bytes() and broken.read_text() == "{", done.stderr)
    done = json.loads(run("fix", "--diff", "--output-format", "json", fixture(folder)).stdout)
    first = done["files"][0]["fixed"][0]
    expect("as JSON", done["schema"] == "snapgauge-fix/1" and not done["written"] and first["code"] == "SG401" and
           first["fix"]["safety"] == "safe" and "0.00390625" in first["after"], done)


def model_manners(folder):
    path = folder / "m.onnx"
    model = onnx_bytes.Model((DATA / "defects" / "kws_dscnn.qnn_a8w8.onnx").read_bytes())
    doubled_bias(model)
    path.write_bytes(model.data)
    options = ["--pipeline", "qairt"]
    done = run("fix", *options, path, "--output", path)
    expect("a model is not overwritten", done.returncode == 2 and one_line(done.stderr) and
           path.read_bytes() == model.data, done.stderr)
    fixed = folder / "m.fixed.onnx"
    fixed.write_text("mine")
    done = run("fix", *options, path)
    expect("nor another file", done.returncode == 2 and one_line(done.stderr) and fixed.read_text() == "mine", done.stderr)
    fixed.unlink()
    run("fix", *options, path)
    written = fixed.read_bytes()
    done = run("fix", *options, path)
    expect("again is no fault", done.returncode != 2 and fixed.read_bytes() == written, done.stderr)
    named = folder / "named.onnx"
    run("fix", *options, path, "-o", named)
    expect("a name of one's own", named.read_bytes() == written)


def main():
    with tempfile.TemporaryDirectory() as name:
        text_cases(pathlib.Path(name))
        model_cases(pathlib.Path(name))
    for manners in (text_manners, model_manners):
        with tempfile.TemporaryDirectory() as name:
            manners(pathlib.Path(name))
    print(f"{len(PASSED)} passed, {len(FAILED)} failed")
    return 1 if FAILED or not PASSED else 0


if __name__ == "__main__":
    sys.exit(main())
