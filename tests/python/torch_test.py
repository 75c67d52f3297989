#!/usr/bin/env python3
"""The gate on torch.fx graphs: recorded annotation dumps, rebuilt as live graphs, are dumped and judged as the files.

Skipped where there is no torch: found_torch.py.
"""
import copy
import json
import logging
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from found_torch import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "python"))
import recorded  # noqa: E402
import snapgauge_gate  # noqa: E402

PROGRAM = os.path.abspath(os.environ["SNAPGAUGE"])
DATA = ROOT / "tests/data"
ANNOTATED = sorted((DATA / "annotations").glob("*.json"))
EDITED = "vit_tiny.htp.8a8w", "kws_dscnn.htp.8a8w", "bert_tiny.lpai.8a8w", "unet.lpai.8a8w"
# What the recording says beside the graph: how it was made, and what became of it later.
NOT_OF_THE_GRAPH = "config", "settings", "made_with", "prepared"

silent = logging.getLogger("silent")
silent.disabled = True


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def judged(path, backend, soc):
    options = "--isolated", "--output-format=json", f"--backend={backend}", f"--soc={soc}"
    run = subprocess.run([PROGRAM, "check", *options, str(path)], stdout=subprocess.PIPE, check=False)
    return json.loads(run.stdout)


def said(report):
    """All but the places, which are those of another file."""
    report = copy.deepcopy(report)
    for file in report["files"]:
        del file["path"]
        for finding in file["findings"]:
            finding.pop("location", None)
    return report


def edited(graph, case):
    """The recorded graph with one edge or output of another spec."""
    graph = copy.deepcopy(graph)
    graph["specs"].append(case["spec"])
    new = len(graph["specs"]) - 1
    annotation = next(node for node in graph["nodes"] if node["name"] == case["node"])["annotation"]
    if case["edge"] == "output":
        annotation["output"] = new
    else:
        for edge in annotation["inputs"]:
            edge[1] = new if edge[0] == case["edge"] else edge[1]
    return graph


class Recorded(unittest.TestCase):
    def same_report(self, graph, path, backend, soc):
        theirs, text = judged(path, backend, soc), ""
        try:
            ours = snapgauge_gate.validate(recorded.module_of(graph), backend, soc, program=PROGRAM, logger=silent)
        except snapgauge_gate.GateError as error:
            ours, text = error.report, str(error)
        self.assertEqual(said(theirs), said(ours))
        verdict = theirs["files"][0]["verdict"]
        self.assertEqual(verdict == "accepted", not text)
        for finding in theirs["files"][0]["findings"] if text else []:
            self.assertIn(finding["message"], text)
        return verdict

    def test_dumps_are_the_recorded_files(self):
        for path in ANNOTATED:
            with self.subTest(path.name):
                graph = read(path)
                ours = snapgauge_gate.dump(recorded.module_of(graph), model=graph["model"], backend=graph["backend"],
                                           soc=graph["soc"])
                self.assertEqual({"torch": torch.__version__}, ours.pop("made_with"))
                self.assertEqual({key: graph[key] for key in graph if key not in NOT_OF_THE_GRAPH}, ours)

    def test_reports_are_those_of_the_recorded_files(self):
        verdicts = []
        for path in ANNOTATED:
            graph = read(path)
            for soc in [graph["soc"]] + (["SM8350"] if graph["backend"] == "htp" else []):
                with self.subTest(path.name, soc=soc):
                    verdicts.append(self.same_report(graph, path, graph["backend"], soc))
        print("as recorded:", {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))})
        self.assertLessEqual({"accepted", "rejected"}, set(verdicts))

    def test_reports_are_those_of_edited_files(self):
        verdicts = []
        for name in EDITED:
            cases = read(DATA / "verdicts" / f"{name}.json")["cases"]
            graph = read(DATA / "annotations" / f"{name}.json")
            for case in cases:
                if case.get("spec") is None:
                    continue
                with self.subTest(name, case=case["case"]), tempfile.TemporaryDirectory() as folder:
                    changed, path = edited(graph, case), pathlib.Path(folder, "edited.json")
                    path.write_text(json.dumps(changed), encoding="utf-8")
                    verdicts.append(self.same_report(changed, path, graph["backend"], graph["soc"]))
        print("edited:", {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))})
        self.assertIn("rejected", verdicts)


class Traced(unittest.TestCase):
    """A graph that nobody exported: modules and methods are calls, shapes come from torch.fx's own propagation."""

    def setUp(self):
        class Model(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.linear = torch.nn.Linear(4, 2)
                self.register_buffer("gain", torch.tensor([0.5, float("inf")]))
                self.register_buffer("mask", torch.tensor([True, False]))

            def forward(self, x):
                return {"y": (self.linear(x).tanh() * self.gain).masked_fill(self.mask, float("-inf"))}

        self.module = torch.fx.symbolic_trace(Model())
        from torch.fx.passes.shape_prop import ShapeProp
        ShapeProp(self.module).propagate(torch.zeros(3, 4))
        spec = recorded.QuantizationSpec(dtype=torch.uint8, scale=torch.tensor(0.5), zero_point=torch.tensor(3.0),
                                         quant_min=0, quant_max=255, qscheme=torch.per_tensor_affine)
        self.nodes = {node.name: node for node in self.module.graph.nodes}
        self.nodes["mul"].meta["quantization_annotation"] = recorded.QuantizationAnnotation({}, spec, False, True)

    def test_dump(self):
        graph = snapgauge_gate.dump(self.module)
        nodes = {node["name"]: node for node in graph["nodes"]}
        self.assertEqual([{"kind": "fixed", "dtype": "uint8", "quant_min": 0, "quant_max": 255,
                           "qscheme": "per_tensor_affine", "scale": 0.5, "zero_point": 3, "is_dynamic": False}],
                         graph["specs"])
        self.assertEqual({"name": "tanh", "op": "call_function", "target": "Tensor.tanh", "args": [{"node": "linear"}],
                          "val": {"shape": [3, 2], "dtype": "float32"}}, nodes["tanh"])
        self.assertEqual([0.5, {"float": "inf"}], nodes["gain"]["data"])
        self.assertEqual([1, 0], nodes["mask"]["data"])
        self.assertEqual([{"node": "mask"}, {"float": "-inf"}], nodes["masked_fill"]["args"][1:])
        self.assertEqual({"inputs": [], "output": 0, "annotated": True, "allow_implicit_sharing": False},
                         nodes["mul"]["annotation"])
        self.assertEqual([[{"node": "masked_fill"}]], nodes["output"]["args"])

    def test_what_no_table_knows_is_unknown(self):
        with self.assertRaises(snapgauge_gate.GateError) as raised:
            snapgauge_gate.validate(self.module, program=PROGRAM)
        self.assertEqual("incomplete", raised.exception.verdict)
        self.assertIn("unknown node tanh (Tensor.tanh): ", str(raised.exception))


if __name__ == "__main__":
    unittest.main()
