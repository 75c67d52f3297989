#!/usr/bin/env python3
"""Checks that every file includes only what its module may use, and that no backend op stands in the code.

The USES lists in src/CMakeLists.txt are the only statement of the layers; modules stand there from
bottom to top. Public headers include only public headers and the standard library. What judges nodes
takes the names of ops from rules/ and opinfo/, never from a literal.
"""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DECLARATION = re.compile(r"^snapgauge_(?:module|program)\(\s*([\w/]+)([^)]*)\)", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
STANDARD = re.compile(r"[a-z0-9_]+$")  # <vector>; a library's header has a folder or an extension
LITERAL = re.compile(r'"(\w+)"')
JUDGES = ("targets", "evaluate", "backend", "rules", "check")
FREE_FOR_ALL = "snapgauge/version.h"


def read_layers(text):
    """Module -> modules whose headers it may include (its own among them)."""
    layers = {}
    for name, rest in DECLARATION.findall(text):
        uses = re.search(r"\bUSES\b((?:\s+(?!LINKS\b)[\w/]+)*)", rest)
        allowed = uses.group(1).split() if uses else []
        for used in allowed:
            if used not in layers:
                raise SystemExit(f"src/CMakeLists.txt: {name} uses {used}, which is not declared above it")
        layers[name] = {name, *allowed}
    return layers


def includes(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if found := INCLUDE.match(line):
            yield number, found.group(1) == '"', found.group(2)


def module_of(path, layers):
    """The innermost declared folder of a file below src/, as "formats/onnx" of "formats/onnx/edit.h"; else None."""
    return next((str(folder) for folder in pathlib.PurePath(path).parents if str(folder) in layers), None)


def sources(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix in (".h", ".cc", ".inc"))


def fault_in_module(module, quoted, target, layers):
    used = module_of(target, layers)
    if target.split("/")[0] == "snapgauge":
        if target != FREE_FOR_ALL and "api" not in layers[module]:
            return "public headers belong to api and to what stands above it"
    elif used is not None:
        if used not in layers[module]:
            return f"module {module} may not use {used}"
    elif quoted:
        return "not a module's header; write \"module/file.h\", or <...> for a library"
    return None


def op_names():
    tables = [json.loads(path.read_text(encoding="utf-8")) for path in ROOT.glob("opinfo/*/master.json")]
    return {op for table in tables for op in table["ops"]}


def named_ops(path, ops):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        for name in LITERAL.findall(line):
            if name in ops:
                yield path, number, name, "ops stand in rules/ and opinfo/, not in the code"


def main():
    layers = read_layers((ROOT / "src/CMakeLists.txt").read_text(encoding="utf-8"))
    faults = []
    for path in sources(ROOT / "src"):
        module = module_of(path.relative_to(ROOT / "src"), layers)
        for number, quoted, target in includes(path):
            fault = ("its folder is not declared in src/CMakeLists.txt" if module is None
                     else fault_in_module(module, quoted, target, layers))
            if fault:
                faults.append((path, number, target, fault))
    ops = op_names()
    for module in JUDGES:
        for path in sources(ROOT / "src" / module):
            faults.extend(named_ops(path, ops))
    for path in sources(ROOT / "include"):
        for number, quoted, target in includes(path):
            if not target.startswith("snapgauge/") and (quoted or not STANDARD.match(target)):
                faults.append((path, number, target, "a public header includes only public and standard headers"))
    for path, number, target, fault in faults:
        print(f"{path.relative_to(ROOT)}:{number}: {target}: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
