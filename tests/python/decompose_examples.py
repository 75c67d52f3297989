"""What decompose_test.py computes twice: for each operator that `annotate` writes otherwise, the calls that it must get
right: arguments left out, given by keyword, negative and scalar ones, results without dimensions, broadcasting.
"""
from aten_graph import Call, Given

INF = float("inf")


def real(*shape, low=-3.0, high=3.0, edges=(0.0, -1.0, 1.0)):
    return Given(shape, low, high, edges)


def whole(*shape, low=-9, high=9, edges=(0, -7, 7), dtype="int64"):
    return Given(shape, low, high, edges, dtype)


def positive(*shape):
    return real(*shape, low=0.1, edges=(1.0, 0.5))


def truth(*shape):
    return whole(*shape, low=0, high=1, edges=(1, 0), dtype="bool")


def constant(*shape, low=-1.0, high=1.0):
    return Given(shape, low, high, kind="constant")


X = real(2, 3, 4)
ROW = real(4, edges=(2.0, -0.5))
POINT = real(edges=(-1.5,))

# ---- of one operand: operator, then the bounds and edges of its domain, then values far out

EVERYWHERE = -3.0, 3.0, (0.0, -0.5, 0.5, 1.0, -1.0)
UNARY = {
    "acos": (-1.0, 1.0, (0.0, -1.0, 1.0), (1.5, -1.5)),
    "acosh": (1.0, 9.0, (1.0, 2.0), (1e6, 0.5)),
    "asinh": (*EVERYWHERE, (1e3, -1e3, 1e6)),
    "atanh": (-0.99, 0.99, (0.0, 0.5, -0.5), (1.0, -1.0, 1.5)),
    "cosh": (*EVERYWHERE, (50.0, -50.0, 1e4, -1e4)),
    "expm1": (*EVERYWHERE, (50.0, -50.0, 1e4, -1e4, 1e-6)),
    "fix": (*EVERYWHERE, (2.5, -2.5, 1e9 + 0.5, -1e9 - 0.5)),
    "hardsigmoid": (-5.0, 5.0, (0.0, 3.0, -3.0), (1e6, -1e6)),
    "hardsigmoid_": (-5.0, 5.0, (0.0, 3.0, -3.0), (1e6, -1e6)),
    "log10": (0.01, 9.0, (1.0, 10.0), (0.0, -1.0, 1e30)),
    "log1p": (-0.9, 9.0, (0.0, 1.0), (-1.0, -2.0, 1e30, 1e-6)),
    "log2": (0.01, 9.0, (1.0, 2.0), (0.0, -1.0, 1e30)),
    "silu": (*EVERYWHERE, (1e4, -1e4)),
    "silu_": (*EVERYWHERE, (1e4, -1e4)),
    "sinh": (*EVERYWHERE, (50.0, -50.0, 1e4, -1e4)),
    "special_expm1": (*EVERYWHERE, (50.0, -50.0, 1e4, -1e4, 1e-6)),
    "tan": (*EVERYWHERE, (1e3, -1e3)),
    "trunc": (*EVERYWHERE, (2.5, -2.5, 1e9 + 0.5, -1e9 - 0.5)),
}


def unary():
    for name, (low, high, edges, far) in UNARY.items():
        op = f"aten.{name}.default"
        yield Call(op, "tensor", Given((2, 3, 4), low, high, edges))
        yield Call(op, "no dimensions", Given((), low, high))
        yield Call(op, "far out", Given((len(far),), edges=far))
    yield Call("aten.acosh.default", "squares overflow", real(1, edges=(1e160,)))
    yield Call("aten.asinh.default", "squares overflow", real(1, edges=(1e160,)))
    yield Call("aten.asinh.default", "sums vanish", real(1, edges=(-1e9,)))


# ---- of two operands, with a way to round

QUARTERS = real(2, 3, edges=(7.0, -7.0, -7.5, 7.5, 0.0, -0.25))
DIVISORS = real(2, 3, low=0.5, edges=(2.0, 2.0, -2.0, 0.5, 3.0))
QUADRANTS = real(8, edges=(1.0, 1.0, -1.0, -1.0, 0.0, 0.5, -0.5))
SIDES = real(8, edges=(2.0, -2.0, 2.0, -2.0, 1.0, 1.5, -1.5))


