"""Runs `snapgauge check` in every output format twice: the bytes must agree, a reader of the format
must accept them, and what they say must agree with the JSON report of the same run."""
import collections
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

import jsonschema  # Debian: python3-jsonschema

PROGRAM = os.environ["SNAPGAUGE"]
SCHEMA = "tests/data/sarif/sarif-2.1.0.schema.json"
HOSTILE = "r\n::error ::x]]>&<b>\"'\u0001\ufffe\u001b[0m%0A{0}[x](http://y)|`\u91cf\U0001f600"
COMMAND = re.compile(r"::(error|warning|notice) file=[^:,]+(?:,line=\d+(?:,col=\d+)?)?,title=[^:,]+::.+")
SEVERITY = ["error", "warning", "note"]


def run(arguments, format, **environment):
    environment = {**{k: v for k, v in os.environ.items() if k != "GITHUB_STEP_SUMMARY"}, **environment}
    done = subprocess.run([PROGRAM, "check", *arguments, "--output-format", format], capture_output=True, timeout=60,
                          env=environment)
    assert not done.stderr, done.stderr[:300]
    return done.returncode, done.stdout


def check_json_lines(text, report):
    lines = [json.loads(line) for line in text.splitlines()]
    assert {"type": "summary", **report["summary"]} == lines[-1]
    assert [line["path"] for line in lines if line["type"] == "file"] == [f["path"] for f in report["files"]]
    expected = [{"type": "finding", "path": f["path"], **x} for f in report["files"] for x in f["findings"]]
    assert [line for line in lines if line["type"] == "finding"] == expected


def check_sarif(text, report, validator=[]):
    if not validator:
        with open(SCHEMA, encoding="utf-8") as f:
            schema = json.load(f)
        validator.append(jsonschema.validators.validator_for(schema)(schema))
    log = json.loads(text)
    errors = [f"{list(e.absolute_path)}: {e.message[:200]}" for e in validator[0].iter_errors(log)]
    assert not errors, errors[:3]
    run = log["runs"][0]
    results = run["results"]
    levels = [SEVERITY.index(r["level"]) for r in results]
    assert levels == sorted(levels)
    assert [r["ruleId"] for r in results] == [run["tool"]["driver"]["rules"][r["ruleIndex"]]["id"] for r in results]
    prints = [r["partialFingerprints"]["primaryLocationLineHash"] for r in results]
    assert len(prints) == len(set(prints))
    places = sum(1 + len(r.get("relatedLocations", [])) for r in results)
    findings = [x for f in report["files"] for x in f["findings"]]
    assert places == len(findings) + sum(len(r.get("related", [])) for r in representatives(report))
    assert run["invocations"][0]["executionSuccessful"] == all(f["verdict"] != "unreadable" for f in report["files"])


def representatives(report):
    """The first finding of every cause, as it is folded."""
    first = {}
    for i, file in enumerate(report["files"]):
        for x in file["findings"]:
            source = x.get("source", {})
            cause = (i, x["code"], x["level"], x["expected"], x["actual"], x.get("port"), source.get("document"),
                     source.get("sdk"), None if x["node"] else x["message"])
            first.setdefault(cause, x)
    return list(first.values())


def check_github(text, report):
    lines = text.split("\n")
    assert lines.pop() == ""
    for line in lines:
        assert COMMAND.fullmatch(line), line
    wanted = sorted(SEVERITY.index(x["level"]) for x in representatives(report))
    assert [["error", "warning", "notice"].index(line[2:].split(" ")[0]) for line in lines] == wanted


