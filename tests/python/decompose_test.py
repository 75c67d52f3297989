#!/usr/bin/env python3
"""What `annotate` writes otherwise before it annotates computes what it did: every operator that is written out, every
number that becomes a constant and every batch norm that is folded, before and after, in torch.

The operators are those of rules/quantize/annotate-*.json; one without an example in decompose_examples.py is a failure.
"""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from found_torch import torch  # first: it ends the test where there is no torch

import decompose_examples as examples
from aten_graph import Computation, Writer, described, reads, sources

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = os.path.abspath(os.environ["SNAPGAUGE"])
SOCS = {"htp": "SM8750", "lpai": "SM8850"}
RULES = {backend: json.loads((ROOT / f"rules/quantize/annotate-{backend}.json").read_text(encoding="utf-8"))
         for backend in SOCS}

EXAMPLES = [*examples.WRITTEN_OUT, *examples.LIFTED, *examples.FOLDED, *examples.STANDING, *examples.KEPT,
            *examples.READ_AGAIN]
EVERY = None
# What snapgauge does not get right yet: operators, their examples, and why. One that passes has no place here.
FAULTS = (
    ("aten.remainder.Scalar aten.div.Scalar_mode aten.div_.Scalar_mode", ("a quotient just below one",),
     "the quotient is rounded before it is floored"),
    ("aten.div.Tensor_mode aten.div_.Tensor_mode", ("by infinity",), "the quotient is -0, where torch floors to -1"),
    ("aten.addmm.default", ("nothing of the first",), "0 times infinity is no number, where torch reads nothing"),
    ("aten.acosh.default aten.asinh.default", ("squares overflow",), "the square of the operand is infinite"),
    ("aten.asinh.default", ("sums vanish",), "x + sqrt(x * x + 1) is 0 far below 0: the logarithm is -inf"),
)
# Rows of the op map that say what is judged but not yet every number: these operators are not written out.
WAITING = {f"aten.{op}" for op in (
    "roll.default select_scatter.default diagonal.default diagonal_copy.default pdist.default _pdist_forward.default "
    "tril.default triu.default max_pool3d.default atan2.default var.default var.dim var.correction").split()}
WRITTEN_OUT = [call for call in examples.WRITTEN_OUT if call.op not in WAITING]
# Quotients of integers are not what the parts compute; arguments by name are read where the row says so.
STAYING = [call for call in WRITTEN_OUT if call.case in ("integers", "by keyword")]
WRONG = {call.title: why for ops, cases, why in FAULTS for call in EXAMPLES
         if call.op in ops.split() and call not in examples.KEPT and (cases is EVERY or call.case in cases)}


def listed(backend, section):
    return RULES[backend][section]["aten"]


def annotated(graph, backend):
    with tempfile.TemporaryDirectory() as folder:
        path, out = pathlib.Path(folder, "float.sgraph.json"), pathlib.Path(folder, "annotated.sgraph.json")
        path.write_text(json.dumps(graph), encoding="utf-8")
        subprocess.run([PROGRAM, "annotate", str(path), "--backend", backend, "--soc", SOCS[backend], "--warn",
                        "--isolated", "-o", str(out)], stdout=subprocess.DEVNULL, check=True)
        return json.loads(out.read_text(encoding="utf-8"))


def unresolved(nodes):
    """What nodes read of results that no node before them has."""
    there = set()
    for node in nodes:
        for name in reads(node):
            if name not in there:
                yield f"{node['name']} reads {name}"
        results = len(node["val"]) if isinstance(node.get("val"), list) else 1
        there |= {node["name"], *(f"{node['name']}:{index}" for index in range(1, results))}


def remains(node, backend):
    """Whether annotate should have written this node otherwise."""
    if node.get("target") in listed(backend, "decompose"):
        return True
    row = listed(backend, "lift").get(node.get("target"))
    if row is None:
        return False
    numbers = [arg for i, arg in enumerate(node["args"]) if i in row["operands"] and not sources(arg)]
    return bool(numbers or node.get("kwargs", {}).keys() - {"alpha"}) or "to" in row


def difference(expected, actual):
    if expected.shape != actual.shape or expected.dtype != actual.dtype:
        return f"{actual.dtype} {list(actual.shape)} instead of {expected.dtype} {list(expected.shape)}"
    if torch.allclose(actual.double(), expected.double(), rtol=1e-5, atol=1e-6, equal_nan=True):
        return None
    close = torch.isclose(actual.double(), expected.double(), rtol=1e-5, atol=1e-6, equal_nan=True)
    return f"{actual[~close].flatten()[0]} instead of {expected[~close].flatten()[0]}"


