"""Each op that the op maps turn into several (`emits`): one call of it must have the verdict that its parts
have when they are written out as nodes, for every target and type of activation. What the parts are, and
the tensors between them, is read from the rows here and not asked of the program.

CALLS has every such op: one without calls, calls without an op, and a form of an op that no call takes fail.
`twins.py FOLDER` leaves the graphs there; a difference is shown with the reasons of both sides."""
import copy
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import twins_calls
from twins_calls import ANY, BASE, REFUSED, Operand

PROGRAM = os.environ["SNAPGAUGE"]
TARGETS = [("htp", "SM8750"), ("htp", "SM8350"), ("lpai", "SM8850"), ("gpu", "SM8750"), ("cpu", "SM8750"),
           ("dsp", "SM8750"), ("hta", "SM8750")]
FRONTENDS = ("aten", "onnx")
RANK = {"accepted": 0, "unknown": 1, "rejected": 2}
DTYPES = {"BOOL_8": "bool", "FLOAT_32": "float32", "INT_32": "int32", "INT_64": "int64"}
LIMITS = {"uint8": (0, 255), "int8": (-128, 127), "int32": (-2**31, 2**31 - 1)}

# What an activation's `val` says, and its parameters.
TYPES = {
    "float32": ("float32", None),
    "float16": ("float16", None),
    "int32": ("int32", None),
    "u8": ("float32", {"dtype": "uint8", "qscheme": "per_tensor_affine", "scale": 0.02, "zero_point": 128}),
    "u16": ("float32", {"dtype": "int32", "quant_min": 0, "quant_max": 65535, "qscheme": "per_tensor_affine",
                        "scale": 0.0001, "zero_point": 32768}),
    "s8": ("float32", {"dtype": "int8", "qscheme": "per_tensor_symmetric", "scale": 0.02, "zero_point": 0}),
    "s32": ("float32", {"dtype": "int32", "qscheme": "per_tensor_symmetric", "scale": 1e-6, "zero_point": 0}),
}


def per_channel(channels):
    return {"dtype": "int8", "quant_min": -127, "quant_max": 127, "qscheme": "per_channel_symmetric", "ch_axis": 0,
            "scale": [0.01 * (i + 1) for i in range(channels)], "zero_point": [0] * channels}


class Tensor:
    """`ref` is how arguments name it; `spec` is an annotation, "none" of the tensor's own included."""

    def __init__(self, ref, shape, dtype, spec):
        self.ref, self.shape, self.dtype, self.spec = ref, list(shape), dtype, spec


def node_of(name, kind, results, **more):
    """A node of the file; results are Tensors."""
    val = [{"shape": t.shape, "dtype": t.dtype} for t in results]
    node = {"name": name, "op": kind, **more, "val": val[0] if len(val) == 1 else val}
    if any(t.spec is not None for t in results):
        node["annotation"] = {"outputs": [t.spec for t in results]} if len(val) > 1 else {"output": results[0].spec}
    return node


class Side:
    """One of a pair: the nodes it adds to its file, and which of them are judged."""

    def __init__(self, prefix, call, type_, plain):
        self.prefix, self.type = prefix, type_
        self.nodes, self.judged = [], []
        self.ports = {}  # of operands: id of the Operand -> Tensor
        self.args = [self.argument(a, plain) for a in call.args]
        self.kwargs = {k: self.argument(a, plain) for k, a in call.kwargs.items()}
        self.outs = [self.tensor(f"{prefix}y" + (f":{i}" if i else ""), o, plain) for i, o in enumerate(call.outs)]

    def tensor(self, ref, operand, plain):
        dtype, spec = TYPES[self.type] if operand.dtype == ANY else (operand.dtype, None)
        if operand.per_channel:
            dtype, spec = "float32", per_channel(operand.shape[0])
        return Tensor(ref, operand.shape, dtype, None if plain else spec)

    def argument(self, a, plain):
        """Operands become nodes of their own."""
        if isinstance(a, list):
            return [self.argument(e, plain) for e in a]
        if not isinstance(a, Operand):
            return a
        tensor = self.tensor(f"{self.prefix}x{len(self.nodes)}", a, plain)
        more = {"data": a.data} if a.data is not None else {}
        self.nodes.append(node_of(tensor.ref, "constant" if a.constant else "input", [tensor], **more))
        return tensor

    def call(self, name, op, args, kwargs, results):
        kwargs = {k: written(v) for k, v in kwargs.items()}
        self.nodes.append(node_of(name, "call", results, target=op, args=written(args),
                                  **({"kwargs": kwargs} if kwargs else {})))
        self.judged.append(name)