def rounded():
    for op in "aten.div.Tensor_mode", "aten.div_.Tensor_mode":
        for mode in None, "floor", "trunc":
            yield Call(op, f"{mode}", QUARTERS, DIVISORS, rounding_mode=mode)
        yield Call(op, "broadcast", X, positive(4), rounding_mode="floor")
        yield Call(op, "by zero", real(3, edges=(1.0, -1.0, 0.0)), real(edges=(0.0,)), rounding_mode="trunc")
        yield Call(op, "by infinity", real(2, edges=(-1.0, 1.0)), real(edges=(INF,)), rounding_mode="floor")
        yield Call(op, "integers", whole(6, edges=(7, -7, 8, -8)), whole(6, low=1, edges=(2, 2, -3, 3)),
                   rounding_mode="floor")
    for op in "aten.div.Scalar_mode", "aten.div_.Scalar_mode":
        for mode in None, "floor", "trunc":
            yield Call(op, f"{mode}", QUARTERS, -2.0, rounding_mode=mode)
        yield Call(op, "integer number", QUARTERS, 2, rounding_mode="trunc")
        yield Call(op, "no dimensions", POINT, 0.4, rounding_mode="floor")
        yield Call(op, "a quotient just below one", real(1, edges=(1.0,)), 0.1, rounding_mode="floor")
        yield Call(op, "integers", whole(6), 2, rounding_mode="trunc")


def remainders():
    yield Call("aten.remainder.Tensor", "signs", QUARTERS, DIVISORS)
    yield Call("aten.remainder.Tensor", "broadcast", X, positive(3, 1))
    yield Call("aten.remainder.Tensor", "integers", whole(6), whole(6, low=1, edges=(2, 3, -3)))
    for case, by in ("positive", 2.0), ("negative", -0.75), ("integer number", 3):
        yield Call("aten.remainder.Scalar", case, QUARTERS, by)
    yield Call("aten.remainder.Scalar", "by keyword", QUARTERS, other=2.0)
    yield Call("aten.remainder.Scalar", "integers", whole(6), 3)
    yield Call("aten.remainder.Scalar", "a quotient just below one", real(1, edges=(1.0,)), 0.1)
    yield Call("aten.remainder.Scalar_Tensor", "signs", 7.5, DIVISORS)
    yield Call("aten.remainder.Scalar_Tensor", "integer number", -7, DIVISORS)
    yield Call("aten.remainder.Scalar_Tensor", "integers", 7, whole(4, low=1, edges=(2, 3, -3)))


def angles():
    yield Call("aten.atan2.default", "quadrants", QUADRANTS, SIDES)
    yield Call("aten.atan2.default", "broadcast", X, positive(4))
    yield Call("aten.atan2.default", "straight up and down", real(3, edges=(1.0, -1.0, 0.5)), real(edges=(0.0,)))
    yield Call("aten.atan2.default", "origin", real(1, edges=(0.0,)), real(1, edges=(0.0,)))
    yield Call("aten.atan2.default", "far out", real(2, edges=(1e10, -1e-10)), real(2, edges=(-1e-10, 1e10)))


# ---- distances, products and pools

def distances():
    yield Call("aten._cdist_forward.default", "matrices", real(3, 4), real(5, 4), 2.0, None)
    yield Call("aten._cdist_forward.default", "batch", real(2, 3, 4), real(2, 5, 4), 2.0, 2)
    yield Call("aten._cdist_forward.default", "one by one", real(1, 4), real(1, 4), 2.0, 0)
    yield Call("aten._cdist_forward.default", "broadcast", real(2, 1, 3, 4), real(3, 5, 4), 2.0, None)
    for op in "aten._pdist_forward.default", "aten.pdist.default":
        yield Call(op, "default norm", real(4, 3))
        yield Call(op, "second norm", real(3, 5), 2.0)
        yield Call(op, "two rows", real(2, 3))


