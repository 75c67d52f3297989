"""Native graphs of aten operators: written from trees of calls, and computed by torch.

A graph says float32 and is computed in double precision: what then differs is the formula and not the rounding.
"""
import dataclasses
import functools
import math
import operator
import re
import zlib

import torch

torch.set_default_dtype(torch.float64)
DTYPES = {"float32": torch.float64, "int64": torch.int64, "int32": torch.int32, "bool": torch.bool}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


@dataclasses.dataclass(frozen=True, eq=False)
class Given:
    """An input or a constant: some values that matter, then random ones between the bounds."""
    shape: tuple
    low: float = -3.0
    high: float = 3.0
    edges: tuple = ()
    dtype: str = "float32"
    kind: str = "input"

    def drawn(self, name):
        """A name has its values, whatever else is in the file."""
        count, random = math.prod(self.shape), torch.Generator().manual_seed(zlib.crc32(name.encode()))
        values = self.low + (self.high - self.low) * torch.rand(count, generator=random)
        if self.dtype != "float32":
            values = values.round()
        dtype = DTYPES[self.dtype]
        edges = torch.tensor(self.edges[:count], dtype=dtype)
        return torch.cat([edges, values[len(edges):].to(dtype)]).reshape(self.shape)


class Call:
    """An operator with its arguments: literals, lists, `Given` and other calls."""

    def __init__(self, op, case, *args, **kwargs):
        self.op, self.case, self.args, self.kwargs = op, case, args, kwargs
        self.title = f"{op}, {case}"
        self.name = re.sub(r"\W+", "_", self.title)


class Writer:
    """One file of many calls; `inputs` are the values of its inputs by name. What stands in two places of a tree is one
    node, but each place has an input of its own: some operators change what they read.
    """

    def __init__(self):
        self.nodes, self.inputs, self.written = [], {}, {}

    def graph(self, calls):
        results = [{"node": self.call(call, call.name)} for call in calls]
        self.nodes.append({"name": "results", "op": "output", "args": [results]})
        return {"format": "snapgauge-graph", "version": 1, "frontend": "aten", "nodes": self.nodes}

    def call(self, call, name):
        args = [self.argument(arg, f"{name}_arg{i}") for i, arg in enumerate(call.args)]
        kwargs = {key: self.argument(arg, f"{name}_{key}") for key, arg in call.kwargs.items()}
        self.written[call] = name
        self.nodes.append({"name": name, "op": "call", "target": call.op, "args": args, "kwargs": kwargs})
        self.nodes[-1]["val"] = described(Computation(self.nodes, self.inputs).value(name))
        return name

    def argument(self, arg, name):
        if isinstance(arg, Call):
            return {"node": self.written.get(arg) or self.call(arg, name)}
        if isinstance(arg, Given):
            return {"node": self.written.get(arg) or self.given(arg, name)}
        if isinstance(arg, (list, tuple)):
            return [self.argument(element, f"{name}_{i}") for i, element in enumerate(arg)]
        return {"float": str(arg)} if isinstance(arg, float) and not math.isfinite(arg) else arg

    def given(self, given, name):
        values = given.drawn(name)
        self.nodes.append({"name": name, "op": given.kind, "val": described(values)})
        if given.kind == "constant":
            self.nodes[-1]["data"] = values.flatten().tolist()
            self.written[given] = name
        else:
            self.inputs[name] = values
        return name


def described(tensor):
    return {"shape": list(tensor.shape), "dtype": NAMES[tensor.dtype]}


def sources(arg):
    """The names of the results that an argument reads."""
    if isinstance(arg, dict):
        return [arg["node"]] if "node" in arg else []
    return [name for element in arg for name in sources(element)] if isinstance(arg, list) else []


def reads(node):
    return sources(node.get("args", [])) + sources(list(node.get("kwargs", {}).values()))


class Computation:
    """The results of a graph, each computed when it is asked for: a node that torch refuses harms no other."""

    def __init__(self, nodes, inputs):
        self.nodes, self.inputs = {node["name"]: node for node in nodes}, inputs
        self.all_of = functools.lru_cache(maxsize=None)(self.run)

    def value(self, name):
        node, _, index = name.partition(":")
        results = self.all_of(node)
        return results[int(index or 0)] if isinstance(results, (list, tuple)) else results

    def run(self, name):
        node = self.nodes[name]
        if node["op"] == "input":
            return self.inputs[name].clone()
        if node["op"] == "constant":
            return self.constant(node)
        args = [self.argument(arg) for arg in node.get("args", [])]
        kwargs = {key: self.argument(arg) for key, arg in node.get("kwargs", {}).items()}
        return function(node["target"])(*args, **kwargs)

    @staticmethod
    def constant(node):
        if "data" not in node:
            raise ValueError(f"constant {node['name']} has no values")
        data = [float(x["float"]) if isinstance(x, dict) else x for x in node["data"]]
        return torch.tensor(data, dtype=DTYPES[node["val"]["dtype"]]).reshape(node["val"]["shape"])

    def argument(self, arg):
        if isinstance(arg, dict) and "node" in arg:
            return self.value(arg["node"])
        if isinstance(arg, dict):
            return float(arg["float"]) if "float" in arg else DTYPES[arg["dtype"]]
        return [self.argument(element) for element in arg] if isinstance(arg, list) else arg

    def behind(self, name):
        """The nodes that a result comes from, itself included."""
        seen, open_names = {}, [name]
        while open_names:
            node = self.nodes[open_names.pop().partition(":")[0]]
            if seen.setdefault(node["name"], node) is node:
                open_names += [source for source in reads(node) if source.partition(":")[0] not in seen]
        return list(seen.values())


def variance(x, dim=None, *, correction=1, keepdim=False):
    """As later torch has it: everything may be left out, and the correction need not be whole."""
    dims = dim or list(range(x.dim()))
    count = math.prod(x.shape[d] for d in dims)
    squares = (x - x.mean(dims, keepdim=True)) ** 2
    return squares.sum(dims, keepdim=keepdim) / max(0, count - (1 if correction is None else correction))


def where(mask, chosen, other):
    """With numbers among its operands, as rows of the op map write it before they become constants."""
    return torch.where(mask, torch.as_tensor(chosen), torch.as_tensor(other))


# What this torch does not have, or not with all of its arguments.
LATER = {"aten.var.correction": variance, "aten.where.self": where}


def function(target):
    if target == "_operator.getitem":
        return operator.getitem
    if target in LATER:
        return LATER[target]
    space, name, overload = target.split(".")
    return getattr(getattr(getattr(torch.ops, space), name), overload)
