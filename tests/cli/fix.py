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
from fix_faults import MODEL_FAULTS, TEXT_FAULTS, doubled_bias

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

    path = fixture(folder)
    line = json.dumps(json.loads(path.read_text()))
    path.write_bytes(b"\xef\xbb\xbf" + line.encode())
    log = json.loads(run("check", "--output-format", "sarif", path).stdout)
    replaced = log["runs"][0]["results"][0]["fixes"][0]["artifactChanges"][0]["replacements"][0]["deletedRegion"]
    shown = line[replaced["startColumn"] - 1:replaced["endColumn"] - 1]
    expect("columns do not count a byte-order mark", shown.startswith('{"dtype"') and shown.endswith("}"), shown)

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


def refused_apart(folder):
    """Fixes that do not serve hold up no other: a sigmoid's prescribed parameters against what its concat asks."""
    val = {"shape": [1, 8], "dtype": "float32"}
    spec = {"dtype": "uint8", "qscheme": "per_tensor_affine", "scale": 0.0078125, "zero_point": 128}

    def call(name, op, args, sources):
        return {"name": name, "op": "call", "target": op, "args": args, "val": val,
                "annotation": {"inputs": [[s, spec] for s in sources], "output": spec}}

    nodes = [{"name": "x", "op": "input", "val": val, "annotation": {"output": spec}}]
    for i in range(1200):
        nodes += [call(f"s{i}", "aten.sigmoid.default", [{"node": "x"}], ["x"]),
                  call(f"r{i}", "aten.relu.default", [{"node": "x"}], ["x"]),
                  call(f"c{i}", "aten.cat.default", [[{"node": f"s{i}"}, {"node": f"r{i}"}], 1], [f"s{i}", f"r{i}"])]
    nodes += [call(f"alone{i}", "aten.sigmoid.default", [{"node": "x"}], ["x"]) for i in range(3)]
    path = folder / "refused.json"
    path.write_text(json.dumps({"format": "snapgauge-graph", "version": 1, "frontend": "aten", "nodes": nodes}))
    done = json.loads(run("fix", "--diff", "--output-format", "json", path).stdout)
    fixed = sorted(f["node"] for f in done["files"][0]["fixed"])
    expect("what serves beside 1200 that do not", fixed == ["alone0", "alone1", "alone2"], fixed)


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
    for manners in (text_manners, refused_apart, model_manners):
        with tempfile.TemporaryDirectory() as name:
            manners(pathlib.Path(name))
    print(f"{len(PASSED)} passed, {len(FAILED)} failed")
    return 1 if FAILED or not PASSED else 0


if __name__ == "__main__":
    sys.exit(main())