def products():
    for kwargs in {}, {"alpha": 0.5}, {"beta": 2}, {"alpha": 2, "beta": -0.5}:
        case = " and ".join(kwargs) or "plain"
        yield Call("aten.addmm.default", case, real(2, 5), real(2, 3), real(3, 5), **kwargs)
        yield Call("aten.addmm.default", f"{case}, row added", real(5), real(2, 3), real(3, 5), **kwargs)
    yield Call("aten.addmm.default", "number added", POINT, real(2, 3), real(3, 5), beta=3)
    yield Call("aten.addmm.default", "nothing of the first", real(2, 5, edges=(INF,)), real(2, 3), real(3, 5), beta=0)
    for equation, first, second in (
            ("ab,bc->ac", (2, 3), (3, 4)), ("abc,acd->abd", (2, 3, 4), (2, 4, 5)),
            ("abcd,abde->abce", (2, 3, 4, 5), (2, 3, 5, 6)), ("abc,cd->abd", (2, 3, 4), (4, 5)),
            ("abcd,de->abce", (2, 3, 4, 5), (5, 6)), ("abcde,abcef->abcdf", (2, 1, 3, 4, 5), (2, 1, 3, 5, 6)),
            ("ab,cb->ac", (2, 3), (4, 3)), ("abc,adc->abd", (2, 3, 4), (2, 5, 4)),
            ("abcd,abed->abce", (2, 3, 4, 5), (2, 3, 6, 5)), ("abc,dc->abd", (2, 3, 4), (5, 4)),
            ("abcd,ed->abce", (2, 3, 4, 5), (6, 5)), ("bhqd, bhkd -> bhqk", (2, 3, 4, 5), (2, 3, 6, 5)),
            ("ij,jk", (2, 3), (3, 4))):
        yield Call("aten.einsum.default", equation, equation, [real(*first), real(*second)])


def pools():
    volume = real(1, 2, 4, 6, 8)
    for case, *args in (("default stride", [2, 2, 2]), ("one size", [2], [2]), ("stride", [2, 3, 2], [1, 2, 2]),
                        ("padding", [3, 3, 3], [2, 2, 2], [1, 1, 1]), ("one padding", [3], [2], [1]),
                        ("dilation", [2, 2, 2], [1, 2, 1], [0, 0, 0], [2, 1, 3]),
                        ("rounded up", [3, 3, 3], [2, 2, 2], [0, 0, 0], [1, 1, 1], True),
                        ("stride empty", [2, 2, 2], [], [1, 0, 1])):
        yield Call("aten.max_pool3d.default", case, volume, *args)


# ---- parts of a tensor

def parts():
    cube = real(3, 4, 4)
    for case, *args in (("last by default",), ("first", 0), ("negative", -2)):
        yield Call("aten.glu.default", case, real(2, 4, 6), *args)
    yield Call("aten.glu.default", "by keyword", real(2, 4, 6), dim=1)
    for case, shifts, *dims in (("one", [1], [1]), ("negative", [-2], [-1]), ("two", [1, 2], [0, 2]),
                                ("flattened", [5]), ("once around", [7], [2]), ("nothing", [0], [0]),
                                ("twice along one", [1, 1], [1, 1])):
        yield Call("aten.roll.default", case, cube, shifts, *dims)
    for op in "aten.tril.default", "aten.triu.default":
        for case, *args in (("main",), ("above", 1), ("below", -2), ("outside", -9)):
            yield Call(op, case, cube, *args)
        yield Call(op, "wide", real(2, 5), 2)
        yield Call(op, "truth", truth(4, 4), 1)
        yield Call(op, "integers", whole(3, 3))
        yield Call(op, "infinite", Given((4, 4), edges=(-INF,) * 16), 1)
    for op in "aten.diagonal.default", "aten.diagonal_copy.default":
        for case, *args in (("main",), ("above", 1), ("below", -1), ("turned", 1, 1, 0), ("negative", 0, -2, -1)):
            yield Call(op, case, real(3, 4), *args)
    for case, dim, index, shape in (("first", 0, 1, (4, 4)), ("last", 2, 3, (3, 4)), ("negative", -2, 2, (3, 4)),
                                    ("counted back", 1, -1, (3, 4))):
        yield Call("aten.select_scatter.default", case, cube, real(*shape), dim, index)
    yield Call("aten.select_scatter.default", "into a row", real(5), POINT, 0, 2)


