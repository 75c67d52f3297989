"""`run` on one op at a time, beside the op's definition written out here: what the host executes as several steps of
other ops, and what goes by indices. No model and no framework is needed."""
import itertools
import json
import math
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

PROGRAM = os.environ["SNAPGAUGE"]
NPY = {"float32": ("<f4", "f"), "int32": ("<i4", "i"), "int64": ("<i8", "q"), "bool": ("|b1", "?")}


def places(shape):
    return itertools.product(*(range(d) for d in shape))


class Tensor:
    def __init__(self, shape, values, dtype="float32"):
        self.shape, self.values, self.dtype = tuple(shape), list(values), dtype
        assert len(self.values) == math.prod(self.shape), (shape, len(self.values))

    def at(self, place):
        i = 0
        for d, p in zip(self.shape, place):
            assert 0 <= p < d, (self.shape, place)
            i = i * d + p
        return self.values[i]

    def write(self, path):
        kind, code = NPY[self.dtype]
        comma = "," if len(self.shape) == 1 else ""
        head = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': ({', '.join(map(str, self.shape))}{comma}), }}"
        head += " " * (63 - (len(head) + 10) % 64) + "\n"
        path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() +
                         struct.pack(f"<{len(self.values)}{code}", *self.values))

    @staticmethod
    def read(path):
        data = path.read_bytes()
        size, = struct.unpack("<H", data[8:10])
        head = eval(data[10:10 + size])  # pylint: disable=eval-used; our own program wrote it
        dtype, code = next((n, c) for n, (k, c) in NPY.items() if k == head["descr"])
        return Tensor(head["shape"], struct.unpack(f"<{math.prod(head['shape'])}{code}", data[10 + size:]), dtype)


def made(shape, at, dtype="float32"):
    return Tensor(shape, [at(p) for p in places(shape)], dtype)


RANDOM = random.Random(7)


def reals(*shape, low=-2.0, high=2.0):
    return Tensor(shape, [struct.unpack("f", struct.pack("f", RANDOM.uniform(low, high)))[0]
                          for _ in range(math.prod(shape))])


def whole(shape, below, dtype="int64", low=0):
    return Tensor(shape, [RANDOM.randrange(low, below) for _ in range(math.prod(shape))], dtype)


def integers(*values, dtype="int64"):
    return Tensor((len(values),), values, dtype)


CASES = []


def case(op, inputs, expected, constants=(), target=(), **attributes):
    """inputs: tensors or None; those whose number is in `constants` are in the file. The target's pipeline must take
    the op: what it refuses has no op of the backend to run."""
    expected = expected if isinstance(expected, list) else [expected]
    CASES.append((op, inputs, expected, constants, target, attributes))


# ---- norms
def normal(x, same, epsilon):
    """same(p): the places whose statistics p has."""
    def at(p):
        group = [x.at(q) for q in places(x.shape) if same(p, q)]
        mean = sum(group) / len(group)
        return (x.at(p) - mean) / math.sqrt(sum((v - mean) ** 2 for v in group) / len(group) + epsilon)
    return at


X = reals(2, 6, 3, 4)
scale, bias = reals(6), reals(6)
mean, variance = reals(6), reals(6, low=0.5, high=2)
case("BatchNormalization", [X, scale, bias, mean, variance],
     made(X.shape, lambda p: (X.at(p) - mean.at(p[1:2])) / math.sqrt(variance.at(p[1:2]) + 1e-3) * scale.at(p[1:2]) +
          bias.at(p[1:2])), (1, 2, 3, 4), epsilon=1e-3)
instance = normal(X, lambda p, q: p[:2] == q[:2], 1e-4)
case("InstanceNormalization", [X, scale, bias],
     made(X.shape, lambda p: instance(p) * scale.at(p[1:2]) + bias.at(p[1:2])), (1, 2), epsilon=1e-4)
