"""Every argument, attribute and constant operand that a row of the op maps reads gets numbers that no writer
means: huge, negative, fractional, zero. Each file must end in verdicts, for all calls that are handed over; the sanitizers'
builds see casts and indices that go wrong. A concat of more inputs than 16 bits count is judged to the last."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

PROGRAM = os.environ["SNAPGAUGE"]
TARGETS = [("htp", "SM8750"), ("lpai", "SM8850"), ("cpu", "SM8750")]
NUMBERS = [1e308, -1e308, 2**53 + 1, 2**31, -2**31 - 1, 2**32 + 1, -2**63, 2**63 - 1, 0, -1, 0.5, 1e-308]
U8 = {"dtype": "uint8", "qscheme": "per_tensor_affine", "scale": 0.02, "zero_point": 128}
I32 = {"dtype": "int32", "qscheme": "per_tensor_affine", "scale": 0.02, "zero_point": 0}


def sources(row):
    """All parameter sources of a row, at any depth."""
    if isinstance(row, list):
        for element in row:
            yield from sources(element)
    elif isinstance(row, dict):
        if any(k in row for k in ("arg", "input", "attr", "kw")):
            yield row
        for element in row.values():
            yield from sources(element)


def calls_of(key, row, number):
    """The operator with the number itself, with a list of it, and among good numbers."""
    read = list(sources(row))
    places = {s["arg"] for s in read if isinstance(s.get("arg"), int)}
    places |= {s["input"] for s in read if isinstance(s.get("input"), int) and s["input"] > 0}
    names = {s[k] for s in read for k in ("attr", "kw") if isinstance(s.get(k), str)}
    for shape in ([number], [number] * 4, [1, number], [1, 1, number, 1]):
        value = shape[0] if len(shape) == 1 else shape
        args = [value if i in places else {"node": "x"} for i in range(max(places | {1}) + 1)]
        yield {"op": "call", "target": key, "args": args, "kwargs": {n: value for n in sorted(names)},
               "val": {"shape": [1, 8, 8, 4], "dtype": "float32"}, "annotation": {"output": U8}}


def write(path, frontend, nodes):
    data = [{"name": "x", "op": "input", "val": {"shape": [1, 8, 8, 4], "dtype": "float32"},
             "annotation": {"output": U8}}, *nodes]
    path.write_text(json.dumps({"format": "snapgauge-graph", "version": 1, "frontend": frontend, "nodes": data}),
                    encoding="utf-8")


def check(paths, backend, soc):
    done = subprocess.run([PROGRAM, "check", *paths, "--isolated", "--backend", backend, "--soc", soc,
                           "--output-format", "json"], capture_output=True, encoding="utf-8", timeout=240, check=False)
    assert done.returncode in (0, 1) and not done.stderr, (backend, done.returncode, done.stderr[-4000:])
    return json.loads(done.stdout)["files"]


def every_number(folder):
    paths, counts = [], []
    for frontend in ("aten", "onnx"):
        with open(f"rules/opmap/{frontend}.json", encoding="utf-8") as f:
            rows = {k: r for k, r in json.load(f)["ops"].items() if not k.startswith("~")}
        for i, number in enumerate(NUMBERS):
            calls = [c for k, r in rows.items() for c in calls_of(k, r, number)]
            for n, call in enumerate(calls):
                call["name"] = f"n{n}"
            paths.append(folder / f"{frontend}.{i}.sgraph.json")
            counts.append(calls)
            write(paths[-1], frontend, calls)
    judged = 0
    for backend, soc in TARGETS:
        for calls, file in zip(counts, check(paths, backend, soc)):
            assert file["verdict"] == "rejected" and len(file["nodes"]) > len(calls) / 2, file["path"]
            judged += len(file["nodes"])
    print(f"{sum(map(len, counts))} calls, {judged} verdicts")


def wide(folder):
    """Good inputs but the last, in a node wider than 16 bits count."""
    inputs = [{"name": f"x{i}", "op": "input", "val": {"shape": [1, 1], "dtype": "float32"},
               "annotation": {"output": U8}} for i in range(70000)]
    inputs[-1]["annotation"] = {"output": I32}
    call = {"op": "call", "target": "Concat", "args": [{"node": n["name"]} for n in inputs], "kwargs": {"axis": 1},
            "val": {"shape": [1, len(inputs)], "dtype": "float32"}, "annotation": {"output": U8}}
    path = folder / "wide.sgraph.json"
    write(path, "onnx", [*inputs, {"name": "a", **call}, {"name": "b", **call}])
    file = check([path], "htp", "SM8750")[0]
    assert [n["verdict"] for n in file["nodes"]] == ["rejected"] * 2, file["nodes"]
    ports = {f.get("port") for f in file["findings"] if f["level"] == "error"}
    assert ports == {"in[69999]"}, ports
    assert len(json.dumps(file)) < 100000, "one finding repeats all operands"


with tempfile.TemporaryDirectory() as scratch:
    every_number(pathlib.Path(scratch))
    wide(pathlib.Path(scratch))
sys.exit(0)
