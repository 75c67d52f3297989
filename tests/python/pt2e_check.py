#!/usr/bin/env python3
"""The gate in PT2E itself: real exports, quantizers and specs. scripts/check_torch runs it where there is a torch that
has them; SNAPGAUGE names the program.
"""
import logging
import os
import pathlib
import sys
import unittest

import torch
from torch.ao.quantization.fake_quantize import FakeQuantize
from torch.ao.quantization.observer import (
    FixedQParamsObserver, HistogramObserver, MovingAverageMinMaxObserver, PerChannelMinMaxObserver)
from torch.ao.quantization.quantize_pt2e import convert_pt2e, prepare_pt2e
from torch.ao.quantization.quantizer import (
    DerivedQuantizationSpec, FixedQParamsQuantizationSpec, QuantizationAnnotation, QuantizationSpec, Quantizer,
    SharedQuantizationSpec)
from torch.ao.quantization.quantizer.xnnpack_quantizer import XNNPACKQuantizer, get_symmetric_quantization_config

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "python"))
from snapgauge_gate import GateError, dump, gate, validate  # noqa: E402

PROGRAM = os.environ.get("SNAPGAUGE", "snapgauge")
aten = torch.ops.aten
IMAGE = (torch.linspace(-1, 1, 2 * 3 * 16 * 16).reshape(2, 3, 16, 16),)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.norm = torch.nn.BatchNorm2d(8)
        self.head = torch.nn.Linear(8 * 8 * 8, 10)

    def forward(self, x):
        x = torch.nn.functional.max_pool2d(torch.relu(self.norm(self.conv(x))), 2)
        return torch.sigmoid(self.head(x.flatten(1)))


def exported(model, inputs, **options):
    return torch.export.export_for_training(model.eval(), inputs, strict=True, **options).module()


def spec(dtype, low, high, qscheme, observer=HistogramObserver, **members):
    return QuantizationSpec(dtype=dtype, observer_or_fake_quant_ctr=observer.with_args(eps=2**-20), quant_min=low,
                            quant_max=high, qscheme=qscheme, **members)


class NpuQuantizer(Quantizer):
    """8 bits as a Qualcomm-style NPU takes them: activations affine, weights symmetric per channel, derived biases."""

    weight = spec(torch.int8, -127, 127, torch.per_channel_symmetric, PerChannelMinMaxObserver, ch_axis=0)
    activation = spec(torch.uint8, 0, 255, torch.per_tensor_affine)
    unit = QuantizationSpec(
        dtype=torch.uint8, quant_min=0, quant_max=255, qscheme=torch.per_tensor_affine,
        observer_or_fake_quant_ctr=FixedQParamsObserver.with_args(
            scale=1 / 256, zero_point=0, dtype=torch.uint8, quant_min=0, quant_max=255,
            qscheme=torch.per_tensor_affine))

    def annotate(self, model):
        for node in model.graph.nodes:
            if node.target in (aten.conv2d.default, aten.linear.default):
                self.set(node, dict(zip(node.args, (self.activation, self.weight, self.bias(node)))), self.activation)
            elif node.target is aten.relu.default:
                self.set(node, {node.args[0]: self.activation}, self.activation)
            elif node.target in (aten.max_pool2d.default, aten.flatten.using_ints):
                shared = SharedQuantizationSpec((node.args[0], node))
                self.set(node, {node.args[0]: self.activation}, shared)
            elif node.target is aten.sigmoid.default:
                self.set(node, {node.args[0]: self.activation}, self.unit)
        return model

    @staticmethod
    def set(node, inputs, output):
        node.meta["quantization_annotation"] = QuantizationAnnotation(inputs, output, _annotated=True)

    def bias(self, node):
        def product(observers):
            (scale, _), (weights, _) = (observer.calculate_qparams() for observer in observers)
            return (scale * weights).to(torch.float32), torch.zeros(weights.numel(), dtype=torch.int32)

        return DerivedQuantizationSpec(
            derived_from=[(node.args[0], node), (node.args[1], node)], derive_qparams_fn=product, dtype=torch.int32,
            quant_min=-(2**31), quant_max=2**31 - 1, qscheme=torch.per_channel_symmetric, ch_axis=0)

    def validate(self, model):
        self.validated = model


