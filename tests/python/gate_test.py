#!/usr/bin/env python3
"""The gate without torch: objects that look like torch's, programs that misbehave, and what its errors and logs say."""
import functools
import gc
import json
import logging
import os
import pathlib
import pickle
import stat
import subprocess
import sys
import tempfile
import textwrap
import unittest
import unittest.mock
from types import SimpleNamespace as Thing

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "python"))
import snapgauge_gate as sg  # noqa: E402

PROGRAM = os.path.abspath(os.environ["SNAPGAUGE"])
HOSTILE = ("", "a b", 'q"uote\\', "tab\tnew\nline", "nul\0", "\x1b[31mred", "\u202egnp.exe", "ünï", "\U0001f600",
           "\ud800", "::error::x", "$(touch x)", "--help", "x" * 100000)


class Named:
    """torch.uint8, torch.per_tensor_affine: an object that str() names."""

    def __init__(self, name):
        self.name_ = name

    def __str__(self):
        return self.name_


class dtype(Named):  # noqa: N801  # torch's class has this name
    pass


class Node:
    def __init__(self, name, op="call_function", target="", args=(), kwargs=None, **meta):
        self.name, self.op, self.target, self.args, self.kwargs, self.meta = name, op, target, args, kwargs or {}, meta


class Observer:
    pass


class Wrapped:
    """torch's own wrapper of a partial."""

    def __init__(self, p):
        self.p = p

    def __call__(self):
        raise AssertionError("the gate makes no observers")


class Symbol:
    """torch.SymInt: an open size, or one that turned out to be constant."""

    def __init__(self, name, constant=None):
        self.name_, self.node = name, Thing(maybe_as_int=lambda: constant)

    def __str__(self):
        return self.name_


FLOAT = dtype("torch.float32")


def tensor(*shape):
    return Thing(shape=shape, dtype=FLOAT)


def spec(kind="torch.uint8", low=0, high=255, **bound):
    return Thing(dtype=dtype(kind), quant_min=low, quant_max=high, qscheme=Named("torch.per_tensor_affine"),
                 ch_axis=None, is_dynamic=False,
                 observer_or_fake_quant_ctr=Wrapped(functools.partial(Observer, **bound)))


def annotated(inputs, output):
    return Thing(input_qspec_map=inputs, output_qspec=output, allow_implicit_sharing=True, _annotated=True)


def module(*nodes, **constants):
    return Thing(graph=Thing(nodes=list(nodes)), **constants)


def relus(count, out, names=None, target="aten.relu.default"):
    """A row of calls, whose results have the spec `out`."""
    nodes = [Node("x", "placeholder", "x", val=tensor(1, 8))]
    for i in range(count):
        nodes.append(Node(names[i] if names else f"relu_{i}", "call_function", target, (nodes[-1],), val=tensor(1, 8)))
        nodes[-1].meta["quantization_annotation"] = annotated({nodes[-2]: spec() if i == 0 else out}, out)
    return module(*nodes, Node("output", "output", "output", ((nodes[-1],),)))


def good():
    return relus(2, spec())


def bad():
    """5 findings: every port but the first."""
    return relus(3, spec("torch.int32", 0, 2**20))


def unknown():
    return relus(1, spec(), target="mine.op.default")


