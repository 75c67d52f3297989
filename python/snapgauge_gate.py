"""The live gate: what a PT2E quantizer has planned is judged before anything is observed, converted or lowered.

A quantizer leaves its plan in node.meta["quantization_annotation"]. `dump` writes that plan down as snapgauge reads
it, an annotated graph; `validate` has the installed program judge it and raises one error that holds all of the
findings; `gate` makes a quantizer do so when PT2E asks it to validate.

    from snapgauge_gate import gate, validate

    prepare_pt2e(graph_module, gate(quantizer, backend="htp", soc="SM8750"))
    validate(graph_module, backend="htp", soc="SM8750")  # or by hand: after annotate, before prepare

Copy this file beside yours. It needs Python 3.9 and its standard library; torch is never imported, as objects are
known by their attributes, so that the classes of torch.ao and of torchao serve alike. A graph that nobody could judge
is never taken for a good one: whatever goes wrong on the way is a GateUnavailable.
"""
import functools
import json
import logging
import math
import numbers
import os
import re
import shutil
import subprocess
import sys
import tempfile
import types
from typing import Dict, Iterable, List, Mapping, Optional, Protocol, Tuple, TypedDict, TypeVar, Union

__all__ = ["GateError", "GateUnavailable", "Finding", "Report", "dump", "gate", "validate"]

Json = Union[None, bool, int, float, str, List["Json"], Dict[str, "Json"]]
PathName = Union[str, "os.PathLike[str]"]
Q = TypeVar("Q", bound="Quantizer")

LOGGER = logging.getLogger("snapgauge")
ANNOTATION = "quantization_annotation"
REPORT_SCHEMA = "snapgauge-report/1"
MOST_DATA = 16  # elements of a constant that are written out; rules look at the values of small ones only
INT64 = -(2**63), 2**63 - 1
PARAMETERS = "scale", "zero_point", "block_size"  # what snapgauge reads of an observer's arguments

# The exit codes that go with a verdict. 0 for a graph that is not accepted: a configuration may ask for it.
EXIT_CODES = {"accepted": (0,), "rejected": (0, 1), "incomplete": (0, 1), "unreadable": (2,)}


class FxNode(Protocol):
    """What is read of a torch.fx.Node."""

    name: str
    op: str
    target: object
    args: Tuple[object, ...]
    kwargs: Mapping[str, object]
    meta: Mapping[str, object]


class FxGraph(Protocol):
    @property
    def nodes(self) -> Iterable[FxNode]: ...


class GraphModule(Protocol):
    """What is read of a torch.fx.GraphModule, beside the constants that get_attr nodes name."""

    @property
    def graph(self) -> FxGraph: ...


class Quantizer(Protocol):
    def validate(self, model: GraphModule) -> None: ...


class Source(TypedDict):
    document: str
    sdk: str


class Finding(TypedDict, total=False):
    """docs/report-json.md says what the members mean and which may be left out."""

    code: str
    rule: str
    kind: str
    level: str
    node: str
    port: str
    value: str
    message: str
    expected: str
    actual: str
    source: Source
    related: List[Dict[str, str]]
    fix: Dict[str, str]


class JudgedNode(TypedDict):
    name: str
    op: str
    backend_op: str
    verdict: str
    reason: str


class JudgedFile(TypedDict, total=False):
    path: str
    verdict: str
    reason: str
    nodes: List[JudgedNode]
    findings: List[Finding]


class Report(TypedDict):
    """The program's JSON report; its only file is the graph."""

    schema: str
    tool: Dict[str, str]
    target: Dict[str, str]
    files: List[JudgedFile]
    summary: Dict[str, int]


