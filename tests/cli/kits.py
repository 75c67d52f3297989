"""Runs the pre-commit hook, the step of action.yml and the CMake function on a good and a bad graph, with
the examples of docs/ci.md where they can run without their hosts."""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

import yaml  # Debian: python3-yaml

ROOT = pathlib.Path.cwd()
PROGRAM = os.environ["SNAPGAUGE"]
GOOD = ROOT / "data/kws_dscnn.qnn_a8w8.onnx"
BAD = ROOT / "data/kws_dscnn.u8s8_pc.bad_per_channel_asymmetric.onnx"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", pathlib.Path("docs/ci.md").read_text(encoding="utf-8"), re.M | re.S)


def run(command, code, cwd, **environment):
    done = subprocess.run(command, cwd=cwd, capture_output=True, encoding="utf-8", timeout=120,
                          env={**{k: v for k, v in os.environ.items() if not k.startswith("GITHUB_")}, **environment})
    assert done.returncode == code, (command, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout + done.stderr


def check_hook():
    (hook,) = yaml.safe_load(pathlib.Path(".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    example = yaml.safe_load(next(t for kind, t in BLOCKS if kind == "yaml" and "repo: local" in t))
    (local,) = example["repos"][0]["hooks"]
    for key in ("id", "name", "entry", "language", "files", "require_serial"):
        assert local[key] == hook[key], key
    for name, wanted in (("a/m.onnx", True), ("x.sgraph.json", True), ("package.json", False), ("onnx.md", False)):
        assert bool(re.search(hook["files"], name)) == wanted, name
    command = [*shlex.split(hook["entry"]), *local["args"]]
    path = os.path.dirname(PROGRAM) + ":" + os.environ["PATH"]
    run([*command, GOOD], 0, ROOT, PATH=path)
    run([*command, GOOD, BAD], 1, ROOT, PATH=path)


def run_action(folder, code, **inputs):
    """Runs the action's step as a runner would; returns what it printed and its outputs."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert action["runs"]["using"] == "composite" and action["name"] and action["description"]
    assert set(inputs) <= set(action["inputs"]), inputs
    (step,) = action["runs"]["steps"]
    assert step["shell"] == "bash" and "${{" not in step["run"]  # inputs reach the shell as data only

    def value(match):
        name = match.group(1)
        if name == "github.action_path":
            return str(ROOT)
        spec = action["inputs"][name.removeprefix("inputs.")]
        assert spec["description"]
        return inputs.get(name.removeprefix("inputs."), str(spec.get("default", "")))

    environment = {k: re.sub(r"\$\{\{ (\S+) \}\}", value, text) for k, text in step["env"].items()}
    assert {f"INPUT_{name.upper()}" for name in action["inputs"]} <= set(environment)
    output, summary = folder / "output", folder / "summary"
    for file in (output, summary):
        file.write_text("")
    printed = run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], code, folder,
                  GITHUB_OUTPUT=str(output), GITHUB_STEP_SUMMARY=str(summary), GITHUB_ACTIONS="true", **environment)
    outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
    assert outputs["exit-code"] == str(code), outputs
    for name, spec in action["outputs"].items():
        assert spec["value"] == f"${{{{ steps.{step['id']}.outputs.{name} }}}}"
    return printed, outputs, summary.read_text(encoding="utf-8")


def check_action(folder):
    (folder / "models/deep er").mkdir(parents=True)
    shutil.copy(GOOD, folder / "models/deep er/good.onnx")
    printed, outputs, summary = run_action(folder, 0, files="models/**/*.onnx", program=PROGRAM, soc="SM8750")
    assert "::error" not in printed and "deep er/good.onnx" in summary
    shutil.copy(BAD, folder / "models/bad.onnx")
    printed, outputs, summary = run_action(folder, 1, files="models/**/*.onnx\nmodels/none*.onnx", program=PROGRAM,
                                           backend="htp", args="--ignore SG7", sarif="out.sarif")
    assert "::error file=models/bad.onnx" in printed and summary.count("models/bad.onnx") >= 1
    assert summary.count("deep er/good.onnx") == 1, "the summary was written twice"
    assert outputs["sarif"] == "out.sarif"
    results = json.loads((folder / "out.sarif").read_text(encoding="utf-8"))["runs"][0]["results"]
    assert any(r["level"] == "error" for r in results), results
    run_action(folder, 0, files="models/bad.onnx", program=PROGRAM, warn="true")
    printed, _, _ = run_action(folder, 2, files="nothing/*.onnx", program=PROGRAM)
    assert "no file matches" in printed
    run_action(folder, 2, files="missing.onnx", program=PROGRAM)
    printed, _, _ = run_action(folder, 2, files="models/bad.onnx", program=PROGRAM, backend="; touch injected")
    assert not list(folder.rglob("injected"))

    job = yaml.safe_load(next(t for kind, t in BLOCKS if kind == "yaml" and "jobs:" in t))["jobs"]["snapgauge"]
    (step,) = [s for s in job["steps"] if s["uses"].startswith("OWNER/snapgauge@")]
    inputs = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["inputs"]
    assert set(step["with"]) <= set(inputs) and job["permissions"]["security-events"] == "write"


PACKAGE = """add_executable(snapgauge::program IMPORTED)
set_target_properties(snapgauge::program PROPERTIES IMPORTED_LOCATION "{program}")
include("{root}/cmake/SnapgaugeCheck.cmake")
"""


def check_cmake(folder):
    """The example of the page, with a stand-in for the installed package (scripts/check_consume has the real one)."""
    (folder / "snapgaugeConfig.cmake").write_text(PACKAGE.format(program=PROGRAM, root=ROOT))
    (text,) = [t for kind, t in BLOCKS if kind == "cmake"]
    (folder / "CMakeLists.txt").write_text(text.replace("LANGUAGES CXX", "LANGUAGES NONE"))
    model, build = folder / "models/kws.onnx", folder / "build"
    model.parent.mkdir()
    configure = ["cmake", "-S", folder, "-B", build, "-G", "Ninja", f"-Dsnapgauge_DIR={folder}"]
    shutil.copy(BAD, model)
    run(configure, 0, folder)
    printed = run(["cmake", "--build", build], 1, folder)
    assert "error[SG" in printed and "models/kws.onnx" in printed, printed
    assert "models_fit" in run(["ctest", "--test-dir", build], 8, folder)
    shutil.copyfile(GOOD, model)
    run(["cmake", "--build", build], 0, folder)
    run(["ctest", "--test-dir", build], 0, folder)
    assert "no work to do" in run(["cmake", "--build", build], 0, folder)
    for wrong, said in (("", "names no graph"), ("FILES", "names no graph"), ("SCO X FILES a.onnx", "unknown: SCO;X")):
        (folder / "CMakeLists.txt").write_text(text.replace("LANGUAGES CXX", "LANGUAGES NONE")
                                               + f"snapgauge_check(wrong {wrong})\n")
        assert said in run(configure, 1, folder), wrong


with tempfile.TemporaryDirectory() as scratch:
    check_hook()
    for part in (check_action, check_cmake):
        place = pathlib.Path(scratch).resolve() / part.__name__
        place.mkdir()
        part(place)
sys.exit(0)