def written(value):
    if isinstance(value, Tensor):
        return {"node": value.ref}
    return [written(v) for v in value] if isinstance(value, list) else value


class Twin(Side):
    """What a row makes of a call, as nodes."""

    def __init__(self, prefix, call, type_, row):
        # Parts of units that the provider puts between Dequantize and Quantize have no parameters.
        super().__init__(prefix, call, type_, plain=row.get("in_float", False))
        self.row, self.between = row, {}
        ports = row.get("inputs") or [str(i) for i in range(len(self.args))]
        self.ins = [self.operand(p.rstrip("?") + "?") for p in ports]
        for number, part in enumerate(row["emits"]):
            self.add(f"{prefix}y" if number + 1 == len(row["emits"]) else f"{prefix}y.{number}", part)

    def operand(self, text):
        """"1", "1[0]", "2=max", "3=attn_mask?"."""
        optional = text.endswith("?")
        text, _, keyword = text.rstrip("?").partition("=")
        place, _, element = text.rstrip("]").partition("[")
        given = self.args[int(place)] if int(place) < len(self.args) else None
        if given is None and keyword:
            given = self.kwargs.get(keyword)
        given = given[int(element)] if element and isinstance(given, list) else given
        assert given is not None or optional, f"operand {text} is not given"
        return given

    def source(self, source):
        """Argument or attribute of the call: {"arg":2, "kw":"keepdim", "default":false, "at":[1,2]}."""
        assert not set(source) - {"arg", "kw", "attr", "default", "at", "as"}, source
        value = None
        if source.get("arg", math.inf) < len(self.args):
            value = self.args[source["arg"]]
        if value is None:
            value = self.kwargs.get(source.get("kw", source.get("attr")), source.get("default"))
        if value is not None and "at" in source:
            listed = value if isinstance(value, list) else [value]
            value = [listed[i if -len(listed) <= i < len(listed) else 0] for i in source["at"]]
        if source.get("as") == "pair_of":
            listed = value if isinstance(value, list) else [value]
            value = listed * 2 if len(listed) == 1 else listed
        return value

    def argument_of(self, arg):
        if isinstance(arg, list):
            # What a source takes out of a list stands in the other list, not as a list in it.
            values = [self.argument_of(a) for a in arg]
            return [e for v in values for e in (v if isinstance(v, list) else [v])]
        if isinstance(arg, dict):
            return arg["text"] if "text" in arg else self.source(arg)
        if not isinstance(arg, str):
            return arg
        if arg[0].isdigit():
            return self.operand(arg)
        if arg not in self.between:
            rule = self.row["tensors"][arg]
            assert rule.get("constant"), f"'{arg}' is read before it is made"
            made = self.make(arg, f"{self.prefix}{arg}")
            self.nodes.append(node_of(made.ref, "constant", [made]))
        return self.between[arg]

    def size(self, text):
        if not isinstance(text, str):
            return text
        names = {"IN": [t.shape if isinstance(t, Tensor) else None for t in self.ins],
                 "OUT": [t.shape for t in self.outs], "dim": lambda shape, i: shape[i], "size": math.prod, "rank": len}
        names.update({k: self.source(v) for k, v in self.row.get("let", {}).items()})
        value = eval(text.replace("in[", "IN[").replace("out[", "OUT["), {"__builtins__": {}}, names)  # noqa: S307
        assert value == int(value), (text, value)
        return int(value)

    def port(self, name):
        side = self.ins if name.startswith("in") else self.outs
        return side[int(name.partition("[")[2].rstrip("]"))]

    def shape(self, rule, like):
        if "shape" not in rule:
            return [] if rule.get("constant") else like.shape
        dims = []
        for d in rule["shape"]:
            port, cut, drop = str(d).partition("[..-")
            if cut:
                whole = self.port(port).shape
                dims += whole[:len(whole) - int(drop.rstrip("]"))]
            else:
                dims.append(self.size(d))
        return dims

    def make(self, name, ref):
        """A tensor between the parts."""
        rule = self.row.get("tensors", {}).get(name, {})
        assert not set(rule) - {"like", "shape", "dtype", "range", "shares", "constant", "number"}, rule
        like = self.port(rule.get("like", "out[0]"))
        made = Tensor(ref, self.shape(rule, like), like.dtype, None)
        if "dtype" in rule:
            made.dtype = DTYPES[rule["dtype"]]
        elif like.spec is not None:
            made.spec = self.spec(rule, like.spec)
        self.between[name] = made
        return made

    def spec(self, rule, like):
        shares = rule.get("shares")
        if shares is not None:
            tensor = (self.between[shares] if shares in self.between else
                      self.port(shares) if shares.startswith("out[") else self.operand(shares))
            return {"shared": tensor.ref}
        # The type of the other, one scale for the tensor, which an observer has yet to find.
        spec = {k: v for k, v in like.items() if k in ("dtype", "quant_min", "quant_max", "qscheme")}
        spec["qscheme"] = spec["qscheme"].replace("per_channel", "per_tensor")
        if "range" in rule:
            low, high = rule["range"]
            first, last = (spec.get(k, v) for k, v in zip(("quant_min", "quant_max"), LIMITS[spec["dtype"]]))
            scale = (high - low) / (last - first + 1)
            spec.update(qscheme="per_tensor_affine", kind="fixed", scale=scale, zero_point=first - round(low / scale))
        return spec

    def add(self, name, part):
        assert not set(part) - {"op", "args", "attrs", "out"}, part
        args = [self.argument_of(a) for a in part["args"]]
        while args and args[-1] is None:
            args.pop()
        kwargs = {k: self.argument_of(v) for k, v in part.get("attrs", {}).items()}
        kwargs = {k: v for k, v in kwargs.items() if v is not None}
        out = part.get("out", "out[0]")
        results = []
        for i, o in enumerate(out if isinstance(out, list) else [out]):
            ref = name + (f":{i}" if i else "")
            results.append(self.port(o) if o.startswith("out[") else self.make(o, ref))
            results[-1].ref = ref
        self.call(name, part["op"], args, kwargs, results)