class GateError(ValueError):
    """The graph is not accepted. Its text holds every finding and every node that could not be judged."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.report = report
        self.verdict: str = report["files"][0]["verdict"]
        self.findings: List[Finding] = report["files"][0]["findings"]

    def __str__(self) -> str:
        return _described(self.report)


class GateUnavailable(RuntimeError):
    """Nobody judged the graph: there is no plan in it, or the program is missing, failed, or was not understood."""


def validate(
    graph_module: GraphModule,
    backend: str = "htp",
    soc: str = "SM8750",
    strict: bool = True,
    *,
    program: PathName = "snapgauge",
    pipeline: Optional[str] = None,
    sdk: Optional[str] = None,
    config: Optional[PathName] = None,
    timeout: Optional[float] = 300,
    logger: logging.Logger = LOGGER,
) -> Report:
    """Has the annotated graph judged and returns the report.

    Unless it is accepted, raises GateError; with `strict` off, logs what that would say. What is said of an accepted
    graph is logged too, mere notes as information. `pipeline` and `sdk` are the program's own defaults when left out,
    `config` is a snapgauge.toml (no other is looked for), `timeout` in seconds.
    """
    graph = dump(graph_module, backend=backend, soc=soc)
    if all(node.meta.get(ANNOTATION) is None for node in graph_module.graph.nodes):
        raise GateUnavailable("no node of the graph is annotated; validate after the quantizer's annotate()")
    options = {"backend": backend, "soc": soc, "pipeline": pipeline, "sdk": sdk}
    command = [_located(program), "check", "--output-format=json"]
    command += [f"--{name}={value}" for name, value in options.items() if value is not None]
    command += ["--isolated"] if config is None else [f"--config={os.path.abspath(config)}"]
    report = _read_report(_run(command, _lines(graph), timeout))
    judged = report["files"][0]
    if judged["verdict"] != "accepted" and strict:
        raise GateError(report)
    grave = judged["verdict"] != "accepted" or any(finding["level"] != "note" for finding in judged["findings"])
    if grave or judged["findings"]:
        logger.log(logging.WARNING if grave else logging.INFO, "%s", _described(report))
    return report


def gate(
    quantizer: Q,
    backend: str = "htp",
    soc: str = "SM8750",
    strict: bool = True,
    *,
    program: PathName = "snapgauge",
    pipeline: Optional[str] = None,
    sdk: Optional[str] = None,
    config: Optional[PathName] = None,
    timeout: Optional[float] = 300,
    logger: logging.Logger = LOGGER,
) -> Q:
    """The same quantizer, whose validate() asks snapgauge too once it is content itself.

    What comes back is an instance of a class derived from the quantizer's, with the attributes of the one given: the
    two share their state, and the one given stays as it was.
    """
    judge = functools.partial(
        validate, backend=backend, soc=soc, strict=strict, program=program, pipeline=pipeline, sdk=sdk, config=config,
        timeout=timeout, logger=logger)
    kind = type(quantizer)

    class Gated(kind):  # type: ignore[valid-type, misc]
        def validate(self, model: GraphModule) -> None:
            super().validate(model)
            judge(model)

    Gated.__name__, Gated.__qualname__, Gated.__doc__ = kind.__name__, kind.__qualname__, kind.__doc__
    gated = object.__new__(Gated)
    gated.__dict__ = vars(quantizer)
    return gated


# ---- The graph as snapgauge reads it


def dump(graph_module: GraphModule, *, model: Optional[str] = None, backend: Optional[str] = None,
         soc: Optional[str] = None) -> Dict[str, Json]:
    """The graph and its annotations as an "annotated-graph" object; the same graph gives the same object."""
    nodes = list(getattr(getattr(graph_module, "graph", None), "nodes", ()))
    if not nodes:
        raise GateUnavailable(f"a {type(graph_module).__name__} has no torch.fx graph with nodes")
    graph: Dict[str, Json] = {"format": "annotated-graph", "version": 1}
    graph["model"] = _text(model or type(graph_module).__name__)
    graph.update({key: value for key, value in (("backend", backend), ("soc", soc)) if value is not None})
    if version := getattr(sys.modules.get("torch"), "__version__", None):
        graph["made_with"] = {"torch": str(version)}
    specs = _Specs()
    written: List[Json] = [_node(graph_module, node, specs) for node in nodes if not _is_guard(node)]
    graph["specs"] = specs.table
    graph["nodes"] = written
    return graph


def _is_guard(node: FxNode) -> bool:
    """torch.export's check of example inputs: computes nothing, and is gone before the lowering."""
    return node.op == "call_module" and node.target == "_guards_fn"


def _node(graph_module: GraphModule, node: FxNode, specs: "_Specs") -> Dict[str, Json]:
    written: Dict[str, Json] = {
        "name": _text(node.name),
        # A method has no kind of its own in the format; as a function of Tensor it is unknown, not unreadable.
        "op": "call_function" if node.op == "call_method" else node.op,
        "target": f"Tensor.{node.target}" if node.op == "call_method" else _word(node.target),
        "args": [_argument(arg) for arg in node.args],
    }
    if node.kwargs:
        written["kwargs"] = {_text(key): _argument(value) for key, value in node.kwargs.items()}
    if node.op != "output":
        constant = _constant(graph_module, node)
        known = (node.meta.get("val"), node.meta.get("tensor_meta"), constant)
        result = _result(next((value for value in known if value is not None), None))
        if result is not None:
            written["val"] = result
        if result is not None and _tensor(constant) == result and (data := _data(constant)) is not None:
            written["data"] = data
    if (annotation := node.meta.get(ANNOTATION)) is not None:
        try:
            written["annotation"] = specs.annotation(annotation)
        except GateUnavailable as fault:
            raise GateUnavailable(f"annotation of node {_printable(node.name)}: {fault}") from None
    return written


