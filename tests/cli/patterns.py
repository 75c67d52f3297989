"""The op maps' patterns (rows "~..."): for each a graph that matches and graphs that miss it narrowly, with the
backend op and the verdict of every node. A pattern without graphs fails, and graphs without a pattern fail."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

PROGRAM = os.environ["SNAPGAUGE"]
U8 = {"dtype": "uint8", "qscheme": "per_tensor_affine", "scale": 0.02, "zero_point": 128}
ERF = ("", "rejected")  # alone it has no counterpart


class Graph:
    """Nodes in order; every tensor is of the type that is checked."""

    def __init__(self, quantized):
        self.quantized, self.nodes = quantized, []

    def add(self, name, op, shape, **more):
        node = {"name": name, "op": op, **more, "val": {"shape": list(shape), "dtype": "float32"}}
        if self.quantized:
            node["annotation"] = {"output": U8}
        self.nodes.append(node)
        return name

    def input(self, name, shape):
        return self.add(name, "input", shape)

    def number(self, name, value):
        """A constant of one element."""
        return self.add(name, "constant", (1,), data=[value])

    def integers(self, name, values):
        self.nodes.append({"name": name, "op": "constant", "val": {"shape": [len(values)], "dtype": "int64"},
                           "data": list(values)})
        return name

    def call(self, name, op, shape, *args, **kwargs):
        more = {"kwargs": kwargs} if kwargs else {}
        return self.add(name, "call", shape, target=op, args=[{"node": a} for a in args], **more)

    def output(self, *names):
        self.nodes.append({"name": "output", "op": "output", "args": [[{"node": n} for n in names]]})


X = (1, 4, 16)


def gelu(g, first, constant, order, one=1, half=0.5, swapped=False, run_time=False):
    """x * 0.5 * (1 + erf(x / sqrt 2)), with the half before the product or behind it."""
    two = (lambda a, b: (b, a)) if swapped else (lambda a, b: (a, b))
    x = g.input("x", X)
    c = g.input("c", (1,)) if run_time else g.number("c", constant)
    d = g.call("d", first, X, *(two(x, c) if first == "Mul" else (x, c)))
    e = g.call("e", "Erf", X, d)
    a = g.call("a", "Add", X, *two(e, g.number("one", one)))
    h = g.number("half", half)
    if order == "first":
        return g.call("y", "Mul", X, *two(g.call("m", "Mul", X, *two(x, h)), a))
    return g.call("y", "Mul", X, *two(g.call("m", "Mul", X, *two(x, a)), h))


def reader_of(name):
    return lambda g: g.call("third", "Relu", X, name)


def output_of(name):
    return lambda g: g.output("y", name)


def gelu_cases(first, constant, order):
    """(what, expected op and verdict per node (or a pair: in float, quantized), how the graph is made, backend)"""
    whole = {n: ("Gelu", "accepted") for n in "deamy"}
    parts = {"d": ("ElementWiseDivide" if first == "Div" else "ElementWiseMultiply", "accepted"), "e": ERF,
             "a": ("ElementWiseAdd", "accepted"), "m": ("ElementWiseMultiply", "accepted"),
             "y": ("ElementWiseMultiply", "accepted")}

    def case(what, expected, then=None, c=constant, **options):
        def make(g):
            gelu(g, first, c, order, **options)
            if then is not None:
                then(g)
        return what, expected, make

    third = {**parts, "third": ("Relu", "accepted")}
    return [
        case("matches", whole), case("matches with operands exchanged", whole, swapped=True),
        case("is not a Gelu with another divisor", parts, c=1.3 if first == "Div" else 0.8),
        case("is not a Gelu with 2 in place of 1", parts, one=2),
        case("is not a Gelu with a quarter", parts, half=0.25),
        case("is not a Gelu with a divisor computed at run time", parts, run_time=True),
        *(case(f"is not a Gelu when {n} is read elsewhere", third, reader_of(n)) for n in "deam"),
        *(case(f"is not a Gelu when {n} is a result of the graph", parts, output_of(n)) for n in "dea"),
        case("matches when what is read elsewhere is x", {**whole, "third": ("Relu", "accepted")}, reader_of("x")),
    ]


SIX = (1, 2, 2, 4, 2, 8)


def rank_six(what, expected, shape=SIX, order=(0, 1, 3, 2, 4, 5), then=None, backend="htp", run_time=False):
    moved = [shape[i] for i in order]

    def make(g):
        x = g.input("x", (2, 2, 4, 16))
        g.call("a", "Reshape", shape, x, g.integers("s", shape))
        g.call("b", "Transpose", moved, "a", perm=list(order))
        if run_time:
            g.nodes.append({"name": "t", "op": "input", "val": {"shape": [3], "dtype": "int64"}})
        else:
            g.integers("t", (4, 4, 16))
        g.call("y", "Reshape", (4, 4, 16), "b", "t")
        if then is not None:
            then(g)
    return what, expected, make, backend


SIX_APART = {"a": ("Reshape", "rejected"), "b": ("Transpose", "rejected"), "y": ("Reshape", "rejected")}
RANK_SIX = [
    rank_six("matches", {n: ("Reshape", "accepted") for n in "aby"}),
    rank_six("is judged as it stands with six dimensions larger than 1",
             {n: ("Reshape", "rejected") for n in "aby"}, (2, 2, 2, 2, 2, 8), (0, 1, 3, 2, 4, 5)),
    rank_six("does not reach the CPU", {"a": ("Reshape", None), "b": ("Transpose", None), "y": ("Reshape", None)},
             backend="cpu"),
    rank_six("is not taken when the last shape comes at run time",
             SIX_APART, run_time=True),
    rank_six("is not taken when what lies between is read elsewhere",
             {**SIX_APART, "third": ("Relu", "rejected")},
             then=lambda g: g.call("third", "Relu", SIX, "a")),
    rank_six("is not taken when what lies between is a result of the graph",
             SIX_APART, then=lambda g: g.output("y", "b")),
]


def softmax(what, expected, then=None, backend="htp", run_time=False, swapped=False):
    def make(g):
        x = g.input("x", X)
        c = g.input("c", (1,)) if run_time else g.number("c", 0.125)
        g.call("s", "Mul", X, *((c, x) if swapped else (x, c)))
        g.call("y", "Softmax", X, "s", axis=-1)
        if then is not None:
            then(g)
    return what, expected, make, backend


APART = {"s": ("ElementWiseMultiply", "accepted"), "y": ("Softmax", "accepted")}
SOFTMAX = [
    softmax("matches", {n: ("Softmax", "accepted") for n in "sy"}),
    softmax("matches with operands exchanged", {n: ("Softmax", "accepted") for n in "sy"}, swapped=True),
    softmax("does not take a factor computed at run time", APART, run_time=True),
    softmax("does not reach the CPU", {"s": ("ElementWiseMultiply", None), "y": ("Softmax", None)}, backend="cpu"),
    softmax("is not taken when the product is read elsewhere", {**APART, "third": ("Relu", "accepted")},
            reader_of("s")),
    softmax("is not taken when the product is a result of the graph", APART, output_of("s")),
]

def hard_swish(what, together, then=None, swapped=False, alpha=1 / 6, other=False, **attributes):
    """together: whether the two become one in float; quantized they never do."""
    def make(g):
        x = g.input("x", X)
        second = g.input("z", X) if other else x
        g.call("h", "HardSigmoid", X, x, **({} if alpha is None else {"alpha": alpha}), **attributes)
        g.call("y", "Mul", X, *(("h", second) if swapped else (second, "h")))
        if then is not None:
            then(g)
    third = {"third": ("Relu", None)} if then and "h" in getattr(then, "reads", "") else {}
    apart = {"h": ("ElementWiseNeuron", None), "y": ("ElementWiseMultiply", None), **third}
    joined = {n: ("HardSwish", "accepted") for n in "hy"}
    return what, (joined if together else apart, apart), make, "htp"


def read_elsewhere(g):
    g.call("third", "Relu", X, "h")


read_elsewhere.reads = "h"
HARD_SWISH = [
    hard_swish("matches in float", True), hard_swish("matches in float with operands exchanged", True, swapped=True),
    hard_swish("matches in float with its beta written out", True, beta=0.5),
    hard_swish("is not taken with another alpha", False, alpha=0.2),
    hard_swish("is not taken with the default alpha", False, alpha=None),
    hard_swish("is not taken with another beta", False, beta=0.25),
    hard_swish("is not taken when another value is multiplied", False, other=True),
    hard_swish("is not taken when the sigmoid is read elsewhere", False, read_elsewhere),
    hard_swish("is not taken when the sigmoid is a result of the graph", False, output_of("h")),
]

def layer_norm(what, together, then=None, swapped=False, axes=(-1,), second=(-1,), power=2, keepdims=None,
               as_operand=False, run_time=False):
    """(x - mean) / sqrt(mean((x - mean) ** 2) + e) * w + b. together: whether it becomes one in float."""
    thin = X[:-1] + (1,)

    def mean(g, name, of, axes):
        more = {} if keepdims is None else {"keepdims": keepdims}
        if as_operand:
            return g.call(name, "ReduceMean", thin, of, g.integers(name + "_axes", axes), **more)
        return g.call(name, "ReduceMean", thin, of, axes=list(axes), **more)

    def make(g):
        two = (lambda a, b: (b, a)) if swapped else (lambda a, b: (a, b))
        x = g.input("x", X)
        d = g.call("d", "Sub", X, x, mean(g, "m", x, axes))
        v = mean(g, "v", g.call("p", "Pow", X, d, g.number("two", power)), second)
        a = g.call("a", "Add", thin, *two(v, g.number("e", 1e-5)))
        n = g.call("n", "Div", X, d, g.call("s", "Sqrt", thin, a))
        w = g.input("w", X[-1:]) if run_time else g.add("w", "constant", X[-1:], data=[1] * X[-1])
        k = g.call("k", "Mul", X, *two(n, w))
        g.call("y", "Add", X, *two(k, g.add("b", "constant", X[-1:], data=[0] * X[-1])))
        if then is not None:
            then(g)
    apart = {"m": ("ReduceMean", None), "d": ("ElementWiseSubtract", None), "p": ("ElementWisePower", None),
             "v": ("ReduceMean", None), "a": ("ElementWiseAdd", None), "s": ("ElementWiseSquareRoot", None),
             "n": ("ElementWiseDivide", None), "k": ("ElementWiseMultiply", None), "y": ("ElementWiseAdd", None),
             **({"third": ("Relu", None)} if then in READERS else {})}
    return what, ({n: ("LayerNorm", "accepted") for n in "mdpvasnky"} if together else apart, apart), make, "htp"


READERS = [reader_of(n) for n in "md"]
LAYER_NORM = [
    layer_norm("matches in float", True), layer_norm("matches in float with operands exchanged", True, swapped=True),
    layer_norm("matches in float with the last dimension counted from the front", True, axes=(2,), second=(2,)),
    layer_norm("matches in float with axes as an operand", True, as_operand=True),
    layer_norm("is not taken over another dimension", False, axes=(1,), second=(1,)),
    layer_norm("is not taken over two dimensions", False, second=(1, 2)),
    layer_norm("is not taken over another dimension given as an operand", False, axes=(1,), as_operand=True),
    layer_norm("is not taken with another power", False, power=3),
    layer_norm("is not taken with a scale computed at run time", False, run_time=True),
    *(layer_norm("is not taken when a value between is read elsewhere", False, r) for r in READERS),
    layer_norm("is not taken when a value between is a result of the graph", False, output_of("n")),
]

CASES = {
    "~gelu-half-first": gelu_cases("Div", 1.4142135, "first"),
    "~gelu-half-last": gelu_cases("Div", 1.4142135, "last"),
    "~gelu-reciprocal": gelu_cases("Mul", 0.70710678, "last"),
    "~hard-swish": HARD_SWISH,
    "~layer-norm": LAYER_NORM,
    "~reshape-transpose-rank-6": RANK_SIX,
    "~scaled-softmax": SOFTMAX,
}


def check(backend, folder, named):
    paths = [folder / f"{name}.sgraph.json" for name in named]
    for path, graph in zip(paths, named.values()):
        path.write_text(json.dumps({"format": "snapgauge-graph", "version": 1, "frontend": "onnx",
                                    "nodes": graph.nodes}), encoding="utf-8")
    done = subprocess.run([PROGRAM, "check", *paths, "--isolated", "--backend", backend, "--output-format", "json"],
                          capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode in (0, 1) and not done.stderr, done.stderr
    return [{n["name"]: n for n in file["nodes"]} for file in json.loads(done.stdout)["files"]]


def main(folder):
    rows = set()
    for frontend in ("aten", "onnx"):
        with open(f"rules/opmap/{frontend}.json", encoding="utf-8") as f:
            rows |= {k for k in json.load(f)["ops"] if k.startswith("~")}
    assert rows == CASES.keys(), f"patterns or graphs alone: {sorted(rows ^ CASES.keys())}"
    failed = graphs = 0
    for backend in ("htp", "cpu"):
        named, expected = {}, []
        for pattern, cases in CASES.items():
            for number, (what, nodes, make, *where) in enumerate(cases):
                for quantized in (False, True) if (where or ["htp"]) == [backend] else ():
                    graph = named[f"{pattern}.{number}.{'u8' if quantized else 'float32'}"] = Graph(quantized)
                    make(graph)
                    wanted = nodes[quantized] if isinstance(nodes, tuple) else nodes
                    expected.append((f"{pattern} {what}, {'u8' if quantized else 'float32'}", wanted))
        for (what, wanted), got in zip(expected, check(backend, folder, named)):
            graphs += 1
            assert got.keys() == wanted.keys(), (what, got.keys())
            for name, (op, verdict) in wanted.items():
                seen = (got[name]["backend_op"], got[name]["verdict"])
                if seen[0] != op or verdict not in (None, seen[1]):
                    print(f"{what}: {name} is {seen}, not {(op, verdict)}: {got[name].get('reason', '')}")
                    failed = 1
    print(f"{graphs} graphs")
    return failed


with tempfile.TemporaryDirectory() as scratch:
    sys.exit(main(pathlib.Path(scratch)))