class Dumped(unittest.TestCase):
    def node(self, **members):
        source = Node("x", "placeholder", "x")
        graph = sg.dump(module(source, Node("n", **{"args": (), **members}), Node("y")))
        return graph["nodes"][1]

    def argument(self, value):
        return self.node(args=(value,))["args"][0]

    def test_arguments(self):
        for expected, value in (
                (None, None), (True, True), (3, 3), (1.0, 1.0), ("s", "s"), (2**63 - 1, 2**70), ([0, 1], range(2)),
                ({"float": "inf"}, float("inf")), ({"float": "-inf"}, float("-inf")), ({"float": "nan"}, float("nan")),
                ([], []), ([1, [2.5, None]], (1, [2.5, None])), ({"node": "m"}, Node("m")),
                ([{"node": "m"}], {"out": Node("m")}), (7, Symbol("s1", 7)),
                ({"slice": [0, None, {"str": "s0"}]}, slice(0, None, Symbol("s0"))),
                ({"tensor": [2, "s0"]}, tensor(2, Symbol("s0"))), ({"dtype": "int8"}, dtype("torch.int8")),
                ({"str": "torch.channels_last"}, Named("torch.channels_last")), ({"str": "1j"}, 1j),
                ({"str": "<object object>"}, object()), ({"str": "functools.partial"}, functools.partial)):
            with self.subTest(value):
                self.assertEqual(expected, self.argument(value))
                self.assertEqual(type(expected), type(self.argument(value)))

    def test_targets(self):
        import operator
        for expected, op, target in (
                ("aten.add.Tensor", "call_function", Named("aten.add.Tensor")), ("a.b", "get_attr", "a.b"),
                ("_operator.getitem", "call_function", operator.getitem), ("Tensor.view", "call_method", "view"),
                (f"{__name__}.tensor", "call_function", tensor), ("conv", "call_module", "conv")):
            with self.subTest(target):
                self.assertEqual(expected, self.node(op=op, target=target)["target"])

    def test_results(self):
        both = {"shape": [1, "s0"], "dtype": "float32"}
        one = tensor(1, Symbol("s0"))
        for expected, val in ((both, one), ([both, None], (one, 3)), (None, Symbol("s0")), ([], ()),
                              ({"shape": [], "dtype": "float32"}, tensor())):
            with self.subTest(val):
                self.assertEqual(expected, self.node(val=val).get("val"))
        self.assertEqual(both, self.node(tensor_meta=one)["val"])

    def test_export_guards_are_no_part_of_the_graph(self):
        graph = sg.dump(module(Node("x", "placeholder", "x"), Node("g", "call_module", "_guards_fn")))
        self.assertEqual(["x"], [node["name"] for node in graph["nodes"]])

    def test_constants(self):
        def constant(values, shape):
            return Thing(shape=shape, dtype=FLOAT, tolist=lambda: values)

        def refused():
            raise NotImplementedError

        for expected, value in (
                ([1.5, {"float": "nan"}], constant([[1.5], [float("nan")]], (2, 1))), ([1], constant(True, ())),
                (None, constant([0.0] * 17, (17,))), (None, constant([], (0,))), (None, constant([1j], (1,))),
                (None, Thing(shape=(1,), dtype=FLOAT, tolist=refused)), (None, tensor(1))):
            with self.subTest(value):
                holder = module(Node("k", "get_attr", "sub.k"), sub=Thing(k=value))
                node = sg.dump(holder)["nodes"][0]
                self.assertEqual(expected, node.get("data"))
                self.assertEqual({"shape": list(value.shape), "dtype": "float32"}, node["val"])
        branch = module(Node("k", "get_attr", "sub"), sub=Thing(graph=None))
        for holder in (module(Node("k", "get_attr", "sub.k")), branch):
            self.assertEqual({"name", "op", "target", "args"}, set(sg.dump(holder)["nodes"][0]))

    def test_specs(self):
        x, y = Node("x", "placeholder", "x"), Node("y")
        derived = Thing(derived_from=[(x, y), y], derive_qparams_fn=min, dtype=dtype("torch.int32"), quant_min=None,
                        quant_max=None, qscheme=Named("torch.per_channel_symmetric"), ch_axis=0)
        fixed = Thing(dtype=dtype("torch.uint8"), scale=0.5, zero_point=3.0, quant_min=0, quant_max=255, qscheme=None,
                      is_dynamic=False)
        y.meta["quantization_annotation"] = annotated({x: spec(eps=0.5), y: None}, Thing(edge_or_node=x))
        z = Node("z", quantization_annotation=annotated({x: derived, y: Thing(edge_or_node=(x, y))}, fixed))
        again = Node("again", quantization_annotation=annotated({}, spec(eps=0.5)))
        again.meta["quantization_annotation"].allow_implicit_sharing = False
        graph = sg.dump(module(x, y, z, again))
        numbers = {"quant_min": 0, "quant_max": 255}
        self.assertEqual([
            {"kind": "spec", "dtype": "uint8", **numbers, "qscheme": "per_tensor_affine", "ch_axis": None,
             "is_dynamic": False, "observer": {"class": "Observer", "kwargs": {"eps": 0.5}}},
            {"kind": "fixed", "dtype": "uint8", **numbers, "qscheme": None, "scale": 0.5, "zero_point": 3,
             "is_dynamic": False},
        ], graph["specs"])
        self.assertEqual([
            {"inputs": [["x", 0], ["y", None]], "output": {"shared": "x"}, "annotated": True},
            {"inputs": [["x", {"derived": {"from": [["x", "y"], "y"], "dtype": "int32", "quant_min": None,
                                           "quant_max": None, "qscheme": "per_channel_symmetric", "ch_axis": 0}}],
                        ["y", {"shared": ["x", "y"]}]], "output": 1, "annotated": True},
            {"inputs": [], "output": 0, "annotated": True, "allow_implicit_sharing": False},
        ], [node["annotation"] for node in graph["nodes"][1:]])

    def test_observers(self):
        inner = functools.partial(Observer, eps=1, block_size=[1, 16])
        values = Thing(shape=(2,), dtype=FLOAT, tolist=lambda: [0.5, 0.25])
        fixed = Wrapped(functools.partial(Observer, scale=values, zero_point=Thing(tolist=lambda: 128.0)))
        for expected, constructor in (
                ({}, Observer), ({"eps": 1, "block_size": [1, 16]}, inner), ({"eps": 2, "block_size": [1, 16]},
                                                                             functools.partial(Wrapped(inner), eps=2)),
                ({"scale": [0.5, 0.25], "zero_point": 128}, fixed),
                ({"observer": {"str": "Observer"}, "scale": [0.5, 0.25], "zero_point": 128},
                 functools.partial(Observer, observer=fixed)),
                ({"observer": {"str": "Observer"}, "dtype": {"dtype": "int8"}},
                 functools.partial(Observer, observer=Observer, dtype=dtype("torch.int8")))):
            with self.subTest(expected):
                one = spec()
                one.observer_or_fake_quant_ctr = constructor
                graph = sg.dump(module(Node("n", quantization_annotation=annotated({}, one))))
                self.assertEqual({"class": "Observer", "kwargs": expected}, graph["specs"][0]["observer"])

    def test_same_text_every_time(self):
        self.assertEqual(json.dumps(sg.dump(bad())), json.dumps(sg.dump(bad())))
        script = "import gate_test as t; t.sg.validate(t.bad(), program=t.PROGRAM)"
        runs = [subprocess.run([sys.executable, "-c", script], cwd=ROOT / "tests/python", stderr=subprocess.PIPE,
                               check=False, env={**os.environ, "PYTHONHASHSEED": seed}).stderr for seed in "12"]
        self.assertEqual(runs[0], runs[1])
        self.assertIn(b"GateError", runs[0])

    def test_torch_is_not_imported(self):
        subprocess.run([sys.executable, "-c", "import sys, snapgauge_gate; sys.exit('torch' in sys.modules)"],
                       cwd=ROOT / "python", check=True)