class CarelessQuantizer(NpuQuantizer):
    """Weights that are affine, biases left in float, and a sigmoid that is observed freely."""

    weight = spec(torch.uint8, 0, 255, torch.per_channel_affine, PerChannelMinMaxObserver, ch_axis=0)
    unit = NpuQuantizer.activation

    def bias(self, node):
        return None


class Prepared(unittest.TestCase):
    def strict_error(self, quantizer, model=None, **options):
        with self.assertRaises(GateError) as raised:
            prepare_pt2e(model or exported(Net(), IMAGE), gate(quantizer, program=PROGRAM, **options))
        error = raised.exception
        for finding in error.findings:
            for words in (finding["code"], finding["node"], finding["message"], finding["expected"], finding["actual"]):
                self.assertIn(words, str(error))
        return error

    def test_good_quantizer_passes(self):
        quantizer = NpuQuantizer()
        gated = gate(quantizer, program=PROGRAM)
        self.assertIsInstance(gated, Quantizer)
        prepared = prepare_pt2e(exported(Net(), IMAGE), gated)
        self.assertTrue(hasattr(quantizer, "validated"))
        prepared(*IMAGE)
        self.assertEqual((2, 10), convert_pt2e(prepared)(*IMAGE).shape)

    def test_careless_quantizer_is_refused_with_all_findings(self):
        error = self.strict_error(CarelessQuantizer())
        print(f"\n{error}")
        self.assertEqual("rejected", error.verdict)
        self.assertEqual({"conv2d", "linear", "sigmoid"}, {finding["node"] for finding in error.findings})

    def test_other_target(self):
        self.strict_error(XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True)))
        error = self.strict_error(CarelessQuantizer(), backend="lpai", soc="SM8850")
        self.assertEqual(("lpai", "SM8850"), (error.report["target"]["backend"], error.report["target"]["soc"]))

    def test_warn_logs_and_goes_on(self):
        quantizer = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
        gated = gate(quantizer, strict=False, program=PROGRAM)
        self.assertIsInstance(gated, XNNPACKQuantizer)
        with self.assertLogs("snapgauge", logging.WARNING) as logs:
            prepared = prepare_pt2e(exported(Net(), IMAGE), gated)
        self.assertEqual([str(self.strict_error(quantizer))], [record.getMessage() for record in logs.records])
        prepared(*IMAGE)
        convert_pt2e(prepared)(*IMAGE)

    def test_dynamic_quantization(self):
        config = get_symmetric_quantization_config(is_per_channel=True, is_dynamic=True)
        self.assertNotEqual("unreadable", self.strict_error(XNNPACKQuantizer().set_global(config)).verdict)


class Odd(torch.nn.Module):
    """What exported graphs hold beside plain calls on tensors."""

    def __init__(self):
        super().__init__()
        self.register_buffer("gain", torch.tensor([0.5, 2.0]))

    def forward(self, x, mask):
        first, second = torch.chunk(x, 2, dim=1)
        y = (first.reshape(first.shape[0], -1) * self.gain[1]).to(torch.float32)
        z = second[:, 1:].clone(memory_format=torch.contiguous_format)
        return {"y": y.masked_fill(mask, float("-inf")), "z": (z,)}


def odd():
    inputs = (torch.zeros(2, 4), torch.zeros(2, 2, dtype=torch.bool))
    batch = torch.export.Dim("batch", min=2, max=64)
    module = exported(Odd(), inputs, dynamic_shapes={"x": {0: batch}, "mask": {0: batch}})
    return module, {node.name: node for node in module.graph.nodes}