def _argument(value: object) -> Json:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, numbers.Integral):
        return max(INT64[0], min(INT64[1], int(value)))
    if isinstance(value, numbers.Real):
        return _real(float(value))
    if isinstance(value, (list, tuple, range)):
        return [_argument(element) for element in value]
    if isinstance(value, Mapping):
        return [_argument(element) for element in value.values()]  # an output by name; the names do not matter
    if isinstance(value, slice):
        return {"slice": [_argument(bound) for bound in (value.start, value.stop, value.step)]}
    if all(hasattr(value, member) for member in ("name", "op", "target", "meta")):
        return {"node": _name(value)}
    if (tensor := _tensor(value)) is not None:
        return {"tensor": tensor["shape"]}
    if type(value).__name__ == "dtype":
        return {"dtype": _dtype(value)}
    size = _dimension(value)
    return size if isinstance(size, int) else {"str": _word(value)}


def _real(value: float) -> Json:
    if value - value == 0:
        return value
    return {"float": "nan" if value != value else "inf" if value > 0 else "-inf"}


def _result(value: object) -> Json:
    tensor = _tensor(value)
    if tensor is None and isinstance(value, (list, tuple)):
        return [_tensor(element) for element in value]
    return tensor


def _tensor(value: object) -> Optional[Dict[str, Json]]:
    """What is known of a tensor that may be real, fake, on no device, or a record of its shape."""
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is None or dtype is None:
        return None
    return {"shape": [_dimension(size) for size in shape], "dtype": _dtype(dtype)}


def _dimension(size: object) -> Json:
    """An integer, or the symbol's name where it is open."""
    if isinstance(size, numbers.Integral):
        return int(size)
    constant = getattr(getattr(size, "node", None), "maybe_as_int", lambda: None)()
    return constant if isinstance(constant, int) else _word(size)


def _constant(graph_module: GraphModule, node: FxNode) -> object:
    """What a get_attr node names, None when there is no such attribute."""
    if node.op != "get_attr":
        return None
    owner: object = graph_module
    for part in str(node.target).split("."):
        owner = getattr(owner, part, None)
    return owner


def _data(tensor: object) -> Optional[List[Json]]:
    """The values of a small constant, in order; None when it is large or has none, as on the meta device."""
    count = math.prod(getattr(tensor, "shape"))
    if not 0 < count <= MOST_DATA or getattr(tensor, "is_meta", False):
        return None
    data = _flat(_values(tensor))
    if not all(isinstance(value, (int, float)) for value in data) or len(data) != count:
        return None
    return [int(value) if isinstance(value, bool) else _argument(value) for value in data]


def _values(value: object) -> object:
    """Numbers in place of a tensor that has them, None in place of one that has not; else what was given."""
    if not hasattr(value, "tolist"):
        return value
    try:
        return value.tolist()
    except (RuntimeError, NotImplementedError, TypeError):  # how torch says that there is nothing to read
        return None


def _flat(value: object) -> List[object]:
    return [one for element in value for one in _flat(element)] if isinstance(value, list) else [value]


class _Specs:
    """The table of specs, each once, and what refers to it."""

    def __init__(self) -> None:
        self.table: List[Json] = []
        self._index: Dict[str, int] = {}

    def annotation(self, annotation: object) -> Dict[str, Json]:
        inputs = getattr(annotation, "input_qspec_map", None) or {}
        written: Dict[str, Json] = {
            "inputs": [[_name(source), self._reference(spec)] for source, spec in inputs.items()],
            "output": self._reference(getattr(annotation, "output_qspec", None)),
            "annotated": bool(getattr(annotation, "_annotated", True)),
        }
        if not getattr(annotation, "allow_implicit_sharing", True):
            written["allow_implicit_sharing"] = False
        return written

    def _reference(self, spec: object) -> Json:
        if spec is None:
            return None
        if (shared := getattr(spec, "edge_or_node", None)) is not None:
            return {"shared": _place(shared)}
        if (sources := getattr(spec, "derived_from", None)) is not None:
            return {"derived": {"from": [_place(source) for source in sources], **_numbers_of(spec)}}
        if not hasattr(spec, "dtype"):
            raise GateUnavailable(f"a {type(spec).__name__} is no quantization spec")
        return self._add(_fixed(spec) if hasattr(spec, "scale") else _observed(spec))

    def _add(self, spec: Dict[str, Json]) -> int:
        index = self._index.setdefault(json.dumps(spec), len(self.table))
        if index == len(self.table):
            self.table.append(spec)
        return index


