"""Faults to put into real graphs, for the tests of fix: each breaks one place and names the node at which the
check must find it, or gives None where the graph has nothing of the kind."""
import copy

# ---- faults in annotated graphs

def calls(graph, *targets):
    return [n for n in graph["nodes"] if n.get("target") in targets and "annotation" in n]


def add_spec(graph, spec):
    graph["specs"].append(spec)
    return len(graph["specs"]) - 1


def spec_of(graph, reference):
    return graph["specs"][reference] if isinstance(reference, int) else None


def weight_entry(graph, node):
    """The entry of a node's second input, whose spec stands in the table."""
    names = [a["node"] for a in node["args"] if isinstance(a, dict) and "node" in a]
    for entry in node["annotation"].get("inputs", []):
        if len(names) > 1 and entry[0] == names[1] and isinstance(entry[1], int):
            return entry
    return None


def size_of(graph, name, axis):
    return next(n for n in graph["nodes"] if n["name"] == name)["val"]["shape"][axis]


def free_output(graph):
    """A sigmoid or softmax whose output is observed freely."""
    for node in calls(graph, "aten.sigmoid.default", "aten.softmax.int", "aten._softmax.default"):
        spec = spec_of(graph, node["annotation"].get("output"))
        if spec and spec["observer"]["class"] == "FixedQParamsObserver":
            free = dict(spec, observer={"class": "MinMaxObserver", "kwargs": {"eps": 1e-6}})
            node["annotation"]["output"] = add_spec(graph, free)
            return node["name"]
    return None


def shifted_output(graph):
    """The prescribed parameters, but others than those."""
    for node in calls(graph, "aten.sigmoid.default", "aten.softmax.int", "aten._softmax.default"):
        spec = spec_of(graph, node["annotation"].get("output"))
        if spec and spec["observer"]["class"] == "FixedQParamsObserver":
            shifted = copy.deepcopy(spec)
            shifted["observer"]["kwargs"].update(scale=0.0117, zero_point=3)
            node["annotation"]["output"] = add_spec(graph, shifted)
            return node["name"]
    return None


CONVOLUTIONS = ("aten.conv2d.default", "aten.linear.default", "aten.convolution.default")


def broken_weight(change):
    def fault(graph):
        for node in calls(graph, *CONVOLUTIONS):
            entry = weight_entry(graph, node)
            spec = spec_of(graph, entry[1]) if entry else None
            if spec and spec["qscheme"] == "per_channel_symmetric" and "block_size" not in spec["observer"]["kwargs"]:
                wrong = copy.deepcopy(spec)
                change(graph, entry[0], wrong)
                entry[1] = add_spec(graph, wrong)
                return node["name"]
        return None
    return fault


def affine(graph, weight, spec):
    spec["qscheme"] = "per_channel_affine"


def calibrated_zero_point(graph, weight, spec):
    channels = size_of(graph, weight, spec["ch_axis"])
    del spec["observer"]
    spec.update(scale=[0.01 + c / 1000 for c in range(channels)], zero_point=[0] * (channels - 1) + [5])


def other_axis(graph, weight, spec):
    spec["ch_axis"] = 1


def far_axis(graph, weight, spec):
    spec["ch_axis"] = 9


def lost_axis(graph, weight, spec):
    channels = size_of(graph, weight, spec["ch_axis"])
    shape = next(n for n in graph["nodes"] if n["name"] == weight)["val"]["shape"]
    if shape.count(channels) > 1:
        return
    del spec["observer"]
    spec.update(ch_axis=len(shape) + 2, scale=[0.01] * channels, zero_point=[0] * channels)


def own_observer(graph):
    """A reshape or transpose whose output is observed apart from its input."""
    moves = ("aten.permute.default", "aten.reshape.default", "aten.view.default", "aten.transpose.int",
             "aten.max_pool2d.default", "aten.unsqueeze.default", "aten.squeeze.dims")
    for node in calls(graph, *moves):
        if isinstance(node["annotation"].get("output"), dict):
            apart = next((s for s in graph["specs"] if s["qscheme"] == "per_tensor_affine" and
                          s["observer"]["class"] == "MovingAverageMinMaxObserver"), None)
            if apart:
                node["annotation"]["output"] = add_spec(graph, copy.deepcopy(apart))
                return node["name"]
    return None


def wrong_bias(graph):
    """A calibrated convolution whose bias has twice the scale that it should."""
    for node in calls(graph, *CONVOLUTIONS):
        inputs = node["annotation"].get("inputs", [])
        if len(inputs) != 3 or any(e[1] is None for e in inputs):
            continue
        x, w, b = (copy.deepcopy(spec_of(graph, e[1])) for e in inputs)
        if x is None or w is None or w["qscheme"] != "per_channel_symmetric" or w["observer"]["kwargs"].get("block_size"):
            continue
        channels = size_of(graph, inputs[1][0], w["ch_axis"])
        x.pop("observer"), w.pop("observer")
        x.update(scale=0.02, zero_point=7)
        w.update(scale=[0.01 + c / 1000 for c in range(channels)], zero_point=[0] * channels)
        inputs[0][1], inputs[1][1] = add_spec(graph, x), add_spec(graph, w)
        inputs[2][1] = {"dtype": "int32", "quant_min": -2147483648, "quant_max": 2147483647,
                        "qscheme": "per_channel_symmetric", "ch_axis": 0,
                        "scale": [s * 0.04 for s in w["scale"]], "zero_point": [0] * channels}
        return node["name"]
    return None


