"""Op-info tables and baselines that are large in one direction: time stays linear, or one error says what is too much.
Expressions that are long or deep, on a stack of 1 MiB."""
import json
import os
import tempfile

from common import MEMORY, MODEL, ONNX, SANITIZED, SCALE, expect, finish, one_error, run, write

N = int(20000 * min(1, SCALE * 2))
SOURCE = {"document": "x", "sdk": "2.20.0"}
BASE = {"backends": ["htp"], "source": SOURCE, "since": "2.20.0", "ops": ["Conv2d"]}
RULE = {"port": "in[0]", "kind": "rank_max", "max": 4}


def overlay(rows):
    return {"format": "opinfo-overlay/1", "rows": rows}


def page(**op):
    return {"backend": "HTP", "sdk_version": "2.20.0", "dtype_rows": "joint", "ops": {
        "Conv2d": {"columns": [], "variants": [], "constraints": [], **op}}}


def normalized(*ports):
    return {"ops": {"Conv2d": [{"inputs": list(ports), "outputs": []}]}}


def port(*constraints):
    return {"dtype": "QNN_DATATYPE_UFIXED_POINT_8", "constraints": list(constraints)}


TABLES = {
    "200,000 empty rows": lambda: overlay([{}] * 10 * N),
    "80,000 unknown keys": lambda: {f"op{i}": {} for i in range(4 * N)},
    "80,000 keys of a row": lambda: overlay([{f"op{i}": {} for i in range(4 * N)}]),
    "80,000 ops of a page": lambda: {**page(), "ops": {f"O{i}": {"columns": [], "variants": [], "constraints": []} for i in range(4 * N)}},
    "80,000 ops of a normalized table": lambda: {"ops": {f"O{i}": [] for i in range(4 * N)}},
    "rows that replace each other": lambda: overlay([dict(BASE, since=f"2.{i // 100}.{i % 100}", constraints=[dict(RULE, config=["a"])]) for i in range(N // 10)]),
    "a row of many rules": lambda: overlay([dict(BASE, constraints=[RULE] * N)]),
    "rows of many rules": lambda: overlay([dict(BASE, ops=[f"O{i}"], constraints=[RULE]) for i in range(N)]),
    "columns of an overlay": lambda: overlay([dict(BASE, dtype_rows="joint", columns=[f"in[{i}]" for i in range(N)], variants=[{"config": "c", "dtypes": {f"in[{i}]": "FLOAT_16" for i in range(N)}}])]),
    "columns of many rows": lambda: overlay([dict(BASE, dtype_rows="joint", columns=[f"in[{k}{i}]" for i in range(100)], variants=[{"config": "c", "dtypes": {f"in[{k}{i}]": "FLOAT_16" for i in range(100)}}]) for k in range(N // 100)]),
    "columns of a page": lambda: page(columns=[f"in[{i}]" for i in range(N)]),
    "renames of a page": lambda: page(read_as={f"a{i}": f"b{i}" for i in range(N)}, columns=[f"a{i}" for i in range(N)]),
    "labels": lambda: page(columns=["in[0]"], variants=[{"config": f"c{i}", "dtypes": {"in[0]": ["FLOAT_16"]}} for i in range(N)], constraints=[dict(RULE, config=[f"c{i}" for i in range(N)])]),
    "variants": lambda: page(columns=["in[0]"], variants=[{"config": f"c{i}", "dtypes": {"in[0]": ["FLOAT_16"]}} for i in range(N)]),
    "encodings of a port": lambda: normalized(port({"encodings": [f"E{i}" for i in range(N)]})),
    "alternatives of a port": lambda: normalized(port(*({"encodings": [f"E{i}"]} for i in range(N // 10)))),
    "ports": lambda: normalized(*[port()] * N),
    "ops times backends": lambda: overlay([dict(BASE, backends=["htp"] * 1000, ops=["x"] * 1000, constraints=[RULE])]),
    "deep": lambda: None,
    "depth in a string": lambda: {"ops": {"[[[[[[[[" * 100 + '\\"': []}},
}


def tables(folder):
    for name, make in TABLES.items():
        text = '{"rows":' + "[" * 200000 if name == "deep" else json.dumps(make())
        path = write(folder, "t.json", text)
        for arguments in (["check", ONNX], ["opinfo", "show", "Conv2d"], ["opinfo", "list"]):
            ended = run(*arguments, "--opinfo", path)
            if ended.code == 2:
                one_error(f"{name}: {arguments[-1]}", ended, "" if b"no op" in ended.err else "t.json")
            else:
                expect(ended.code in (0, 1) and (SANITIZED or ended.memory < MEMORY), f"{name}: {arguments[-1]}", ended)


def expressions(folder):
    many = 10000
    for name, text in (("terms", "+".join(["1"] * many)), ("factors", "*".join(["2"] * many)), ("differences", "-".join(["x"] * many)),
                       ("negations", "-" * many + "1"), ("parentheses", "(" * many + "1" + ")" * many), ("open", "(" * many),
                       ("arguments", "min(" + ",".join(["1"] * many) + ")"), ("calls", "min(" * many + "1" + ")" * many),
                       ("indices", "in[" * many), ("conditions", "if(1," * many), ("loops", "sum(i," * many + "1" + ")" * many),
                       ("loops in a row", "+".join(["sum(i,sum(i,sum(i,1)))"] * 100))):
        rule = {"port": "in[0]", "kind": "dim_relation", "lhs": text, "rhs": text, "expr": text, "max": {"expr": text}, "when": {"relations": [[text, "==", "1"]]}}
        kinds = ("dim_relation", "relation", "rank_max", "value_range", "shape")
        table = {"backend": "HTP", "sdk_version": "2.20.0", "dtype_rows": "per_port", "ops": {
            "Conv2d": {"columns": [], "variants": [], "constraints": [dict(rule, kind=k) for k in kinds]}}}
        path = write(folder, "e.json", json.dumps(table))
        ended = run("check", ONNX, "--opinfo", path)
        expect(ended.code in (1, 2), f"an expression of 10,000 {name}", ended)


def baselines(folder):
    path = os.path.join(folder, "base.json")
    finding = '{"code":"SG502","node":"n%d","op":"o","port":"p","value":"v","count":1}'
    head = '{"schema":"snapgauge-baseline/1","files":['
    for name, text in (("80,000 members", head + '],"x":{' + ",".join(f'"k{i}":1' for i in range(4 * N)) + "}}"),
                       ("80,000 members of a finding", head + '{"path":"x","findings":[{' + ",".join(f'"k{i}":1' for i in range(4 * N)) + "}]}]}"),
                       ("80,000 files", head + ",".join('{"path":"f%d","findings":[%s]}' % (i, finding % i) for i in range(4 * N)) + "]}"),
                       ("80,000 findings", head + '{"path":"f","findings":[' + ",".join(finding % i for i in range(4 * N)) + "]}]}")):
        write(folder, "base.json", text)
        ended = run("check", MODEL, "--baseline", path)
        expect(ended.code in (0, 1, 2) and (SANITIZED or ended.memory < MEMORY), f"a baseline of {name}", ended)


for test in (tables, expressions, baselines):
    with tempfile.TemporaryDirectory() as work:
        test(work)
finish()