grouped = normal(X, lambda p, q: p[0] == q[0] and p[1] // 2 == q[1] // 2, 1e-4)
case("GroupNormalization", [X, scale, bias],
     made(X.shape, lambda p: grouped(p) * scale.at(p[1:2]) + bias.at(p[1:2])), (1, 2), epsilon=1e-4, num_groups=3)
for axis in (1, -1):
    def length(p, axis=axis % 4):
        return math.sqrt(sum(X.at(p[:axis] + (k,) + p[axis + 1:]) ** 2 for k in range(X.shape[axis])))
    case("LpNormalization", [X], made(X.shape, lambda p: X.at(p) / length(p)), axis=axis)


# ---- windows over three dimensions
def window3(x, kernel, stride, pads, dilation=(1, 1, 1)):
    """(size of the result, places(p): those of the operand under the window at p, with their kernel place)"""
    size = [(x.shape[2 + i] + pads[i] + pads[3 + i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1
            for i in range(3)]

    def under(p):
        for k in places(kernel):
            at = tuple(p[i] * stride[i] - pads[i] + k[i] * dilation[i] for i in range(3))
            yield k, at if all(0 <= a < x.shape[2 + i] for i, a in enumerate(at)) else None
    return size, under


V = reals(2, 3, 5, 4, 6)
for kernel, stride, pads, dilation, with_bias in (((2, 3, 2), (1, 1, 1), (0,) * 6, (1, 1, 1), True),
                                                  ((3, 2, 1), (2, 1, 2), (1, 0, 0, 1, 1, 0), (1, 1, 1), False),
                                                  ((2, 2, 3), (1, 2, 1), (1, 1, 1, 1, 1, 1), (2, 1, 2), True)):
    W, B = reals(4, 3, *kernel), reals(4)
    size, under = window3(V, kernel, stride, pads, dilation)

    def convolved(p, W=W, B=B, under=under, with_bias=with_bias):
        return (B.at(p[1:2]) if with_bias else 0) + sum(
            V.at((p[0], c) + at) * W.at((p[1], c) + k) for k, at in under(p[2:]) if at for c in range(3))
    case("Conv", [V, W] + ([B] if with_bias else []), made((2, 4, *size), convolved), (1, 2), kernel_shape=list(kernel),
         strides=list(stride), pads=list(pads), dilations=list(dilation))
for kernel, stride, pads, counts in (((2, 2, 3), (1, 2, 1), (0,) * 6, 0), ((3, 2, 2), (2, 1, 2), (0, 1, 0, 0, 1, 1), 0),
                                     ((2, 2, 2), (1, 1, 1), (1, 1, 0, 1, 0, 1), 1)):
    size, under = window3(V, kernel, stride, pads)

    def largest(p, under=under):
        return max(V.at(p[:2] + at) for _, at in under(p[2:]) if at)

    def average(p, under=under, counts=counts):
        inside = [V.at(p[:2] + at) if at else 0 for _, at in under(p[2:]) if at or counts]
        return sum(inside) / len(inside)
    shape, how = (2, 3, *size), {"kernel_shape": list(kernel), "strides": list(stride), "pads": list(pads)}
    if not counts:
        case("MaxPool", [V], made(shape, largest), **how)
    case("AveragePool", [V], made(shape, average), count_include_pad=counts, **how)

# ---- rearrangement
R = reals(2, 3, 4)
case("Tile", [R, integers(2, 1, 3)], made((4, 3, 12), lambda p: R.at((p[0] % 2, p[1], p[2] % 4))), (1,))
for amounts in ((0, -1, 0, 0, 0, -2), (1, 0, -1, 0, -1, 2), (0, 2, 1, 0, 0, -3)):
    def padded(p, amounts=amounts):
        at = tuple(i - a for i, a in zip(p, amounts))
        return R.at(at) if all(0 <= i < d for i, d in zip(at, R.shape)) else 0.5
    case("Pad", [R, integers(*amounts), Tensor((), [0.5])],
         made([d + amounts[i] + amounts[3 + i] for i, d in enumerate(R.shape)], padded), (1, 2),
         ("--pipeline", "qairt"))

# ---- by indices
for axis, largest_first, k in ((-1, 1, 2), (1, 0, 3)):
    at_axis = axis % 3

    def ranked(p, at_axis=at_axis, largest_first=largest_first):
        line = [(R.at(p[:at_axis] + (i,) + p[at_axis + 1:]), i) for i in range(R.shape[at_axis])]
        return sorted(line, key=lambda v: (-v[0] if largest_first else v[0], v[1]))[p[at_axis]]
    shape = [k if d == at_axis else s for d, s in enumerate(R.shape)]
    case("TopK", [R, integers(k)], [made(shape, lambda p: ranked(p)[0]), made(shape, lambda p: ranked(p)[1], "int64")],
         (1,), axis=axis, largest=largest_first)
for axis in (0, 2):
    index = whole((2, 2, 3), R.shape[axis], low=-R.shape[axis])
    case("GatherElements", [R, index],
         made(index.shape, lambda p: R.at(p[:axis] + (index.at(p) % R.shape[axis],) + p[axis + 1:])), axis=axis)
pair = Tensor((3, 2), [0, 2, 1, -1, -2, 0], "int64")
case("GatherND", [R, pair], made((3, 4), lambda p: R.at((pair.at((p[0], 0)) % 2, pair.at((p[0], 1)) % 3, p[1]))))
single = Tensor((2, 2, 1), [2, 0, -1, 1], "int64")
case("GatherND", [R, single], made((2, 2, 4), lambda p: R.at((p[0], single.at((p[0], p[1], 0)) % 3, p[2]))),
     batch_dims=1)
for reduction, combine in (("none", lambda a, b: b), ("add", lambda a, b: a + b), ("mul", lambda a, b: a * b)):
    updates = reals(3, 4)
    values = dict(zip(places(R.shape), R.values))
    for i in range(3):
        for j in range(4):
            at = (pair.at((i, 0)) % 2, pair.at((i, 1)) % 3, j)
            values[at] = combine(values[at], updates.at((i, j)))
    case("ScatterND", [R, pair, updates], made(R.shape, lambda p: values[p]), reduction=reduction)
    index = Tensor((2, 1, 4), [0, 2, -2, 1, 2, 2, 0, -1], "int64")
    updates = reals(2, 1, 4)
    values = dict(zip(places(R.shape), R.values))
    for p in places(index.shape):
        at = (p[0], index.at(p) % 3, p[2])
        values[at] = combine(values[at], updates.at(p))
    case("ScatterElements", [R, index, updates], made(R.shape, lambda p: values[p]), axis=1, reduction=reduction)
for exclusive, reverse in places((2, 2)):
    def so_far(p, exclusive=exclusive, reverse=reverse):
        ks = range(R.shape[1])
        taken = [k for k in ks if (k > p[1] if reverse else k < p[1]) or (k == p[1] and not exclusive)]
        return sum(R.at((p[0], k, p[2])) for k in taken)
    case("CumSum", [R, integers(1)], made(R.shape, so_far), (1,), ("--pipeline", "qairt"), exclusive=exclusive,
         reverse=reverse)

# ---- images
I = reals(1, 2, 5, 4)
NEAREST = {"round_prefer_floor": lambda v: math.ceil(v - 0.5), "round_prefer_ceil": lambda v: math.floor(v + 0.5),
           "floor": math.floor, "ceil": math.ceil}
POSITION = {"half_pixel": lambda i, a, b: (i + 0.5) * a / b - 0.5, "asymmetric": lambda i, a, b: i * a / b,
            "align_corners": lambda i, a, b: i * (a - 1) / (b - 1) if b > 1 else 0,
            "pytorch_half_pixel": lambda i, a, b: (i + 0.5) * a / b - 0.5 if b > 1 else 0}
HTP_ROUNDS = {("half_pixel", "round_prefer_floor"), ("align_corners", "round_prefer_ceil"), ("asymmetric", "floor"),
              ("asymmetric", "ceil"), ("asymmetric", "round_prefer_floor")}
for size in ((7, 9), (3, 2), (10, 8)):
    for transform, position in POSITION.items():
        def source(p, d, size=size, position=position):
            return position(p[d], I.shape[d], size[d - 2])

        def clamped(v, d):
            return min(max(v, 0), I.shape[d] - 1)
        for rule, rounded in NEAREST.items():
            # HTP's ResizeNearestNeighbor rounds in one way of its own for each transformation.
            target = () if (transform, rule) in HTP_ROUNDS else ("--backend", "cpu", "--pipeline", "qairt")
            case("Resize", [I, None, None, integers(1, 2, *size)],
                 made((1, 2, *size), lambda p: I.at((*p[:2], *(clamped(rounded(source(p, d)), d) for d in (2, 3))))),
                 (3,), target, mode="nearest", nearest_mode=rule, coordinate_transformation_mode=transform)

        def blended(p):
            value = 0
            for bits in places((2, 2)):
                weight, at = 1, []
                for bit, d in zip(bits, (2, 3)):
                    v = clamped(source(p, d), d)
                    low = math.floor(v)
                    weight *= v - low if bit else 1 - (v - low)
                    at.append(clamped(low + bit, d))
                value += weight * I.at((*p[:2], *at))
            return value
        case("Resize", [I, None, None, integers(1, 2, *size)], made((1, 2, *size), blended), (3,), mode="linear",
             coordinate_transformation_mode=transform)

# ---- element by element, and what ops of a row's own making need
A, B = whole((3, 5), 40, "int32", -40), whole((3, 5), 9, "int32", 1)
C = Tensor(A.shape, map(abs, A.values), "int32")
case("Mod", [C, B], made(C.shape, lambda p: C.at(p) % B.at(p), "int32"), (1,))
case("Div", [A, B], made(A.shape, lambda p: int(A.at(p) / B.at(p)), "int32"))
S = reals(3, 5, low=-0.9, high=0.9)
case("Asin", [S], made(S.shape, lambda p: math.asin(S.at(p))))
case("Atan", [S], made(S.shape, lambda p: math.atan(S.at(p))))
case("ReduceProd", [R], made((2, 1, 1), lambda p: math.prod(R.at((p[0], *q)) for q in places((3, 4)))), (),
     ("--backend", "cpu", "--pipeline", "qairt"), axes=[1, 2])
case("com.microsoft.QuickGelu", [S], made(S.shape, lambda p: S.at(p) / (1 + math.exp(-1.702 * S.at(p)))))
case("com.microsoft.QuickGelu", [S], made(S.shape, lambda p: S.at(p) / (1 + math.exp(-2 * S.at(p)))), alpha=2.0)
case("ThresholdedRelu", [S], made(S.shape, lambda p: S.at(p) if S.at(p) > 0.25 else 0), alpha=0.25)
T = [reals(3, 5) for _ in range(4)]
for n in (2, 3, 4):
    case("Mean", T[:n], made(S.shape, lambda p: sum(t.at(p) for t in T[:n]) / n))


def graph_of(op, inputs, outputs, constants, attributes):
    nodes = []
    for i, t in enumerate(inputs):
        if t is not None:
            node = {"name": f"i{i}", "op": "constant" if i in constants else "input",
                    "val": {"shape": list(t.shape), "dtype": t.dtype}}
            nodes.append(node | ({"data": t.values} if i in constants else {}))
    call = {"name": "y", "op": "call", "target": op, "kwargs": attributes,
            "args": [{"node": f"i{i}"} if t is not None else None for i, t in enumerate(inputs)]}
    stated = [{"shape": list(t.shape), "dtype": t.dtype} for t in outputs]
    call["val"] = stated[0] if len(stated) == 1 else stated
    results = [{"node": f"y:{i}" if i else "y"} for i in range(len(stated))]
    return {"format": "snapgauge-graph", "version": 1, "frontend": "onnx", "nodes": [
        *nodes, call, {"name": "output", "op": "output", "args": [results]}]}


def run(folder, number, op, inputs, outputs, constants, target, attributes):
    path, out = folder / f"{number}.sgraph.json", folder / f"{number}.out"
    path.write_text(json.dumps(graph_of(op, inputs, outputs, constants, attributes)), encoding="utf-8")
    given = []
    for i, t in enumerate(inputs):
        if t is not None and i not in constants:
            t.write(folder / f"{number}.{i}.npy")
            given += ["--input", f"i{i}={folder / f'{number}.{i}.npy'}"]
    done = subprocess.run([PROGRAM, "run", path, *target, *given, "--output-dir", out], capture_output=True,
                          encoding="utf-8", timeout=60, check=False)
    if done.returncode != 0:
        return (done.stdout + done.stderr).strip()
    files = [line.split(" -> ")[1] for line in done.stdout.splitlines() if " -> " in line]
    if len(files) != len(outputs):
        return f"{len(files)} files"
    for got, wanted in zip((Tensor.read(pathlib.Path(f)) for f in files), outputs):
        if got.shape != wanted.shape or got.dtype != wanted.dtype:
            return f"{got.dtype} {got.shape}, not {wanted.dtype} {wanted.shape}"
        most = max(1e-3, *(abs(v) for v in wanted.values))
        for at, a, b in zip(places(wanted.shape), got.values, wanted.values):
            if abs(a - b) > 1e-5 * most:
                return f"{a}, not {b}, at {at}"
    return None


def main(folder):
    failed = 0
    for number, (op, inputs, outputs, constants, target, attributes) in enumerate(CASES):
        wrong = run(folder, number, op, inputs, outputs, constants, target, attributes)
        if wrong:
            print(f"{op} {attributes}: {wrong}")
            failed = 1
    print(f"{len(CASES)} cases of {len({c[0] for c in CASES})} ops")
    return failed


with tempfile.TemporaryDirectory() as scratch:
    sys.exit(main(pathlib.Path(scratch)))