class Rewritten:
    """A graph of calls as it was, and as annotate wrote it."""

    def __init__(self, calls, backend):
        writer = Writer()
        before = writer.graph(calls)
        self.backend, self.nodes = backend, annotated(before, backend)["nodes"]
        self.before = Computation(before["nodes"], writer.inputs)
        self.after = Computation(self.nodes, writer.inputs)
        # What is written out has other names; the results are still in their places.
        results = next(node for node in self.nodes if node["op"] == "output")["args"][0]
        self.result_of = {call.name: result["node"] for call, result in zip(calls, results)}

    def fault(self, call):
        """What is wrong with one of the calls; None: nothing."""
        result = self.result_of[call.name]
        try:
            behind = self.after.behind(result)
            left = [node["target"] for node in behind if remains(node, self.backend)]
            if left:
                return f"{', '.join(left)} is still there"
            return difference(self.before.value(call.name), self.after.value(result)) or self.misdescribed(behind)
        except (ArithmeticError, LookupError, TypeError, ValueError, RuntimeError) as error:
            return f"cannot be computed: {str(error).splitlines()[0]}"

    def misdescribed(self, nodes):
        """The first result that the file says to have another shape or type than it has."""
        for node in nodes:
            values = self.after.all_of(node["name"])
            actual = [described(value) for value in values] if isinstance(values, (list, tuple)) else described(values)
            if actual != node["val"]:
                return f"{node['name']} is {actual} and not {node['val']}"
        return None


class Decompose(unittest.TestCase):
    def same(self, calls, backend):
        rewritten = Rewritten(calls, backend)
        self.assertEqual([], list(unresolved(rewritten.nodes)))
        faults = {call.title: rewritten.fault(call) for call in calls}
        lines = [f"{title}: {fault}" for title, fault in faults.items() if fault and title not in WRONG]
        lines += [f"{title}: is right by now, strike it from FAULTS" for title in WRONG
                  if faults.get(title, "") is None]
        if lines:
            self.fail("\n".join([f"{len(lines)} of {len(calls)}", *lines]))
        return rewritten

    def test_every_operator_has_an_example(self):
        for section, calls in ("decompose", WRITTEN_OUT), ("lift", examples.LIFTED):
            rows = {op for backend in SOCS for op in listed(backend, section)}
            shown = {call.op for call in calls}
            self.assertEqual([], sorted(rows - shown), f"{section}: rows without an example in decompose_examples.py")
            self.assertEqual([], sorted(shown - rows), f"{section}: examples of operators that have no row")

    def test_examples_have_titles_of_their_own(self):
        titles = [call.title for call in EXAMPLES]
        self.assertEqual(sorted(set(titles)), sorted(titles))
        named = {f"{op}, {case}" for ops, cases, _ in FAULTS for op in ops.split() for case in cases or ()}
        self.assertEqual(set(), named - set(titles), "FAULTS names examples that there are not")

    def test_operators_that_are_written_out(self):
        for backend in SOCS:
            with self.subTest(backend):
                self.same([call for call in WRITTEN_OUT
                           if call.op in listed(backend, "decompose") and call not in STAYING], backend)

    def test_numbers_that_become_constants(self):
        for backend in SOCS:
            with self.subTest(backend):
                self.same([call for call in examples.LIFTED if call.op in listed(backend, "lift")], backend)

    def test_forms_that_stay(self):
        for backend in SOCS:
            calls = [call for call in [*examples.KEPT, *STAYING]
                     if call.op in {*listed(backend, "decompose"), *listed(backend, "lift")}]
            rewritten = Rewritten(calls, backend)
            for call in calls:
                with self.subTest(call.title, backend=backend):
                    self.assertEqual(f"{call.op} is still there", rewritten.fault(call))

    def test_operators_in_place_stay_where_their_operand_is_read_again(self):
        for backend in SOCS:
            rewritten = Rewritten(examples.READ_AGAIN, backend)
            for call in examples.READ_AGAIN:
                with self.subTest(call.title, backend=backend):
                    self.assertRegex(rewritten.fault(call), "_\\..* is still there")

    def test_batch_norms_that_are_folded(self):
        for backend in SOCS:
            with self.subTest(backend):
                nodes = self.same(examples.FOLDED, backend).nodes
                self.assertNotIn("aten.batch_norm.default", [node.get("target") for node in nodes])

    def test_batch_norms_that_stand_alone(self):
        for backend in SOCS:
            with self.subTest(backend):
                self.same(examples.STANDING, backend)


if __name__ == "__main__":
    unittest.main()
