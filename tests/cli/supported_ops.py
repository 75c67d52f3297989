"""The pages of docs/supported-ops/ against `snapgauge opinfo`: the same ops, and per op the same datatypes."""
import os
import pathlib
import re
import subprocess

PROGRAM = os.environ["SNAPGAUGE"]
PAGES = pathlib.Path("docs/supported-ops")


def opinfo(verb, backend, sdk, *more):
    done = subprocess.run([PROGRAM, "opinfo", verb, *more, "--backend", backend, "--sdk", sdk, "--pipeline", "qairt"],
                          capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sections(path):
    """Op -> lines of its section."""
    found = re.split(r"^## (\w+)\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {name: body.splitlines() for name, body in zip(found[::2], found[1::2])}


def page_datatypes(lines):
    """The datatypes of the vendor's page: what stands behind ports and no colon, before any overlay."""
    words = set()
    for line in lines:
        if line.startswith("- **"):
            break
        if line.startswith("- ") and "`:" not in line:
            for cell in re.findall(r"` ([^;]+)", line):
                words.update(cell.split(", "))
    return words


def program_datatypes(text):
    rows = text.split("\nConstraints:")[0]
    return {word.replace("FIXED_POINT_", "FIXED").replace("_", "").lower()
            for word in re.findall(r"\b(?:[US]FIXED_POINT|U?INT|FLOAT|BOOL)_\d+", rows)}


newest = {}
for path in sorted(PAGES.glob("*-*.md")):
    backend, sdk = path.stem.split("-")
    newest[backend] = path  # sorted: a later version of the same backend replaces the earlier one
    on_page = {name for name, lines in sections(path).items() if "Not on the vendor's page." not in lines}
    listed = {line.split()[0] for line in opinfo("list", backend, sdk).splitlines()[:-1]}
    assert listed == on_page, (path, listed ^ on_page)
assert len(newest) == 6, newest

for backend in ("htp", "lpai"):
    path = newest[backend]
    for name, lines in sections(path).items():
        if "Not on the vendor's page." not in lines:
            shown = opinfo("show", backend, path.stem.split("-")[1], name)
            ours, theirs = page_datatypes(lines), program_datatypes(shown)
            assert ours == theirs, (path, name, ours ^ theirs)
    listed = {line.split()[0] for line in opinfo("list", backend, "latest").splitlines()[:-1]}
    assert listed <= set(sections(path)), (path, listed - set(sections(path)))
