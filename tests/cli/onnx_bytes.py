"""As much of the ONNX wire format as tests need to break a model and to compare two of them: fields with
their offsets, so that a fault can be put into the bytes where they stand."""
import struct

GRAPH, NODE, INITIALIZER = 7, 1, 5


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            return value, at


def fields(data, first=0, end=None):
    """(number, offset of the payload, its end, value of a varint) of every field."""
    end = len(data) if end is None else end
    at = first
    while at < end:
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, after = varint(data, at)
            yield number, at, after, value
            at = after
        else:
            size = {1: 8, 5: 4}.get(kind)
            if size is None:
                size, at = varint(data, at)
            yield number, at, at + size, None
            at += size


class Node:
    def __init__(self, data, first, end):
        self.inputs, self.outputs, self.attributes, self.name, self.op = [], [], {}, "", ""
        self.input_offsets = []
        for number, a, b, _ in fields(data, first, end):
            text = data[a:b]
            if number == 1:
                self.inputs.append(text.decode())
                self.input_offsets.append(a)
            elif number == 2:
                self.outputs.append(text.decode())
            elif number == 3:
                self.name = text.decode()
            elif number == 4:
                self.op = text.decode()
            elif number == 5:
                inner = list(fields(data, a, b))
                name = next(data[x:y].decode() for n, x, y, _ in inner if n == 1)
                self.attributes[name] = next((x for n, x, y, _ in inner if n == 3), None)  # offset of the integer
        self.rest = (self.outputs, self.name, self.op, sorted(self.attributes))


class Tensor:
    def __init__(self, data, first, end):
        self.dims, self.name, self.type, self.payload = [], "", 0, None
        for number, a, b, value in fields(data, first, end):
            if number == 1:
                self.dims += [value] if value is not None else [v for v in packed(data, a, b)]
            elif number == 2:
                self.type = value
            elif number == 8:
                self.name = data[a:b].decode()
            elif number in (4, 5, 7, 9):
                self.payload = (number, a, b)
        self.bytes = data[first:end]


def packed(data, at, end):
    while at < end:
        value, at = varint(data, at)
        yield value


class Model:
    def __init__(self, data):
        self.data = bytearray(data)
        first, end = next((a, b) for n, a, b, _ in fields(data) if n == GRAPH)
        self.nodes = [Node(data, a, b) for n, a, b, _ in fields(data, first, end) if n == NODE]
        self.tensors = {t.name: t for t in (Tensor(data, a, b) for n, a, b, _ in fields(data, first, end)
                                            if n == INITIALIZER)}
        self.others = [data[a:b] for n, a, b, _ in fields(data) if n != GRAPH]
        self.others += [data[a:b] for n, a, b, _ in fields(data, first, end) if n not in (NODE, INITIALIZER)]

    def floats(self, name):
        _, a, b = self.tensors[name].payload
        return struct.unpack(f"<{(b - a) // 4}f", self.data[a:b])

    def set_float(self, name, index, value):
        _, a, _ = self.tensors[name].payload
        self.data[a + 4 * index:a + 4 * index + 4] = struct.pack("<f", value)

    def readers(self, name):
        return [n for n in self.nodes if name in n.inputs]


def only_parameters_changed(before, after):
    """True when the models differ in initializers that Q/DQ nodes read, in which of them those read, and
    in their axes."""
    before, after = Model(before), Model(after)
    if before.others != after.others or len(before.nodes) != len(after.nodes):
        return False
    quantize = ("QuantizeLinear", "DequantizeLinear")
    for a, b in zip(before.nodes, after.nodes):
        if a.op not in quantize and (a.inputs != b.inputs or a.rest != b.rest):
            return False
        if a.rest[:3] != b.rest[:3]:
            return False
    changed = [n for n, t in before.tensors.items() if after.tensors[n].bytes != t.bytes]
    return all(r.op in quantize for n in changed for r in before.readers(n))