def _place(place: object) -> Json:
    """A node's output, or the edge between two nodes."""
    return [_name(node) for node in place] if isinstance(place, (tuple, list)) else _name(place)


def _numbers_of(spec: object) -> Dict[str, Json]:
    qscheme, axis = getattr(spec, "qscheme", None), getattr(spec, "ch_axis", None)
    return {
        "dtype": _dtype(getattr(spec, "dtype")),
        "quant_min": _argument(getattr(spec, "quant_min", None)),
        "quant_max": _argument(getattr(spec, "quant_max", None)),
        "qscheme": None if qscheme is None else _without_torch(qscheme),
        "ch_axis": _argument(axis),
    }


def _observed(spec: object) -> Dict[str, Json]:
    written: Dict[str, Json] = {"kind": "spec", **_numbers_of(spec)}
    written["is_dynamic"] = bool(getattr(spec, "is_dynamic", False))
    if (constructor := getattr(spec, "observer_or_fake_quant_ctr", None)) is not None:
        written["observer"] = _observer(constructor)
    return written


def _fixed(spec: object) -> Dict[str, Json]:
    parameters = {name: _parameter(name, getattr(spec, name, None)) for name in ("scale", "zero_point")}
    members = {name: value for name, value in _numbers_of(spec).items() if name != "ch_axis"}
    return {"kind": "fixed", **members, **parameters, "is_dynamic": bool(getattr(spec, "is_dynamic", False))}


def _observer(constructor: object) -> Dict[str, Json]:
    """Name and bound arguments of a class of observers."""
    made, bound = _unbound(constructor)
    inside = bound.get("observer")  # a fake quantizer hands the parameters on to the observer inside of it
    for name, value in _unbound(inside)[1].items():
        if name in PARAMETERS:
            bound.setdefault(name, value)
    written = {name: _parameter(name, value) if name in PARAMETERS else _bound(value) for name, value in bound.items()}
    return {"class": _class_name(made), "kwargs": {_text(name): value for name, value in written.items()}}


def _unbound(constructor: object) -> Tuple[object, Dict[str, object]]:
    """What partials are around, and the arguments that they bind: of one bound twice, the outer."""
    bound: Dict[str, object] = {}
    while isinstance(partial := getattr(constructor, "p", constructor), functools.partial):  # torch wraps its own
        bound = {**partial.keywords, **bound}
        constructor = partial.func
    return constructor, bound


def _bound(value: object) -> Json:
    inside = _unbound(value)[0]
    return {"str": _class_name(inside)} if inside is not value or isinstance(value, type) else _argument(value)


def _parameter(name: str, value: object) -> Json:
    """Numbers, those of a zero point whole: torch may keep them as tensors."""
    written = _argument(_values(value))
    return _whole(written) if name == "zero_point" else written


def _whole(value: Json) -> Json:
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _class_name(made: object) -> str:
    return _text(getattr(made, "__name__", type(made).__name__))


def _name(node: object) -> str:
    if not isinstance(name := getattr(node, "name", None), str):
        raise GateUnavailable(f"it has a {type(node).__name__} where a node should stand")
    return _text(name)


def _dtype(dtype: object) -> Json:
    return None if dtype is None else _without_torch(dtype)


def _without_torch(value: object) -> str:
    return _text(str(value)).replace("torch.", "", 1)


def _word(value: object) -> str:
    """A text that is the same in every run: functions by their name, of others no address in memory."""
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType, type)):
        return _text(".".join(filter(None, (getattr(value, "__module__", None), value.__qualname__))))
    return _text(re.sub(r" at 0x[0-9a-fA-F]+", "", str(value)))