class Judged(unittest.TestCase):
    def error(self, graph, **options):
        with self.assertRaises(sg.GateError) as raised:
            sg.validate(graph, program=PROGRAM, **options)
        return raised.exception

    def test_good(self):
        report = sg.validate(good(), program=PROGRAM)
        self.assertEqual(("accepted", "graph.json"), (report["files"][0]["verdict"], report["files"][0]["path"]))

    def test_every_finding_is_told(self):
        error = self.error(bad())
        self.assertIsInstance(error, ValueError)
        self.assertEqual(("rejected", 5), (error.verdict, len(error.findings)))
        for finding in error.findings:
            for words in (f"{finding['level']}[{finding['code']}] {finding['rule']}: {finding['message']}",
                          f"node {finding['node']}, port {finding['port']}", f"expected  {finding['expected']}",
                          f"actual    {finding['actual']}", f"source    {finding['source']['document']}"):
                self.assertIn(words, str(error))
        self.assertEqual(str(error), str(pickle.loads(pickle.dumps(error))))

    def test_unknown_is_not_accepted(self):
        error = self.error(unknown())
        self.assertEqual("incomplete", error.verdict)
        self.assertIn("unknown node relu_0 (mine.op.default): operator 'mine.op.default' has no op-map row", str(error))

    def test_unreadable(self):
        graph = good()
        graph.graph.nodes[0].meta["val"] = Thing(shape=(1,) * 40, dtype=FLOAT)
        error = self.error(graph)
        self.assertEqual("unreadable", error.verdict)
        self.assertIn("more than 32 dimensions", str(error))
        self.assertEqual("unreadable", self.warned(graph)[0]["files"][0]["verdict"])

    def warned(self, graph):
        with self.assertLogs("snapgauge", logging.WARNING) as logs:
            report = sg.validate(graph, strict=False, program=PROGRAM)
        return report, logs.records

    def test_warn(self):
        report, records = self.warned(bad())
        self.assertEqual("rejected", report["files"][0]["verdict"])
        self.assertEqual([str(self.error(bad()))], [record.getMessage() for record in records])
        if sys.version_info >= (3, 10):
            with self.assertNoLogs("snapgauge"):
                sg.validate(good(), strict=False, program=PROGRAM)

    def test_hostile_names(self):
        names = list(HOSTILE)
        error = self.error(relus(len(names), spec("torch.int32", 0, 2**20), names))
        self.assertEqual("rejected", error.verdict)
        self.assertEqual(len(names), len({finding["node"] for finding in error.findings}))
        for line in str(error).split("\n"):
            self.assertTrue(line.isprintable(), line[:200])
        self.assertNotIn("\n::error", str(error))
        accepted = relus(len(names), spec(), names)
        self.assertEqual("accepted", sg.validate(accepted, program=PROGRAM)["files"][0]["verdict"])

    def test_many_nodes(self):
        error = self.error(relus(5000, spec("torch.int32", 0, 2**20)))
        self.assertEqual(9999, str(error).count("\nerror["))

    def test_options(self):
        error = self.error(bad(), backend="lpai", soc="SM8850", pipeline="qairt", sdk="2.30.0")
        self.assertEqual({"backend": "lpai", "soc": "SM8850", "pipeline": "qairt", "sdk": "2.30.0"},
                         {key: error.report["target"][key] for key in ("backend", "soc", "pipeline", "sdk")})
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder, "snapgauge.toml")
            config.write_text('ignore = ["SG102"]\n', encoding="utf-8")
            before = os.getcwd()
            try:
                os.chdir(folder)
                error = self.error(bad(), config="snapgauge.toml")
                self.assertEqual([], error.findings)
                self.assertIn("rejected node relu_2 (aten.relu.default): ", str(error))
                self.assertEqual(5, len(self.error(bad()).findings))
            finally:
                os.chdir(before)


