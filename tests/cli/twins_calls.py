"""The calls that twins.py compares with their parts: per op at least one for each of its forms."""
import dataclasses

ANY = "any"  # the type that is compared
BASE = -1  # the row itself; other forms are places in its `select`
REFUSED = -2  # none: the pipeline refuses such a call

FLOATS = ("float32", "float16")
FIXED = ("u8", "u16", "s8", "s32")
ALL = FLOATS + ("int32",) + FIXED
ONE = ("float32",)  # of calls without an operand of the type that is compared
NOT_GPU = ("htp", "lpai", "cpu", "dsp", "hta")


@dataclasses.dataclass(frozen=True)
class Operand:
    shape: tuple
    dtype: str = ANY
    constant: bool = False
    per_channel: bool = False
    data: list = None


@dataclasses.dataclass(frozen=True)
class Call:
    form: int
    args: list
    outs: list
    kwargs: dict
    types: tuple
    backends: tuple


def call(args, outs, form=BASE, types=ALL, backends=(), **kwargs):
    return Call(form, args, outs if isinstance(outs, list) else [outs], kwargs, types, backends)


def a(*shape):
    return Operand(shape)


def constant(*shape, **more):
    return Operand(shape, constant=True, **more)


def boolean(*shape):
    return Operand(shape, "bool")


SHAPES = ((2, 8), (2, 4, 8), (1, 4, 6, 8), (1, 2, 3, 4, 2, 8))


def unary(*more, form=BASE, **options):
    """The same shape out as in; `more` are arguments behind the operand."""
    return [call([a(*s), *more], a(*s), form, **options) for s in SHAPES]


def binary(form=BASE, **options):
    same = [call([a(*s), a(*s)], a(*s), form, **options) for s in SHAPES]
    return same + [call([a(2, 4, 8), a(8)], a(2, 4, 8), form, **options)]


def reduction(make, result=a):
    """make(operand, axis, keep) gives the arguments; the last axis is reduced, once kept and once not."""
    out = []
    for s in SHAPES:
        axis = len(s) - 1
        out += [call(make(a(*s), axis, True), result(*s[:-1], 1)), call(make(a(*s), axis, False), result(*s[:-1]))]
    return out


def product(op):
    """With alpha or beta; op(bias, x, y) are its operands."""
    (bias, x, y), out = op
    return [call([bias, x, y], out), call([bias, x, y], out, beta=1, alpha=1), call([bias, x, y], out, 1, alpha=2),
            call([bias, x, y], out, 2, beta=0.5), call([bias, x, y], out, 0, beta=0.5, alpha=2)]


def distances(*more):
    return [call([a(4, 8), a(6, 8), *more], a(4, 6)), call([a(2, 4, 8), a(2, 6, 8), *more], a(2, 4, 6)),
            call([a(1, 2, 4, 8), a(1, 2, 6, 8), *more], a(1, 2, 4, 6)),
            call([a(4, 8), a(6, 8), 1.0], a(4, 6), REFUSED)]


PAIRWISE = [call([a(5, 8)], a(10)), call([a(5, 8), 2.0], a(10)), call([a(5, 8), 1.0], a(10), REFUSED)]
DIAGONAL = [call([a(4, 4)], a(4)), call([a(4, 6), 1], a(4)), call([a(6, 4), -1, 0, 1], a(4)),
            call([a(2, 4, 4), 0, 1, 2], a(2, 4), 0), call([a(2, 4, 4)], a(4, 2), 1)]
MASKED = [call([a(*s)], a(*s)) for s in SHAPES] + [
    call([boolean(*s)], boolean(*s), 0, ONE) for s in ((4, 8), (2, 4, 8))]
ON_LPAI = unary(form=0, backends=("lpai",))


def rounding(second):
    return [call([a(*s), second(*s)], a(*s), form, **({"rounding_mode": mode} if mode else {}))
            for s in SHAPES for form, mode in ((BASE, None), (0, "floor"), (1, "trunc"))]