def forms_of(row):
    """The row as its alternatives leave it, by their place; BASE is the row itself."""
    forms = {BASE: {k: v for k, v in row.items() if k != "select"}}
    for index, patch in enumerate(row.get("select", [])):
        form = copy.deepcopy(forms[BASE])
        for key, value in patch.items():
            if key in ("params", "layout", "roles"):
                form.setdefault(key, {}).update(value)
            elif key != "when":
                form[key] = value
        if "refused" in patch:
            form.pop("emits", None)
        elif "emits" in patch:
            form.pop("refused", None)
        forms[index] = form
    return forms


class Pair:
    """A call and what is expected of it."""

    def __init__(self, key, call, type_, forms, number):
        self.key, self.call, self.type = key, call, type_
        self.prefix = f"{number}/{type_}/"
        self.whole = Side(self.prefix, call, type_, plain=False)
        self.whole.call(f"{self.prefix}y", key, self.whole.args, self.whole.kwargs, self.whole.outs)
        emits = forms[call.form].get("emits") if call.form != REFUSED else None
        self.twin = Twin(self.prefix, call, type_, forms[call.form]) if isinstance(emits, list) else None
        self.untold = isinstance(emits, str)

    def __str__(self):
        shapes = [a.shape for a in self.call.args if isinstance(a, Operand)]
        return f"{self.key} {shapes} {self.type}, form {self.call.form} ({self.prefix})"


def pairs_of(frontend):
    with open(f"rules/opmap/{frontend}.json", encoding="utf-8") as f:
        rows = {k: forms_of(r) for k, r in json.load(f)["ops"].items() if not k.startswith("~")}
    rows = {k: f for k, f in rows.items() if any("emits" in form for form in f.values())}
    calls = twins_calls.CALLS[frontend]
    assert rows.keys() == calls.keys(), f"{frontend}: rows or calls alone: {sorted(rows.keys() ^ calls.keys())}"
    pairs = []
    for key, forms in rows.items():
        wanted = {i for i, form in forms.items() if "emits" in form}
        taken = {c.form for c in calls[key]} - {REFUSED}
        assert wanted == taken, f"{key}: forms {sorted(wanted)}, calls of {sorted(taken)}"
        for call in calls[key]:
            pairs += [Pair(key, call, t, forms, len(pairs)) for t in call.types]
    return pairs


