"""Recorded annotation dumps as live torch.fx graphs: what a quantizer would have left in memory, of small classes that
have the attributes of PT2E's own, since the torch of Debian 12 has no PT2E.
"""
import functools
import types

import torch

SCHEMES = {name: getattr(torch, name) for name in (
    "per_tensor_affine", "per_tensor_symmetric", "per_channel_affine", "per_channel_symmetric")}


class QuantizationSpec:
    def __init__(self, **members):
        vars(self).update(members)


class SharedQuantizationSpec:
    def __init__(self, edge_or_node):
        self.edge_or_node = edge_or_node


class DerivedQuantizationSpec(QuantizationSpec):
    pass


class QuantizationAnnotation:
    def __init__(self, input_qspec_map, output_qspec, allow_implicit_sharing, annotated):
        self.input_qspec_map, self.output_qspec = input_qspec_map, output_qspec
        self.allow_implicit_sharing, self._annotated = allow_implicit_sharing, annotated


class Operator:
    """An operator that this torch does not have."""

    def __init__(self, name):
        self.__module__, self.__name__ = "later_torch", name.replace(".", "_")
        self.words = name

    def __call__(self, *args):
        raise NotImplementedError(self.words)

    def __str__(self):
        return self.words


def module_of(recorded):
    """The recorded graph as a torch.fx.GraphModule, with annotations and shapes in the nodes' meta."""
    return Rebuilt(recorded).module


class Rebuilt:
    def __init__(self, recorded):
        self.graph, self.nodes = torch.fx.Graph(), {}
        self.specs = [self.spec(spec) for spec in recorded["specs"]]
        constants = {}
        for node in recorded["nodes"]:
            made = self.node(node)
            if node["op"] == "get_attr":
                constants[node["target"]] = made.meta["val"]
        for node in recorded["nodes"]:
            if "annotation" in node:
                self.nodes[node["name"]].meta["quantization_annotation"] = self.annotation(node["annotation"])
        self.module = torch.fx.GraphModule(constants, self.graph)

    def node(self, node):
        args = tuple(self.argument(arg) for arg in node["args"])
        kwargs = {key: self.argument(value) for key, value in node.get("kwargs", {}).items()}
        target = operator(node["target"]) if node["op"] == "call_function" else node["target"]
        made = self.graph.create_node(node["op"], target, args, kwargs, name=node["name"])
        made.name = node["name"]
        if "val" in node:
            made.meta["val"] = value(node["val"])
        self.nodes[node["name"]] = made
        return made

    def argument(self, arg):
        if isinstance(arg, dict):
            return self.nodes[arg["node"]]
        return [self.argument(element) for element in arg] if isinstance(arg, list) else arg

    def annotation(self, annotation):
        inputs = {self.nodes[source]: self.reference(spec) for source, spec in annotation["inputs"]}
        return QuantizationAnnotation(inputs, self.reference(annotation["output"]),
                                      annotation.get("allow_implicit_sharing", True), annotation["annotated"])

    def reference(self, reference):
        if reference is None or isinstance(reference, int):
            return reference if reference is None else self.specs[reference]
        if "shared" in reference:
            return SharedQuantizationSpec(self.place(reference["shared"]))
        members = dict(reference["derived"])
        places = [self.place(place) for place in members.pop("from")]
        return DerivedQuantizationSpec(derived_from=places, **typed(members))

    def place(self, place):
        return self.nodes[place] if isinstance(place, str) else tuple(self.nodes[name] for name in place)

    @staticmethod
    def spec(spec):
        members = dict(spec)
        observer = members.pop("observer")
        constructor = type(observer["class"], (), {})
        kwargs = {key: bound(value) for key, value in observer["kwargs"].items()}
        wrapped = types.SimpleNamespace(p=functools.partial(constructor, **kwargs))
        members.pop("kind")
        return QuantizationSpec(observer_or_fake_quant_ctr=wrapped, **typed(members))


def operator(name):
    """torch.ops.aten.relu.default of "aten.relu.default"."""
    found = torch.ops if name.startswith("aten.") else __import__(name.split(".")[0])
    try:
        return functools.reduce(getattr, name.split(".")[0 if found is torch.ops else 1:], found)
    except AttributeError:
        return Operator(name)


def value(val):
    if isinstance(val, list):
        return tuple(value(one) for one in val)
    return torch.empty(val["shape"], dtype=getattr(torch, val["dtype"]), device="meta")


def typed(members):
    """With torch's own objects for datatypes and schemes."""
    return {**members, "dtype": getattr(torch, members["dtype"]), "qscheme": SCHEMES.get(members["qscheme"])}


def bound(value):
    if isinstance(value, dict):
        return getattr(torch, value["dtype"]) if "dtype" in value else getattr(torch, value["str"].split(".")[1])
    return value