class Unavailable(unittest.TestCase):
    """Whatever keeps the graph from being judged is said, in strict and in warn mode, and leaves nothing behind."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.scratch = pathlib.Path(self.folder.name, "scratch")
        self.scratch.mkdir()
        before, tempfile.tempdir = tempfile.tempdir, str(self.scratch)
        self.addCleanup(setattr, tempfile, "tempdir", before)

    def program(self, body, mode=0o755):
        path = pathlib.Path(self.folder.name, "fake program")
        path.write_text("#!/bin/sh\n" + textwrap.dedent(body), encoding="utf-8")
        path.chmod(mode)
        return path

    def refused(self, words, graph=None, **options):
        for strict in (True, False):
            with self.assertRaises(sg.GateUnavailable) as raised:
                sg.validate(graph or good(), strict=strict, **options)
            self.assertIn(words, str(raised.exception))
        self.assertEqual([], list(self.scratch.iterdir()))

    def test_program(self):
        answer = json.dumps(sg.validate(good(), program=PROGRAM))
        with self.assertLogs("snapgauge"):
            rejected = json.dumps(sg.validate(bad(), strict=False, program=PROGRAM))
        other = answer.replace("snapgauge-report/1", "snapgauge-report/2")
        self.refused("no program 'not-there'", program="not-there")
        self.refused("no program", program=self.program("", mode=0o644))
        self.refused("no program", program=self.folder.name)
        for words, body in (
                ("ended with code 0 and wrote no report", "exit 0"), ("wrote no report", "echo garbage"),
                ("wrote no report", "echo '[]'"), ("wrote no report", f"echo '{other}'"),
                ("wrote no report", "echo '{\"schema\": \"snapgauge-report/1\", \"files\": []}'"),
                ("wrote no report", "printf '\\377\\376'"),
                ("wrote no report", "head -c 300000 /dev/zero | tr '\\0' '['"),
                ("code 2 and wrote no report that this gate understands (snapgauge-report/1):\nno such SoC",
                 "echo 'no such SoC' >&2; exit 2"),
                ("was ended by signal 11", "kill -SEGV $$"), ("ended with code 127", "exec not-there"),
                ("says 'accepted', yet ended with code 1", f"echo '{answer}'; exit 1"),
                ("says 'accepted', yet ended with code 3", f"echo '{answer}'; exit 3"),
                ("says 'rejected', yet ended with code 2", f"cat <<'END'\n{rejected}\nEND\nexit 2"),
                ("says 'accepted', yet was ended by signal 9", f"echo '{answer}'; kill -KILL $$")):
            with self.subTest(words, body=body[:60]):
                self.refused(words, program=self.program(body))
        self.refused("gave no answer within 0.2 s", program=self.program("exec sleep 60"), timeout=0.2)
        broken = self.program("")
        broken.write_bytes(b"\x7fELF no program")
        self.refused("cannot be run", program=broken)

    def test_real_usage_errors(self):
        self.refused("no-such-soc", program=PROGRAM, soc="no-such-soc")
        self.refused("wrote no report", program=PROGRAM, backend="--version")
        self.refused("cannot be run", program=PROGRAM, sdk="nul\0")

    def test_graph(self):
        self.refused("no node of the graph is annotated", module(Node("x", "placeholder", "x")), program=PROGRAM)
        self.refused("has no torch.fx graph", Thing(graph=None), program=PROGRAM)
        self.refused("has no torch.fx graph", module(), program=PROGRAM)
        self.refused("annotation of node relu_0: a str is no quantization spec", relus(1, "a word"), program=PROGRAM)
        self.refused("of node relu_0: it has a int where a node", relus(1, Thing(edge_or_node=3)), program=PROGRAM)

    def test_files_go_whatever_happens(self):
        seen = []

        def interrupted(*_, cwd, **__):
            seen.extend(os.listdir(cwd))
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt), unittest.mock.patch.object(sg.subprocess, "run", interrupted):
            sg.validate(good(), program=PROGRAM)
        self.assertEqual(["graph.json"], seen)
        sg.validate(good(), program=PROGRAM)
        with self.assertRaises(sg.GateError):
            sg.validate(bad(), program=PROGRAM)
        gc.collect()
        self.assertEqual([], list(self.scratch.iterdir()))

    def test_nobody_else_may_write_the_graph(self):
        program = self.program('stat -c %a . > "$(dirname "$0")/mode"; exit 2')
        with self.assertRaises(sg.GateUnavailable):
            sg.validate(good(), program=program)
        mode = int(pathlib.Path(self.folder.name, "mode").read_text(), 8)
        self.assertFalse(mode & (stat.S_IRWXG | stat.S_IRWXO))


class Quantizer:
    """As PT2E calls it."""

    def __init__(self):
        self.calls = []

    def annotate(self, model):
        self.calls.append("annotate")
        return model

    def validate(self, model):
        self.calls.append("validate")


class Strict(Quantizer):
    def validate(self, model):
        super().validate(model)
        raise TypeError("not mine")


class Gated(unittest.TestCase):
    def test_own_validation_comes_first(self):
        quantizer = Quantizer()
        gated = sg.gate(quantizer, program=PROGRAM)
        self.assertIsInstance(gated, Quantizer)
        self.assertEqual("Quantizer", type(gated).__name__)
        gated.annotate(None)
        gated.validate(good())
        self.assertEqual(["annotate", "validate"], quantizer.calls)
        with self.assertRaises(sg.GateError):
            gated.validate(bad())
        quantizer.validate(bad())  # the one given stays as it was
        with self.assertRaises(TypeError):
            sg.gate(Strict(), program="not-there").validate(bad())  # its own refusal, before the program is looked for

    def test_attributes_are_shared(self):
        quantizer = Quantizer()
        gated = sg.gate(quantizer)
        gated.more, quantizer.other = 1, 2
        self.assertEqual((1, 2), (quantizer.more, gated.other))

    def test_options(self):
        gated = sg.gate(Quantizer(), "lpai", "SM8850", False, program=PROGRAM, logger=logging.getLogger("mine"))
        with self.assertLogs("mine", logging.WARNING) as logs:
            gated.validate(bad())
        self.assertIn("rejected for lpai SM8850", logs.records[0].getMessage())
        with self.assertRaises(sg.GateUnavailable):
            sg.gate(Quantizer(), strict=False, program="not-there").validate(good())

    def test_findings_of_an_accepted_graph_are_logged(self):
        answer = sg.validate(good(), program=PROGRAM)
        for level, kind in (("warning", logging.WARNING), ("note", logging.INFO)):
            answer["files"][0]["findings"] = [{"code": "SG999", "rule": "r", "level": level, "node": "n",
                                               "message": "m", "expected": "", "actual": ""}]
            said = unittest.mock.patch.object(sg, "_read_report", return_value=answer)
            with said, self.assertLogs("snapgauge") as logs:
                sg.validate(good(), program=PROGRAM)
            self.assertEqual([kind], [record.levelno for record in logs.records])
            self.assertIn(f"{level}[SG999] r: m\n  at        node n", logs.records[0].getMessage())


if __name__ == "__main__":
    unittest.main()
