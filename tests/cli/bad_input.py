"""Runs `snapgauge check` on bad files and tests what comes of it: the exit code, a JSON report on
standard output, and in it exactly one finding, with the code, place and words asked for."""
import json
import os
import subprocess
import sys

PROGRAM = os.environ["SNAPGAUGE"]
SECONDS = 20  # far more than any case needs; what takes longer hangs


def complaint(path, code, rule, place, words):
    """What is wrong with the outcome for `path`; empty when nothing is."""
    try:
        run = subprocess.run([PROGRAM, "check", path, "--output-format", "json"], capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"takes longer than {SECONDS} s"
    if run.stderr:
        return f"writes to standard error: {run.stderr[:300]!r}"
    try:
        report = json.loads(run.stdout)
    except ValueError as error:
        return f"standard output is no JSON ({error}): {run.stdout[:300]!r}"
    file = report["files"][0]
    shown = [(f["code"], f.get("location"), f["message"], f["actual"]) for f in file["findings"]]
    if run.returncode != code:
        return f"exit code {run.returncode}, not {code}; findings {shown}"
    if len(shown) != 1:
        return f"{len(shown)} findings, not 1: {shown}"
    found, location, message, actual = shown[0]
    line, _, column = place.partition(":")
    location = location or {}
    if file["path"] != path:
        return f"names the file {file['path']!r}"
    if not found.startswith(rule) or words not in message + actual:
        return f"no {rule} with {words!r}: {shown}"
    if (line and location.get("line") != int(line)) or (column and location.get("column") != int(column)):
        return f"not at {place}: {shown}"
    return complaint_of_fix(path, code)


def complaint_of_fix(path, code):
    """The same of `fix`, which cannot read what the check cannot."""
    try:
        run = subprocess.run([PROGRAM, "fix", "--diff", "--unsafe", path], capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"fix takes longer than {SECONDS} s"
    if run.returncode not in (0, 1, 2) or (run.returncode == 2) != (code == 2):
        return f"fix ends with {run.returncode}: {run.stderr[:300]!r}"
    lines = run.stderr.decode(errors="replace").splitlines()
    if len(lines) != (1 if code == 2 else 0) or (lines and not lines[0].startswith(f"snapgauge: {path}")):
        return f"fix says {lines[:3]}"
    return ""


def report(name, text):
    print(f"{'FAIL' if text else 'ok'} {name}{': ' if text else ''}{text}")
    return bool(text)


def edited_files(table, base, folder):
    """The table's cases, as files in `folder`."""
    with open(base, encoding="utf-8") as f:
        original = f.read()
    with open(table, encoding="utf-8") as f:
        rows = [line.rstrip("\n").split("\t") for line in f if line.strip() and not line.startswith("#")]
    for name, code, rule, place, words, old, new in rows:
        old, new = old.replace("\\n", "\n"), new.replace("\\n", "\n")
        assert original.count(old) == 1, f"{name}: '{old}' must occur once in {base}"
        path = os.path.join(folder, name + ".sgraph.json")
        with open(path, "w", encoding="utf-8") as f:
            f.write(original.replace(old, new))
        yield name, path, int(code), rule, place, words


def main():
    if sys.argv[1] == "table":
        cases = edited_files(*sys.argv[2:5])
    else:
        path, code, rule, place, words = sys.argv[2:7]
        cases = [(os.path.basename(path), path, int(code), rule, place, words)]
    failed = [report(name, complaint(*case)) for name, *case in cases]
    return 1 if any(failed) else 0


if __name__ == "__main__":
    sys.exit(main())