def windows(op):
    """Of 3 channels of 4 by 4, two by two, as an image and as columns."""
    image, columns = a(1, 3, 4, 4), a(1, 12, 4)
    make = (lambda *w: ([image, *w], columns)) if op == "im2col" else (lambda *w: ([columns, [4, 4], *w], image))
    return [call(*make([2, 2], [1, 1], [0, 0], [2, 2])), call(*make([2], [1], [0], [2])),
            call(*make([2, 2], [1, 1], [1, 1], [2, 2]), REFUSED), call(*make([2, 2], [1, 1], [0, 0], [1, 1]), REFUSED)]


def attention(shape, mask=None, form=BASE, **kwargs):
    return call([a(*shape)] * 3 + ([] if mask is None else [mask]), a(*shape), form, **kwargs)


def einsum(equation, x, y, out, form, **options):
    return call([equation, [a(*x), a(*y)]], a(*out), form, **options)


def onnx_einsum(equation, x, y, out, form, **options):
    return call([a(*x), a(*y)], a(*out), form, equation=equation, **options)


PRODUCTS = (("ij,jk->ik", (2, 3), (3, 4), (2, 4)), ("bij,bjk->bik", (2, 3, 4), (2, 4, 5), (2, 3, 5)),
            ("bhij,bhjk->bhik", (1, 2, 3, 4), (1, 2, 4, 5), (1, 2, 3, 5)),
            ("bij,jk->bik", (2, 3, 4), (4, 5), (2, 3, 5)))
TRANSPOSED = (("ij,kj->ik", (2, 3), (4, 3), (2, 4)), ("bij,bkj->bik", (2, 3, 4), (2, 5, 4), (2, 3, 5)),
              ("bhij,bhkj->bhik", (1, 2, 3, 4), (1, 2, 5, 4), (1, 2, 3, 5)),
              ("bij,kj->bik", (2, 3, 4), (5, 4), (2, 3, 5)))

