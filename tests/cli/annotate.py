#!/usr/bin/env python3
"""annotate through the whole program: what is written where, when nothing is, and what is said.

The passes before annotation are held to fixtures: data/passes/NAME.before.sgraph.json becomes NAME.BACKEND.after.sgraph.json,
byte for byte. With SNAPGAUGE_REGENERATE=1 the latter are written.
"""
import json
import os
import pathlib
import shutil
import sys
import tempfile

from checks import expect, finish, run

DATA = pathlib.Path(sys.argv[2])
SOCS = {"htp": "SM8750", "lpai": "SM8850"}


def fixtures(folder):
    """A file whose name says the backend, after the file of the same name before."""
    for after in sorted((DATA / "passes").glob("*.after.sgraph.json")):
        name, backend = after.name.removesuffix(".after.sgraph.json").rsplit(".", 1)
        before = after.with_name(f"{name}.before.sgraph.json")
        out = folder / "out.json"
        done = run("annotate", before, "--backend", backend, "--soc", SOCS[backend], "--isolated", "-o", out)
        if os.environ.get("SNAPGAUGE_REGENERATE"):
            shutil.copy(out, after)
        expect(f"fixture {after.name}", done.returncode == 0 and out.read_text() == after.read_text(), done.stdout + done.stderr)
        out.unlink(missing_ok=True)


def writes(folder, model):
    done = run("annotate", model, "--isolated")
    target = model.with_name("m.annotated.sgraph.json")
    expect("writes beside the model", done.returncode == 0 and target.exists(), done.stderr)
    expect("says where", f"written to {target}" in done.stdout, done.stdout)
    first = target.read_bytes()
    expect("again is the same", run("annotate", model, "--isolated").returncode == 0 and target.read_bytes() == first)
    done = run("annotate", model, "--quant", "16a8w", "--isolated")
    expect("does not overwrite what it did not name", done.returncode == 2 and "exists already" in done.stderr, done.stderr)
    expect("and leaves it", target.read_bytes() == first)
    expect("overwrites what is named", run("annotate", model, "--quant", "16a8w", "--isolated", "-o", target).returncode == 0
           and target.read_bytes() != first)
    done = run("annotate", model, "--isolated", "-o", model)
    expect("never the model itself", done.returncode == 2 and model.read_bytes()[:1] != b"{", done.stderr)
    again = run("annotate", target, "--isolated", "-o", folder / "twice.json")
    expect("annotated nodes stay", again.returncode == 0 and "0 of 22 nodes annotated" in again.stdout, again.stdout)


def gates(folder, graph):
    """Low Power AI has no Elu."""
    out = folder / "elu.json"
    target = ["--backend", "lpai", "--soc", "SM8850", "--isolated", "-o", out]
    done = run("annotate", graph, *target)
    expect("strict refuses", done.returncode == 1 and not out.exists() and "nothing written" in done.stdout, done.stdout)
    expect("with the findings", "SG101" in done.stdout and "Elu" in done.stdout, done.stdout)
    done = run("annotate", graph, "--warn", *target)
    expect("warn writes", done.returncode == 0 and out.exists() and "SG101" in done.stdout, done.stdout)
    done = run("annotate", graph, "--output-format", "json", *target)
    report = json.loads(done.stdout)
    expect("as JSON", done.returncode == 1 and report["schema"] == "snapgauge-annotate/1" and "output" not in report)
    expect("with the report", report["gate"]["schema"] == "snapgauge-report/1" and report["gate"]["files"][0]["verdict"] == "rejected")


def configured(folder, model):
    (folder / "snapgauge.toml").write_text('[quantize]\nconfig = "16a8w"\n[[quantize.rules]]\nop = "Gemm"\nconfig = "8a8w"\n')
    out = ["-o", folder / "c.json", "--config", folder / "snapgauge.toml"]
    shown = run("annotate", model, "--explain-quant", *out).stdout
    line = next((l for l in shown.splitlines() if "Gemm" in l), "")
    expect("snapgauge.toml decides", "8a8w" in line and "snapgauge.toml:3" in line, shown)
    expect("for the rest its default", any("Conv" in l and "16a8w" in l for l in shown.splitlines()))
    shown = run("annotate", model, "--explain-quant", "--quant", "8a4w", *out).stdout
    expect("the command line overrules its default", any("Conv" in l and "8a4w" in l for l in shown.splitlines()), shown)
    (folder / "r.toml").write_text('config = "16a4w"\n')
    shown = run("annotate", model, "--explain-quant", "--recipe", folder / "r.toml", *out).stdout
    expect("a recipe of its own replaces it", all("16a4w" in l for l in shown.splitlines() if "(Conv" in l or "  Gemm" in l), shown)
    done = run("annotate", model, "--recipe", folder / "r.toml", "--isolated", "-o", folder / "r.toml")
    expect("a recipe is not written over", done.returncode == 2 and "is read by this run" in done.stderr, done.stderr)
    shown = run("config", "show", "--config", folder / "snapgauge.toml").stdout
    expect("config show has it", "[quantize]" in shown and "[[quantize.rules]]" in shown, shown)
    (folder / "snapgauge.toml").write_text('[quantize]\ncnfig = "16a8w"\n')
    done = run("annotate", model, *out)
    expect("mistakes are told", done.returncode == 2 and "snapgauge.toml:2:1" in done.stderr and "did you mean" in done.stderr, done.stderr)


def hostile(folder):
    cases = {"empty.toml.d": None, "nest.toml": "config = " + "[" * 5000, "bytes.toml": "\xff\x00", "rules.toml": "rules = 1"}
    model = DATA / "runs" / "kws_dscnn.float.onnx"
    for name, text in cases.items():
        path = folder / name
        path.mkdir() if text is None else path.write_text(text, encoding="latin-1")
        done = run("annotate", model, "--recipe", path, "--isolated", "-o", folder / "x.json")
        one_line = done.stderr.count("\n") == 1 and done.stderr.startswith("snapgauge: ")
        expect(f"recipe {name}", done.returncode == 2 and one_line and not (folder / "x.json").exists(), done.stderr)


def main():
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        model = folder / "m.onnx"
        shutil.copy(DATA / "runs" / "kws_dscnn.float.onnx", model)
        fixtures(folder)
        writes(folder, model)
        gates(folder, DATA / "runs" / "espcn.float.onnx")
        configured(folder, model)
        hostile(folder)
    return finish(25)


if __name__ == "__main__":
    sys.exit(main())
