"""`snapgauge explain` against the committed pages, and `snapgauge rules list` against the rule rows."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

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


def check_holes():
    """The arguments that the code gives are the holes of the row's message: none is missing, none is idle.

    Where a mechanism speaks for many rules (a row of the op-info tables, a port that advice is about), it gives the
    same arguments to all of them, and a message takes what it needs."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(pathlib.Path("src").rglob("*.cc"))}
    holes = {int(code[2:]): set(re.findall(r"\{(\w+)\}", row["message"])) for code, row in ROWS.items()}
    named = re.compile(r'\{"(\w+)",')
    called = re.compile(r"\b(?:make_finding|at|add)\(\s*(?:[\w.(){}]+, )*(\d+|k\w+),\s*(\{.*?\}\})[),]", re.DOTALL)
    told = set()
    for path, text in texts.items():
        constants = dict(re.findall(r"constexpr RuleCode (k\w+) = (\d+);", text))
        for code, arguments in called.findall(text):
            code = int(constants.get(code, code))
            given = set(named.findall(arguments))
            assert given == holes[code], f"{path}: SG{code:03}: gives {given}, the message has {holes[code]}"
            told.add(code)
    advice = "".join(text for path, text in texts.items() if path.name.startswith("advice"))
    for code, function in re.findall(r"\{(\d+), &Advisor::(\w+)\}", advice):
        code = int(code)
        body = re.search(rf"^void Advisor::{function}\(.*?^}}", advice, re.DOTALL | re.MULTILINE).group()
        given = set(named.findall(body))
        assert given <= holes[code] <= given | {"op", "port"}, f"SG{code:03}: gives {given}, the message has {holes[code]}"
        told.add(code)
    shared = {int(code[2:]) for code, row in ROWS.items() if row.get("predicates")}
    for code in shared:
        common = {"port", "op", "other", "backend", "arch", "soc", "soc_arch"}
        assert holes[code] <= common, f"SG{code:03}: {holes[code] - common}"
    # The code of these is chosen at run time, for one list of arguments; their fixtures show that none is missing.
    left = set(holes) - told - shared - {107, 108, 608}
    assert not left, f"not seen where these are made: {sorted(left)}"


def check_retired():
    """Codes and names are not given again, and explain redirects."""
    words = tomllib.loads(pathlib.Path("rules/retired.toml").read_text(encoding="utf-8"))
    for word, now in words.items():
        if now:
            first, page = run("explain", word).split("\n\n", 1)
            assert first == f"{word} is retired; {now} {ROWS[now]['name']} took its place." and page == run("explain", now)
        else:
            assert "is retired" in run("explain", word, code=2)
    row = "".join(f'{key} = "{value}"\n' for key, value in dict(
        kind="invalid", message="m", action="a", why="w", source="s", since="0.1").items())
    good = f'[SG201]\nname = "a-b-c-d"\n{row}'
    cases = (("", good, ""), ('old = "SG201"', good, ""), ('SG299 = ""', good, ""),
             ('SG201 = ""', good, "SG201: retired, and SG201 has it again"),
             ('a-b-c-d = "SG201"', good, "a-b-c-d: retired, and SG201 has it again"),
             ('SG299 = "SG300"', good, "is no rule"), ('SG299 = 3', good, "is no rule"),
             ("", good.replace("-d", "-d-e"), "at most four words"), ("", good.replace("a-b", "A-b"), "kebab-case"),
             ("", good + good.replace("201", "202"), "another rule's"), ("", good.replace('"s"', '""'), "missing source"))
    for old, rows, wanted in cases:
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "retired.toml").write_text(old)
            pathlib.Path(folder, "some.toml").write_text(rows)
            done = subprocess.run([sys.executable, "scripts/generate_rules.py", folder, folder + "/table.inc"],
                                  capture_output=True, encoding="utf-8", timeout=60)
            assert (done.returncode != 0) == bool(wanted) and wanted in done.stderr, (old, rows, done.stderr)


check_explain()
check_filters()
check_json()
check_holes()
check_retired()
sys.exit(0)