ATEN = {
    "aten._cdist_forward.default": distances(2.0, None),
    "aten._pdist_forward.default": PAIRWISE,
    "aten.acos.default": unary(),
    "aten.acosh.default": unary(),
    "aten.addmm.default": product(((a(6), a(2, 4), a(4, 6)), a(2, 6))) + product(
        ((a(2, 6), a(2, 4), constant(4, 6)), a(2, 6))),
    "aten.any.default": [call([a(*s)], boolean()) for s in SHAPES] + [call([boolean(2, 8)], boolean(), types=ONE)],
    "aten.any.dim": reduction(lambda x, axis, keep: [x, axis, keep], boolean) + [
        call([boolean(2, 8), 1], boolean(2), types=ONE)],
    "aten.any.dims": reduction(lambda x, axis, keep: [x, [axis], keep], boolean),
    "aten.asinh.default": unary(),
    "aten.atan2.default": binary(),
    "aten.atanh.default": unary(),
    "aten.baddbmm.default": product(((a(3, 2, 6), a(3, 2, 4), a(3, 4, 6)), a(3, 2, 6))),
    "aten.cdist.default": distances() + distances(2.0),
    "aten.clamp.Tensor": [c for s in SHAPES for c in (
        call([a(*s), a(*s), a(*s)], a(*s)), call([a(*s), None, a(*s)], a(*s), 0), call([a(*s)], a(*s), 0, max=a(*s)),
        call([a(*s), a(*s)], a(*s), 1), call([a(*s)], a(*s), 1, min=a(*s)))],
    "aten.col2im.default": windows("col2im"),
    "aten.cosh.default": unary(),
    "aten.diagonal.default": DIAGONAL,
    "aten.diagonal_copy.default": DIAGONAL,
    "aten.div.Scalar_mode": rounding(lambda *s: 2.0),
    "aten.div.Tensor_mode": rounding(a),
    "aten.div_.Scalar_mode": rounding(lambda *s: 2.0),
    "aten.div_.Tensor_mode": rounding(a),
    "aten.einsum.default": [einsum(*p, 0) for p in PRODUCTS] + [einsum(*p, 1) for p in TRANSPOSED] + [
        einsum("ij,ij->j", (2, 3), (2, 3), (3,), BASE), call(["ij->ji", [a(2, 3)]], a(3, 2)),
        call(["ij,jk,kl->il", [a(2, 3), a(3, 4), a(4, 5)]], a(2, 5))],
    "aten.embedding.default": [
        call([constant(10, 8, per_channel=True), Operand(s, "int32")], a(*s, 8), 0, FIXED) for s in ((4,), (2, 4))],
    "aten.expm1.default": unary(),
    "aten.fix.default": unary(),
    "aten.floor_divide.default": unary(2, form=0, types=("int32",)) + binary(1, types=("int32",)),
    "aten.glu.default": [call([a(2, 8)], a(2, 4)), call([a(2, 8, 4), 1], a(2, 4, 4)),
                         call([a(1, 4, 6, 8), -3], a(1, 2, 6, 8)),
                         call([a(1, 2, 3, 4, 2, 8), -1], a(1, 2, 3, 4, 2, 4))],
    "aten.hardsigmoid.default": ON_LPAI,
    "aten.hardsigmoid_.default": ON_LPAI,
    "aten.im2col.default": windows("im2col"),
    "aten.linalg_vector_norm.default": reduction(lambda x, axis, keep: [x, 2, [axis], keep]) + [
        call([a(2, 8), 1, [1], True], a(2, 1), 0), call([a(1, 2, 3, 4, 2, 8), 1, [-1]], a(1, 2, 3, 4, 2), 0),
        call([a(2, 8)], a()), call([a(2, 8), 3, [1], True], a(2, 1), 1)],
    "aten.log10.default": unary(),
    "aten.log1p.default": unary(),
    "aten.log2.default": unary(),
    "aten.max_pool3d.default": [
        call([a(1, 2, 4, 8, 8), [2, 2, 2]], a(1, 2, 2, 4, 4)), call([a(1, 2, 4, 8, 8), [2], []], a(1, 2, 2, 4, 4)),
        call([a(1, 2, 4, 8, 8), [2, 2, 2], [2, 2, 2], 0, [2, 1, 1]], a(1, 2, 1, 4, 4), 1),
        call([a(1, 2, 4, 9, 9), [2, 3, 3], [2, 3, 3], [1, 0, 0]], a(1, 2, 3, 3, 3), 1),
        call([a(1, 2, 4, 9, 9), [2, 3, 3], [2, 2, 2], [0, 1, 1], [1, 1, 1], True], a(1, 2, 2, 5, 5), 1),
        call([a(2, 4, 8, 8), [2, 2, 2]], a(2, 2, 4, 4), 0)],
    "aten.mish.default": unary(),
    "aten.mish_.default": unary(),
    "aten.pdist.default": PAIRWISE,
    "aten.remainder.Scalar": unary(2.0),
    "aten.remainder.Scalar_Tensor": [call([2.0, a(*s)], a(*s)) for s in SHAPES],
    "aten.remainder.Tensor": binary(),
    "aten.roll.default": unary([1], [1]),
    "aten.scaled_dot_product_attention.default": [c for s in ((2, 4, 8), (1, 2, 4, 8)) for c in (
        attention(s, a(4, 4)), attention(s, a(4, 4), scale=0.5), attention(s, form=0), attention(s, form=0, scale=0.5),
        attention(s, boolean(4, 4), 1))] + [call([a(1, 2, 4, 8)] * 3, a(1, 2, 4, 8), attn_mask=a(4, 4))],
    "aten.select_scatter.default": [
        call([a(*s), a(*(s[:i] + s[i + 1:])), axis, 0], a(*s), len(s) - 1 - i)
        for s in SHAPES for i in range(len(s)) for axis in (i, i - len(s))] + [
            call([a(2, 2, 2, 2, 2, 2, 4), a(2, 2, 2, 2, 2, 4), 0, 0], a(2, 2, 2, 2, 2, 2, 4))],
    "aten.silu.default": unary(),
    "aten.silu_.default": unary(),
    "aten.sinh.default": unary(),
    "aten.softplus.default": unary() + unary(1.0, 10.0),
    "aten.special_expm1.default": unary(),
    "aten.tan.default": unary(),
    "aten.threshold.default": unary(0.5, 0.0),
    "aten.threshold_.default": unary(0.5, 0.0),
    "aten.tril.default": MASKED,
    "aten.triu.default": MASKED,
    "aten.trunc.default": unary(),
    "aten.var.correction": [call([a(*s), [-1]], a(*s[:-1])) for s in SHAPES] + [
        call([a(1, 4, 6, 8), [2, 3]], a(1, 4, 1, 1), correction=1, keepdim=True), call([a(2, 8)], a(2), dim=[1])],
    "aten.var.default": [call([a(*s)], a()) for s in SHAPES],
    "aten.var.dim": reduction(lambda x, axis, keep: [x, [axis], True, keep]),
}