def variances():
    yield Call("aten.var.default", "unbiased by default", X)
    for case, *args in (("biased", False), ("unbiased", True)):
        yield Call("aten.var.default", case, X, *args)
    yield Call("aten.var.dim", "by keyword", X, dim=[1], unbiased=False, keepdim=True)
    for case, *args in (("unbiased by default", [1]), ("biased", [1], False), ("unbiased", [-1], True),
                        ("two, kept", [0, -1], False, True), ("kept", [2], True, True), ("all", None, False),
                        ("none named", [], False), ("all, kept", None, True, True)):
        yield Call("aten.var.dim", case, X, *args)
    for case, args, kwargs in (
            ("all left out", [], {}), ("dim", [[1]], {}), ("zero", [[1]], {"correction": 0}),
            ("one", [[-1]], {"correction": 1}), ("two, kept", [[0, 2]], {"correction": 2, "keepdim": True}),
            ("none", [[1]], {"correction": None}), ("dim by keyword", [], {"dim": [1], "correction": 0}),
            ("all, kept", [None], {"correction": 0, "keepdim": True}), ("half", [[1]], {"correction": 0.5})):
        yield Call("aten.var.correction", case, X, *args, **kwargs)


def thresholds():
    for op in "aten.threshold.default", "aten.threshold_.default":
        for case, *args in (("real", 0.5, -1.5), ("integer numbers", 1, 20), ("at an edge", 0.0, 0.0),
                            ("infinite", 0.0, -INF)):
            yield Call(op, case, X, *args)
        yield Call(op, "by keyword", X, threshold=0.5, value=-1.5)


def kept():
    """Forms whose rows say that they are not written out."""
    yield Call("aten._cdist_forward.default", "first norm", real(3, 4), real(5, 4), 1.0, None)
    yield Call("aten._pdist_forward.default", "first norm", real(4, 3), 1.0)
    yield Call("aten.pdist.default", "first norm", real(4, 3), 1.0)
    yield Call("aten.max_pool3d.default", "without a batch", real(2, 4, 6, 8), [2, 2, 2])
    yield Call("aten.einsum.default", "sums", "abc,abc->a", [X, X])
    yield Call("aten.einsum.default", "one operand", "ab->ba", [real(2, 3)])
    for op in "aten.diagonal.default", "aten.diagonal_copy.default":
        yield Call(op, "of matrices", real(3, 4, 4), 0, 1, 2)
        yield Call(op, "of first two", real(3, 4, 4), 1)


# ---- numbers that become constants

def arithmetic():
    for word in "add", "sub", "mul", "div":
        op = f"aten.{word}.Tensor"
        for case, *args in (("number", X, 2.5), ("integer number", X, 2), ("number first", 2.5, X),
                            ("integer first", -3, ROW), ("no dimensions", POINT, 4),
                            ("integers", whole(4, low=1), 2), ("integers and a real number", whole(4), 1.5)):
            yield Call(op, case, *args)
        yield Call(f"aten.{word}.Scalar", "number", X, -2.5)
        yield Call(f"aten.{word}.Scalar", "integer number", X, 3)
        yield Call(f"aten.{word}.Scalar", "no dimensions", POINT, 0.1)
        yield Call(f"aten.{word}.Scalar", "integers", whole(4), 3)
        yield Call(f"aten.{word}.Scalar", "integers and a real number", whole(4), 1.5)
    for word in "add", "sub":
        yield Call(f"aten.{word}.Tensor", "alpha", X, 2.0, alpha=3)
        yield Call(f"aten.{word}.Tensor", "alpha, number first", 2.0, X, alpha=0.5)
    for op in "aten.add.Scalar", "aten.sub.Scalar", "aten.rsub.Scalar":
        yield Call(op, "alpha", X, 2.0, 3)
        yield Call(op, "alpha by keyword", X, 2.0, alpha=3)
    for op in "aten.mul.Tensor", "aten.div.Scalar", "aten.rsub.Scalar":
        yield Call(op, "by keyword", X, other=2.0)
    yield Call("aten.mul.Tensor", "infinite", positive(3), -INF)
    for case, *args in (("number", X, 1.0), ("integer number", X, 1), ("no dimensions", POINT, 2),
                        ("integers", whole(4), 3), ("integers and a real number", whole(4), 0.5)):
        yield Call("aten.rsub.Scalar", case, *args)
    for case, *args in (("number", X, 1.5), ("integer number", X, 2), ("integers", whole(4), 2)):
        yield Call("aten.add_.Scalar", case, *args)
    yield Call("aten.add_.Scalar", "alpha", X, 1.5, 2)