class Documented(unittest.TestCase):
    def test_docs_show_what_comes(self):
        blocks = (ROOT / "docs/torch.md").read_text(encoding="utf-8").split("```")
        example, said = blocks[1].removeprefix("python\n"), blocks[3].strip("\n")
        with self.assertRaises(GateError) as raised:
            exec(compile(example, "docs/torch.md", "exec"), {})
        self.assertEqual(said, f"snapgauge_gate.GateError: {raised.exception}")


class Dumped(unittest.TestCase):
    def test_everything_can_be_read(self):
        module, live = odd()
        NpuQuantizer.set(live["mul"], {}, NpuQuantizer.activation)
        with self.assertRaises(GateError) as raised:
            validate(module, program=PROGRAM)
        self.assertEqual("rejected", raised.exception.verdict)
        nodes = {node["name"]: node for node in dump(module)["nodes"]}
        symbol = nodes["x"]["val"]["shape"][0]
        self.assertIsInstance(symbol, str)
        self.assertEqual({"shape": [symbol, 4], "dtype": "float32"}, nodes["x"]["val"])
        self.assertEqual([0.5, 2.0], nodes["gain"]["data"])
        self.assertEqual([{"shape": [symbol, 2], "dtype": "float32"}] * 2, nodes["chunk"]["val"])
        self.assertEqual("_operator.getitem", nodes["getitem_1"]["target"])
        self.assertEqual([{"node": "chunk"}, 1], nodes["getitem_1"]["args"])
        written = str(list(nodes.values()))
        for words in ("{'float': '-inf'}", "{'dtype': 'float32'}", "{'str': 'torch.contiguous_format'}", "'kwargs'"):
            self.assertIn(words, written)
        self.assertNotIn("val", nodes["output"])
        self.assertEqual(dump(odd()[0]), dump(odd()[0]))

    def test_constants_without_values(self):
        module, _ = odd()
        module.gain = torch.zeros(2, device="meta")
        self.assertNotIn("data", next(node for node in dump(module)["nodes"] if node["name"] == "gain"))
        with torch._subclasses.FakeTensorMode():
            module.gain = torch.zeros(2)
        self.assertNotIn("data", next(node for node in dump(module)["nodes"] if node["name"] == "gain"))

    def test_specs(self):
        fixed = FixedQParamsQuantizationSpec(dtype=torch.uint8, scale=1 / 256, zero_point=0, quant_min=0, quant_max=255,
                                             qscheme=torch.per_tensor_affine)
        fake = QuantizationSpec(dtype=torch.int8, observer_or_fake_quant_ctr=FakeQuantize.with_args(
            observer=MovingAverageMinMaxObserver.with_args(eps=2**-12), averaging_constant=0.1))
        module, live = odd()
        x = live["x"]
        x.meta["quantization_annotation"] = QuantizationAnnotation({}, fixed, _annotated=True)
        live["mask"].meta["quantization_annotation"] = QuantizationAnnotation(
            {x: fake}, SharedQuantizationSpec(x), False, True)
        graph = dump(module)
        self.assertEqual([
            {"kind": "fixed", "dtype": "uint8", "quant_min": 0, "quant_max": 255, "qscheme": "per_tensor_affine",
             "scale": 1 / 256, "zero_point": 0, "is_dynamic": False},
            {"kind": "spec", "dtype": "int8", "quant_min": None, "quant_max": None, "qscheme": None, "ch_axis": None,
             "is_dynamic": False, "observer": {"class": "FakeQuantize", "kwargs": {
                 "observer": {"str": "MovingAverageMinMaxObserver"}, "averaging_constant": 0.1}}}], graph["specs"])
        mask = next(node for node in graph["nodes"] if node["name"] == "mask")
        self.assertEqual({"inputs": [["x", 1]], "output": {"shared": "x"}, "annotated": True,
                          "allow_implicit_sharing": False}, mask["annotation"])


if __name__ == "__main__":
    print(f"torch {torch.__version__}, python {sys.version.split()[0]}")
    unittest.main()
