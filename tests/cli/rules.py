"""`snapgauge explain` against the committed pages, and `snapgauge rules list` against the rule rows."""
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, "scripts")
sys.dont_write_bytecode = True
from generate_rules import load  # noqa: E402

PROGRAM = os.environ["SNAPGAUGE"]
ROWS = load("rules")
CODES = sorted(ROWS)


def run(*arguments, code=0):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == code, (arguments, done.returncode, done.stderr)
    assert bool(done.stderr) == (code != 0), (arguments, done.stderr)
    return done.stdout if code == 0 else done.stderr


def check_explain():
    for code, row in ROWS.items():
        page = pathlib.Path(f"docs/rules/{row['name']}.md").read_text(encoding="utf-8")
        mark, body = page.split("\n\n", 1)
        assert mark.startswith("<!-- ") and mark.endswith(" -->"), page[:200]
        assert run("explain", code) == body, f"explain {code} is not docs/rules/{row['name']}.md"
        assert run("explain", row["name"]) == run("explain", code.lower()) == body
    assert "did you mean" in run("explain", "asymetric-weight", code=2)


def listed(*arguments):
    """Codes of the text output, which must agree with those of --json."""
    codes = [line.split()[0] for line in run("rules", "list", *arguments).splitlines()]
    assert codes == [r["code"] for r in json.loads(run("rules", "list", "--json", *arguments))], arguments
    return codes


def check_filters():
    assert listed() == CODES
    for kind in {row["kind"] for row in ROWS.values()}:
        assert listed("--kind", kind) == [c for c in CODES if ROWS[c]["kind"] == kind]
    for backend in ("htp", "lpai", "gpu"):
        assert listed("--backend", backend) == [c for c in CODES if backend in ROWS[c].get("backends", [backend])]
    assert len(listed("--backend", "gpu")) < len(listed("--backend", "htp")), "the filter took nothing away"
    assert listed("SG2", "sg501") == [c for c in CODES if c.startswith(("SG2", "SG501"))]
    assert listed("SG8", "--kind", "advice", "--backend", "dsp") == [
        c for c in CODES if c.startswith("SG8") and ROWS[c]["kind"] == "advice" and
        "dsp" in ROWS[c].get("backends", ["dsp"])]
    for wrong in (["--kind", "bad"], ["--backend", "htpp"], ["SG999"]):
        run("rules", "list", *wrong, code=2)
    for line in run("rules", "list").splitlines():
        assert line.endswith(", off unless selected") == (not ROWS[line.split()[0]].get("default", True)), line


def check_json():
    for rule in json.loads(run("rules", "list", "--json")):
        row = ROWS[rule["code"]]
        for key in ("name", "kind", "message", "action", "why", "source", "since"):
            assert rule[key] == row[key], (rule["code"], key)
        for key in ("predicates", "ops", "backends", "except", "after"):
            assert rule[key] == row.get(key, []), (rule["code"], key)
        assert rule["default"] == row.get("default", True)
        assert rule["limit"] == row.get("limit"), (rule["code"], rule["limit"])
        assert rule["level"] in ("note", "warning", "error")


check_explain()
check_filters()
check_json()
sys.exit(0)