def comparisons():
    for word in "eq", "ge", "gt", "le", "lt", "ne":
        op = f"aten.{word}.Scalar"
        for case, *args in (("number", X, 0.0), ("integer number", X, 1), ("no dimensions", POINT, -1.5),
                            ("integers", whole(6), 7), ("integers and a real number", whole(6), 0.5),
                            ("integers and a negative real number", whole(6), -0.5), ("infinite", X, -INF),
                            ("truth", truth(4), 1)):
            yield Call(op, case, *args)
        yield Call(op, "by keyword", X, other=1.0)
    yield Call("aten.eq.Scalar", "beyond what double precision tells apart", whole(2, edges=(2**53 + 1, 2**53)),
               2**53 + 1)


def powers():
    for case, *args in (("square", X, 2), ("real", positive(2, 3), 0.5), ("negative", positive(3), -1.5),
                        ("odd", X, 3.0), ("nothing", X, 0), ("integers", whole(4), 2), ("no dimensions", POINT, 2)):
        yield Call("aten.pow.Tensor_Scalar", case, *args)
    yield Call("aten.pow.Tensor_Scalar", "by keyword", X, exponent=2)
    for case, *args in (("two", 2, X), ("real", 0.5, ROW), ("zero", 0, positive(4)), ("one", 1.0, X),
                        ("integers", 2, whole(4, low=0, edges=(0, 1, 5))), ("real of integers", 2.5, whole(4))):
        yield Call("aten.pow.Scalar", case, *args)


def slopes():
    for op in "aten.leaky_relu.default", "aten.leaky_relu_.default":
        for case, *args in (("default",), ("slope", 0.2), ("integer slope", 0), ("rising", -0.5)):
            yield Call(op, case, X, *args)
        yield Call(op, "by keyword", X, negative_slope=0.2)
        yield Call(op, "row", ROW, 0.3)
        yield Call(op, "no dimensions", POINT, 0.3)


def selections():
    mask = truth(2, 3, 4)
    for op in "aten.masked_fill.Scalar", "aten.masked_fill_.Scalar":
        for case, *args in (("number", X, mask, 2.5), ("integer number", X, mask, 0), ("infinite", X, mask, -INF),
                            ("broadcast", X, truth(3, 1), -1.0), ("integers", whole(4), truth(4), 5)):
            yield Call(op, case, *args)
        yield Call(op, "by keyword", X, truth(4), value=2.0)
    for case, *args in (("number", X, 0.5), ("number first", -INF, X), ("integer number", X, 2),
                        ("integers", whole(2, 3, 4), 5), ("broadcast", ROW, 0)):
        yield Call("aten.where.self", case, mask, *args)
    for case, *args in (("number", X, 0.5), ("integer number", ROW, 2), ("infinite", X, -INF),
                        ("integers", whole(4), 2), ("integers and a real number", whole(4), 0.5)):
        yield Call("aten.where.ScalarOther", case, mask, *args)
        yield Call("aten.where.ScalarSelf", case, mask, *reversed(args))
    for case, *args in (("real", 1.5, -0.5), ("integers", 1, 0), ("mixed", 1, 0.5)):
        yield Call("aten.where.Scalar", case, mask, *args)


# ---- operators that change what they read

def read_again():
    """The operand, read after the operator that changed it."""
    for op, *args in (("aten.silu_.default",), ("aten.threshold_.default", 0.5, 2.0), ("aten.leaky_relu_.default",),
                      ("aten.masked_fill_.Scalar", truth(4), 2.0), ("aten.add_.Scalar", 1.5)):
        operand = Call("aten.neg.default", "operand", X)
        yield Call("aten.add.Tensor", f"operand of {op}", Call(op, "change", operand, *args), operand)


# ---- batch norms behind products

def folded(case, product, channels, affine=True, epsilon=1e-5, training=False):
    weights = [constant(channels), constant(channels)] if affine is True else list(affine or (None, None))
    state = constant(channels), constant(channels, low=0.5, high=2.0)
    return Call("aten.batch_norm.default", case, product, *weights, *state, training, 0.1, epsilon, False)


def conv(op, shape, weight, channels, *rest, bias=True):
    return Call(f"aten.{op}", "product", real(*shape), constant(*weight), constant(channels) if bias else None, *rest)