def write(path, frontend, sides):
    nodes = ",\n".join(json.dumps(n) for s in sides for n in s.nodes)
    path.write_text(f'{{"format": "snapgauge-graph", "version": 1, "frontend": "{frontend}", "nodes": [\n{nodes}]}}\n',
                    encoding="utf-8")


def check(target, paths):
    """Per file: the nodes by name, with the errors and doubts found at each."""
    done = subprocess.run([PROGRAM, "check", *paths, "--isolated", "--backend", target[0], "--soc", target[1],
                           "--output-format", "json"], capture_output=True, encoding="utf-8", timeout=120, check=False)
    assert done.returncode in (0, 1) and not done.stderr, done.stderr
    out = []
    for file in json.loads(done.stdout)["files"]:
        nodes = {n["name"]: {**n, "codes": set()} for n in file["nodes"]}
        for finding in file["findings"]:
            if finding.get("node") in nodes and finding["level"] != "note":
                nodes[finding["node"]]["codes"].add(finding["code"])
        out.append(nodes)
    return out


def reasons(nodes, names):
    return [f"      {nodes[n]['op']}: {nodes[n]['verdict']} {nodes[n].get('reason', '')}" for n in names if n in nodes]


def differences(pair, target, whole, twin):
    """Nothing, or the lines that say what is wrong; and what was compared."""
    name = f"{pair.prefix}y"
    verdict = whole[name]["verdict"]
    if pair.call.form == REFUSED:
        good = verdict == "rejected" and "SG106" in whole[name]["codes"]
        return verdict, [] if good else [f"{pair}: refused, but {target} says {verdict}"]
    if pair.untold:
        good = verdict == "unknown" and "SG709" in whole[name]["codes"]
        return verdict, [] if good else [f"{pair}: cannot be told, but {target} says {verdict}"]
    parts = [twin[n] for n in pair.twin.judged if n in twin]
    worst = max((n["verdict"] for n in parts), key=RANK.get)
    alone = whole[name]["codes"].difference(*(n["codes"] for n in parts))
    if worst == verdict and not alone:
        return verdict, []
    return verdict, [f"{pair}: {target} says {verdict} {' '.join(sorted(alone))}, of its parts {worst}",
                     *reasons(whole, [name]), *reasons(twin, pair.twin.judged)]


def main(folder):
    pairs = {f: pairs_of(f) for f in FRONTENDS}
    paths = []
    for frontend in FRONTENDS:
        for kind in ("whole", "twin"):
            paths.append(folder / f"{frontend}.{kind}.sgraph.json")
            write(paths[-1], frontend, [s for p in pairs[frontend] if (s := getattr(p, kind)) is not None])
    with ThreadPoolExecutor(2) as pool:
        checked = list(pool.map(lambda target: check(target, paths), TARGETS))
    failed, told = [], Counter()
    for target, (aten, aten_twin, onnx, onnx_twin) in zip(TARGETS, checked):
        for pair, whole, twin in ([(p, aten, aten_twin) for p in pairs["aten"]] +
                                  [(p, onnx, onnx_twin) for p in pairs["onnx"]]):
            if pair.call.backends and target[0] not in pair.call.backends:
                continue
            verdict, lines = differences(pair, target, whole, twin)
            told[verdict] += 1
            failed += lines
    print(*failed, sep="\n")
    print(f"{sum(map(len, pairs.values()))} calls, {sum(told.values())} comparisons: {dict(told)}")
    # Twins that nobody accepts would agree about anything.
    assert told["accepted"] > 1000 and told["rejected"] > 1000, told
    return 1 if failed else 0


if len(sys.argv) > 1:
    sys.exit(main(pathlib.Path(sys.argv[1])))
with tempfile.TemporaryDirectory() as scratch:
    sys.exit(main(pathlib.Path(scratch)))