def check_junit(text, report):
    root = ElementTree.fromstring(text.encode())
    suites = root.findall("testsuite")
    assert len(suites) == len(report["files"])
    outcome = {"accepted": None, "rejected": "failure", "unknown": "skipped"}
    for suite, file in zip(suites, report["files"]):
        cases = suite.findall("testcase")
        of_nodes = [c for c in cases if c.get("name") != "(file)"]
        for kind in ("failure", "error", "skipped"):
            counter = {"failure": "failures", "error": "errors"}.get(kind, kind)
            assert int(suite.get(counter)) == sum(c.find(kind) is not None for c in cases)
        assert int(suite.get("tests")) == len(cases)
        assert len(of_nodes) == len(file["nodes"])
        for case, node in zip(of_nodes, file["nodes"]):
            wanted = outcome[node["verdict"]]
            assert [c.tag for c in case if c.tag != "system-out"] == ([wanted] if wanted else []), node
        assert (suite.find("testcase/error") is not None) == (file["verdict"] == "unreadable")
        assert (suite.find("testcase/failure") is not None) == (file["verdict"] == "rejected")


CHECKS = {"json-lines": check_json_lines, "sarif": check_sarif, "github": check_github, "junit": check_junit,
          "json": lambda text, report: None, "text": lambda text, report: None}


def check_run(name, arguments):
    code, output = run(arguments, "json")
    report = json.loads(output)
    for format, check in CHECKS.items():
        first, second = run(arguments, format), run(arguments, format)
        assert first == second, f"{name}: {format}: two runs differ"
        assert first[0] == code, f"{name}: {format}: exit code {first[0]}, not {code}"
        try:
            check(first[1].decode(), report)
        except Exception as error:
            raise AssertionError(f"{name}: {format}: {error!r}") from error
    print(f"ok {name}: {len(report['files'])} files, {sum(len(f['findings']) for f in report['files'])} findings")
    return report


def check_job_summary(folder, arguments):
    path = os.path.join(folder, "summary.md")
    with open(path, "w", encoding="utf-8") as f:
        f.write("before\n")
    for format in CHECKS:
        run(arguments, format, GITHUB_STEP_SUMMARY=path)
    with open(path, encoding="utf-8") as f:
        text = f.read()
    assert text.startswith("before\n### snapgauge: rejected\n"), text[:200]
    assert text.count("### ") == 1, "a format other than github writes a summary"
    print("ok summary of the job")


def hostile_graph(folder):
    with open("tests/data/bad/base.sgraph.json", encoding="utf-8") as f:
        graph = json.load(f)
    graph["specs"][1]["scale"] = -0.5
    text = json.dumps(graph, ensure_ascii=False, indent=0)
    text = text.replace('"relu"', json.dumps(HOSTILE, ensure_ascii=False))
    path = os.path.join(folder, "h\u00f6stile %41&<.sgraph.json")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def main():
    usage = subprocess.run([PROGRAM, "check", "--help"], capture_output=True, text=True, check=True).stdout
    for format in CHECKS:
        assert re.search(rf"\b{format}\b", usage), f"--help does not name {format}"
    annotations = sorted(glob.glob("tests/data/annotations/*.json"))
    with tempfile.TemporaryDirectory() as folder:
        garbage = os.path.join(folder, "garbage.onnx")
        with open(garbage, "wb") as f:
            f.write(bytes(range(256)))
        hostile = hostile_graph(folder)
        shipped = sorted(glob.glob("data/*.json") + glob.glob("data/*.onnx"))
        check_run("nothing found", ["data/small.sgraph.json", "--ignore", "SG"])
        check_run("shipped", [*shipped, "--soc", "SM8350"])
        check_run("annotations", annotations)
        check_run("annotations, lpai", ["--backend", "lpai", *annotations])
        check_run("defects", sorted(glob.glob("tests/data/defects/*.onnx")))
        check_run("unreadable", [*shipped[:1], garbage, os.path.join(folder, "missing"), "--warn"])
        report = check_run("hostile", [hostile])
        levels = collections.Counter(x["level"] for x in report["files"][0]["findings"])
        assert levels["error"] > 0 and report["files"][0]["findings"][0]["node"], "the hostile name is in no finding"
        check_job_summary(folder, [hostile])
    return 0


if __name__ == "__main__":
    sys.exit(main())