def norms():
    image = 2, 2, 5, 5
    yield folded("conv2d", conv("conv2d.default", image, (2, 2, 2, 2), 2), 2)
    yield folded("conv2d without bias", conv("conv2d.default", image, (3, 2, 1, 2), 3, bias=False), 3)
    yield folded("conv2d, bias left out", Call("aten.conv2d.default", "product", real(*image), constant(4, 2, 1, 2)), 4)
    yield folded("conv2d, stride and padding",
                 conv("conv2d.default", image, (3, 2, 1, 2), 3, [2, 1], [0, 1], [1, 2]), 3)
    yield folded("conv2d, words for padding", conv("conv2d.padding", image, (2, 2, 3, 1), 2, [1, 1], "same"), 2)
    yield folded("grouped conv2d", conv("conv2d.default", image, (4, 1, 2, 2), 4, [1, 1], [0, 0], [1, 1], 2), 4)
    yield folded("depthwise conv2d without bias",
                 conv("conv2d.default", image, (2, 1, 2, 2), 2, [1, 1], [0, 0], [1, 1], 2, bias=False), 2)
    transposed = [2, 2], [0, 0], [0, 0]
    yield folded("conv_transpose2d", conv("conv_transpose2d.input", image, (2, 3, 1, 2), 3, *transposed), 3)
    yield folded("conv_transpose2d without bias",
                 conv("conv_transpose2d.input", image, (2, 3, 1, 2), 3, *transposed, bias=False), 3)
    yield folded("grouped conv_transpose2d",
                 conv("conv_transpose2d.input", (1, 4, 3, 3), (4, 2, 1, 2), 4, *transposed, 2), 4)
    yield folded("grouped conv_transpose2d without bias",
                 conv("conv_transpose2d.input", (1, 4, 3, 3), (4, 3, 1, 1), 6, *transposed, 2, bias=False), 6)
    yield folded("conv1d", conv("conv1d.default", (2, 2, 6), (3, 2, 2), 3), 3)
    yield folded("conv_transpose1d", conv("conv_transpose1d.default", (2, 2, 6), (2, 3, 2), 3), 3)
    yield folded("convolution", conv("convolution.default", image, (3, 2, 1, 2), 3, [1, 1], [0, 0], [1, 1], False,
                                     [0, 0], 1), 3)
    yield folded("grouped transposed convolution",
                 conv("convolution.default", (1, 4, 3, 3), (4, 2, 1, 2), 4, [2, 2], [0, 0], [1, 1], True, [1, 1], 2), 4)
    yield folded("linear", conv("linear.default", (4, 5), (3, 5), 3), 3)
    yield folded("linear without bias", conv("linear.default", (4, 5), (3, 5), 3, bias=False), 3)
    for case, affine in (("no weight, no bias", None), ("no weight", (None, constant(3))),
                         ("no bias", (constant(3), None))):
        yield folded(f"linear, {case}", conv("linear.default", (4, 5), (3, 5), 3), 3, affine)
    yield folded("conv2d, large epsilon", conv("conv2d.default", image, (2, 2, 2, 2), 2), 2, epsilon=0.5)


def standing():
    """Norms that are no factor of each channel of the product's weights, and products with other readers."""
    yield folded("conv2d, bias by keyword", Call("aten.conv2d.default", "product", real(2, 2, 5, 5),
                                                constant(2, 2, 2, 2), bias=constant(2)), 2)
    yield folded("conv2d, training", conv("conv2d.default", (2, 2, 5, 5), (2, 2, 2, 2), 2), 2, training=True)
    yield folded("rows of linear", conv("linear.default", (2, 3, 5), (3, 5), 3), 3)
    yield folded("twice as many rows of linear", conv("linear.default", (2, 6, 5), (3, 5), 3), 6)
    product, weight = conv("linear.default", (4, 5), (3, 5), 3), constant(3, 5)
    yield Call("aten.add.Tensor", "norm and product", folded("one of two readers", product, 3), product)
    yield Call("aten.sub.Tensor", "two norms of one weight", *(
        folded(case, Call("aten.linear.default", "product", real(4, 5), weight, bias), 3)
        for case, bias in (("with bias", constant(3)), ("without bias", None))))
    yield folded("rows of conv2d without a batch", conv("conv2d.default", (2, 3, 4), (2, 2, 2, 2), 2), 2)


WRITTEN_OUT = [*unary(), *rounded(), *remainders(), *angles(), *distances(), *products(), *pools(), *parts(),
               *variances(), *thresholds()]
LIFTED = [*arithmetic(), *comparisons(), *powers(), *slopes(), *selections()]
FOLDED = [*norms()]
STANDING = [*standing()]
KEPT = [*kept()]
READ_AGAIN = [*read_again()]
