"""As much of the ONNX wire format as tests need to build a model: messages from (number, value) pairs, a value being an
integer, text or bytes."""
import struct

FLOAT, UINT8, INT8, INT32, INT64, UINT16, INT16, UINT4, INT4 = 1, 2, 3, 6, 7, 4, 5, 21, 22
PACK = {FLOAT: "f", UINT8: "B", INT8: "b", INT32: "i", INT64: "q", UINT16: "H", INT16: "h"}


def varint(value):
    out = bytearray()
    value &= (1 << 64) - 1
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytearray([value]))


def message(*fields):
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


def tensor(name, kind, dims, values):
    if kind in (UINT4, INT4):  # two a byte
        halves = [v & 15 for v in values] + [0]
        data = bytes(halves[i] | halves[i + 1] << 4 for i in range(0, len(values), 2))
    else:
        data = struct.pack(f"<{len(values)}{PACK[kind]}", *values)
    return message(*[(1, d) for d in dims], (2, kind), (8, name), (9, data))


def external_tensor(name, kind, dims, location, offset, length):
    entries = (("location", location), ("offset", str(offset)), ("length", str(length)))
    return message(*[(1, d) for d in dims], (2, kind), (8, name),
                   *[(13, message((1, k), (2, v))) for k, v in entries], (14, 1))


def integer(name, value):
    return message((1, name), (3, value), (20, 2))


def node(op, inputs, outputs, *attributes, name="", domain=""):
    return message(*[(1, i) for i in inputs], *[(2, o) for o in outputs], (3, name or outputs[0] + "_node"), (4, op),
                   *[(5, a) for a in attributes], *([(7, domain)] if domain else []))


def value_info(name, kind, dims):
    shape = message(*[(1, message((1, d))) for d in dims])
    return message((1, name), (2, message((1, message((1, kind), (2, shape))))))


def model(nodes, initializers, inputs, outputs, opset=21, infos=()):
    graph = message(*[(1, n) for n in nodes], (2, "graph"), *[(5, t) for t in initializers], *[(11, i) for i in inputs],
                    *[(12, o) for o in outputs], *[(13, i) for i in infos])
    return message((1, 10), (7, graph), (8, message((1, ""), (2, opset))))