def _text(text: str) -> str:
    """As Unicode; half of a surrogate pair, which JSON cannot hold, is spelled out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _lines(graph: Dict[str, Json]) -> str:
    """One spec and one node a line, so that a place in the file means something."""
    def compact(value: Json) -> str:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)

    def member(value: Json) -> str:
        return "[\n" + ",\n".join(map(compact, value)) + "]" if isinstance(value, list) else compact(value)

    return "{" + ",\n".join(f"{compact(key)}:{member(value)}" for key, value in graph.items()) + "}\n"


# ---- The program


def _located(program: PathName) -> str:
    found = shutil.which(program)
    if found is None:
        raise GateUnavailable(f"there is no program {os.fspath(program)!r}: install snapgauge, or say program=PATH")
    return os.path.abspath(found)


def _run(command: List[str], text: str, timeout: Optional[float]) -> "subprocess.CompletedProcess[bytes]":
    """In a folder of its own, which goes in any case; the file's name is the same in every report."""
    try:
        with tempfile.TemporaryDirectory(prefix="snapgauge-") as folder:
            with open(os.path.join(folder, "graph.json"), "w", encoding="utf-8") as file:
                file.write(text)
            return subprocess.run([*command, "graph.json"], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
                                  timeout=timeout, check=False)
    except subprocess.TimeoutExpired as fault:
        raise GateUnavailable(f"{command[0]} gave no answer within {timeout:g} s") from fault
    except (OSError, ValueError) as fault:  # ValueError: an option that no command line can hold
        raise GateUnavailable(f"{command[0]} cannot be run: {fault}") from fault


def _read_report(ended: "subprocess.CompletedProcess[bytes]") -> Report:
    """The report that a run wrote; only one that goes with its exit code counts."""
    try:
        report: Report = json.loads(ended.stdout)
        known, verdict = report["schema"] == REPORT_SCHEMA, report["files"][0]["verdict"]
        known = known and isinstance(report["files"][0]["findings"], list) and len(report["files"]) == 1
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        known, verdict = False, ""
    if known and ended.returncode in EXIT_CODES.get(verdict, ()):
        return report
    name = os.fspath(ended.args[0])
    how = f"was ended by signal {-ended.returncode}" if ended.returncode < 0 else f"ended with code {ended.returncode}"
    if known:
        raise GateUnavailable(f"{name} says {verdict!r}, yet {how}")
    told = "\n".join(_printable(line) for line in ended.stderr.decode("utf-8", "replace").split("\n")[-20:]).strip()
    raise GateUnavailable(f"{name} {how} and wrote no report that this gate understands ({REPORT_SCHEMA})"
                          + (f":\n{told}" if told else ""))


# ---- What people read


def _described(report: Report) -> str:
    judged, target, summary = report["files"][0], report["target"], report["summary"]
    levels = ", ".join(f"{summary[many]} {many[:-1] if summary[many] == 1 else many}"
                       for many in ("errors", "warnings", "notes"))
    lines = [f"snapgauge: {judged['verdict']} for {target['backend']} {target['soc']} ({target['arch']}), "
             f"pipeline {target['pipeline']}, SDK {target['sdk']}: {summary['rejected']} of {summary['nodes']} nodes "
             f"rejected, {summary['unknown']} unknown; {levels}"]
    if "reason" in judged:
        lines.append(f"  {judged['reason']}")
    for finding in judged["findings"]:
        lines += _finding_lines(finding)
    # A configuration may leave out findings; the nodes that they are about are told all the same.
    told = {finding["node"] for finding in judged["findings"]}
    for node in judged["nodes"]:
        if node["verdict"] == "unknown" or (node["verdict"] == "rejected" and node["name"] not in told):
            lines.append(f"{node['verdict']} node {node['name']} ({node['op']}): {node['reason']}")
    return "\n".join(map(_printable, lines))


def _finding_lines(finding: Finding) -> List[str]:
    places = {"node": finding["node"], "port": finding.get("port"), "value": finding.get("value")}
    lines = [f"{finding['level']}[{finding['code']}] {finding['rule']}: {finding['message']}"]
    if any(places.values()):
        lines.append("  at        " + ", ".join(f"{kind} {name}" for kind, name in places.items() if name))
    said = {"expected": finding["expected"], "actual": finding["actual"]}
    lines += [f"  {word:<9} {text}" for word, text in said.items() if text]
    if source := finding.get("source"):
        lines.append(f"  source    {source['document']}" + (f" (SDK {source['sdk']})" if source["sdk"] else ""))
    for place in finding.get("related", []):
        lines.append("  also      " + " ".join(place[key] for key in ("node", "port", "message") if place.get(key)))
    if fix := finding.get("fix"):
        lines.append(f"  fix       {fix['title']}")
    return lines


def _printable(text: str) -> str:
    """Names are a stranger's: what would steer a terminal or forge a line is spelled out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