TEXT_FAULTS = {
    "free output": ("SG401", free_output, []),
    "shifted output": ("SG401", shifted_output, []),
    "affine weight": ("SG201", broken_weight(affine), []),
    "zero point of a symmetric weight": ("SG406", broken_weight(calibrated_zero_point), []),
    "axis of a weight": ("SG204", broken_weight(other_axis), []),
    "axis that does not exist": ("SG209", broken_weight(lost_axis), []),
    "axis that does not exist, before calibration": ("SG209", broken_weight(far_axis), []),
    "output observed apart": ("SG301", own_observer, []),
    "bias scale": ("SG407", wrong_bias, []),
}


# ---- faults in ONNX models: single bytes and numbers where they stand

def pairs(model, op):
    """Every node of a kind with the Quantize of its result and the Dequantizes of its inputs."""
    quantize = {n.inputs[0]: n for n in model.nodes if n.op == "QuantizeLinear"}
    dequantize = {n.outputs[0]: n for n in model.nodes if n.op == "DequantizeLinear"}
    for node in model.nodes:
        if node.op == op:
            yield node, quantize.get(node.outputs[0]), [dequantize.get(i) for i in node.inputs]


def has_data(model, name, kind):
    return name in model.tensors and model.tensors[name].type == kind and model.tensors[name].payload[0] in (4, 9)


def scaled_output(model):
    for op in ("Softmax", "Sigmoid", "Tanh"):
        for node, out, _ in pairs(model, op):
            if out and has_data(model, out.inputs[1], 1):
                model.set_float(out.inputs[1], 0, 0.0117)
                return node.name
    return None


def doubled_bias(model):
    for node, _, inputs in pairs(model, "Conv"):
        if len(inputs) == 3 and inputs[2] and has_data(model, inputs[2].inputs[1], 1):
            for i, scale in enumerate(model.floats(inputs[2].inputs[1])):
                model.set_float(inputs[2].inputs[1], i, 2 * scale)
            return node.name
    return None


def moved_zero_point(model):
    """One channel of a per-channel int8 weight gets zero point 5."""
    for node, _, inputs in pairs(model, "Conv"):
        if len(inputs) > 1 and inputs[1] and len(inputs[1].inputs) == 3:
            zero = model.tensors.get(inputs[1].inputs[2])
            # One byte an element, as raw bytes or as small varints.
            if zero and zero.type == 3 and zero.dims and zero.payload[2] - zero.payload[1] == zero.dims[0] > 1:
                model.data[zero.payload[1]] = 5
                return node.name
    return None


def wrong_axis(model):
    """An axis with another size than there are scales."""
    for node, _, inputs in pairs(model, "Conv"):
        if len(inputs) < 2 or not inputs[1] or inputs[1].attributes.get("axis") is None:
            continue
        weight = model.tensors.get(inputs[1].inputs[0])
        if weight and weight.dims[0] > 1 and weight.dims.count(weight.dims[0]) == 1:
            model.data[inputs[1].attributes["axis"]] = 1
            return inputs[1].name
    return None


def requantized_output(model):
    """A tensor that is only moved gets a Quantize with other parameters; its scale must be its own."""
    for op in ("DepthToSpace", "Transpose", "Reshape", "MaxPool"):
        for node, out, inputs in pairs(model, op):
            if out and inputs[0] and out.inputs[1] != inputs[0].inputs[1] and has_data(model, out.inputs[1], 1):
                model.set_float(out.inputs[1], 0, 1.7 * model.floats(inputs[0].inputs[1])[0])
                return node.name
    return None


def foreign_scale(model):
    """A Dequantize behind a Quantize reads another tensor's scale."""
    written = {n.outputs[0]: n for n in model.nodes if n.op == "QuantizeLinear"}
    scalars = [n for n in model.tensors if has_data(model, n, 1) and model.tensors[n].dims == []]
    for node in model.nodes:
        quantize = written.get(node.inputs[0]) if node.op == "DequantizeLinear" else None
        if quantize is None or quantize.inputs[1] != node.inputs[1] or node.inputs[1] not in scalars:
            continue
        own = model.floats(node.inputs[1])[0]
        for other in scalars:  # of a name as long, to fit in where it stands
            if len(other) == len(node.inputs[1]) and not 0.5 < model.floats(other)[0] / own < 2:
                at = node.input_offsets[1]
                model.data[at:at + len(other)] = other.encode()
                return next(n.name for n in model.nodes if node.outputs[0] in n.inputs)
    return None


def stretched_output(factor):
    """A sigmoid or softmax whose scale covers more or less than it can reach."""
    def fault(model):
        for op in ("Softmax", "Sigmoid"):
            for node, out, _ in pairs(model, op):
                if out and has_data(model, out.inputs[1], 1):
                    model.set_float(out.inputs[1], 0, factor * model.floats(out.inputs[1])[0])
                    return node.name
        return None
    return fault


MODEL_FAULTS = {
    "output of a fixed range": ("SG401", scaled_output, ["--pipeline", "qairt"]),
    "bias scale of a model": ("SG407", doubled_bias, ["--pipeline", "qairt"]),
    "zero point of a stored weight": ("SG201", moved_zero_point, ["--pipeline", "qairt", "--unsafe"]),
    "axis of a stored weight": ("SG404", wrong_axis, []),
    "requantized movement": ("SG305", requantized_output, []),
    "scale of another tensor": ("SG304", foreign_scale, ["--unsafe"]),
    "range that is never used": ("SG909", stretched_output(4), ["--extend-select", "SG909"]),
    "range that is cut": ("SG908", stretched_output(0.5), ["--extend-select", "SG908"]),
}