INVERSE = [call([a(*s)], a(*s), 2, ("float32",)) for s in ((2, 2), (3, 2, 2), (1, 3, 2, 2))] + [
    call([a(3, 2, 2)], a(3, 2, 2), REFUSED, ("float16",) + FIXED), call([a(3, 3)], a(3, 3), REFUSED)]

ONNX = {
    "Einsum": [onnx_einsum(*p, 1) for p in PRODUCTS] + [onnx_einsum(*p, 2) for p in TRANSPOSED] + [
        onnx_einsum("abcd,aecb->aecd", (2, 3, 4, 5), (2, 6, 4, 3), (2, 6, 4, 5), 3),
        onnx_einsum("abcd,ced->abce", (2, 3, 4, 5), (4, 6, 5), (2, 3, 4, 6), 6, types=FLOATS, backends=NOT_GPU),
        onnx_einsum("abcd,ced->abce", (2, 3, 4, 5), (4, 6, 5), (2, 3, 4, 6), REFUSED, types=FIXED),
        onnx_einsum("ij,ij->j", (2, 3), (2, 3), (3,), BASE, types=FLOATS, backends=NOT_GPU),
        onnx_einsum("ij,ij->j", (2, 3), (2, 3), (3,), REFUSED, backends=("gpu",))],
    "Inverse": INVERSE,
    "LSTM": [
        call([a(5, 1, 8), constant(1, 16, 8), constant(1, 16, 4), constant(1, 32)], a(5, 1, 1, 4), hidden_size=4),
        call([a(5, 1, 8), constant(1, 16, 8), constant(1, 16, 4)], a(5, 1, 1, 4), hidden_size=4,
             activations=["Sigmoid", "Tanh", "Tanh"]),
        call([a(5, 1, 8), constant(1, 16, 8), constant(1, 16, 4)], a(5, 1, 1, 4), REFUSED, clip=1.0)],
    "Mean": [call([a(*s)] * n, a(*s), form) for s in SHAPES
             for n, form in ((2, 1), (3, 2), (4, 3), (5, BASE), (1, REFUSED))],
    "Mod": binary(types=FLOATS + FIXED) + binary(1, types=("int32",)) + binary(REFUSED, fmod=1),
    "ReduceL2": [c for s in SHAPES for c in (
        call([a(*s), constant(1, dtype="int64", data=[1])], a(s[0], 1, *s[2:]), types=FLOATS + ("int32",)),
        call([a(*s)], a(s[0], *s[2:]), axes=[1], keepdims=0, types=FLOATS + ("int32",)))] + [
            call([a(2, 8)], a(2, 1), REFUSED, FIXED, axes=[1])],
    "Tan": unary(),
    "ThresholdedRelu": unary() + unary(alpha=0.5),
    "com.microsoft.Inverse": INVERSE,
    "com.microsoft.QuickGelu": unary() + unary(alpha=1.702),
}

CALLS = {"aten": ATEN, "onnx": ONNX}
