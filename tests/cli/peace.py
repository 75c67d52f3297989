"""Runs `snapgauge check` and `config show` with configurations, suppressions and baselines."""
import json
import os
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(os.environ["SNAPGAUGE"])
MODEL = os.path.abspath("data/vit_tiny.16a8w.json")  # 6 of 81 nodes rejected on SM8350, all SG502
NODES = '[[nodes]]\npattern = "matmul.*"\nignore = ["SG502"]\nreason = "on the CPU"\n'
failed = []


def run(folder, *arguments, verb="check"):
    done = subprocess.run([PROGRAM, verb, *arguments], cwd=folder, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def report(folder, *arguments):
    code, out, err = run(folder, *arguments, "--output-format", "json")
    assert not err, err
    return code, json.loads(out)


def write(folder, name, text, mode="w"):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, mode) as f:
        f.write(text)
    return path


def equal(got, wanted, what):
    if got != wanted:
        failed.append(what)
        print(f"FAIL {what}: {got!r}, not {wanted!r}")
    else:
        print(f"ok {what}")


def refused(folder, what, place, *arguments):
    code, out, err = run(folder, *arguments)
    equal((code, out, err.count("\n"), place in err), (2, "", 1, True), f"{what}: {err.strip()[:200]}")


def copy(folder, name="model.json", edit=lambda text: text):
    with open(MODEL) as f:
        return write(folder, name, edit(f.read()))


def configuration(folder):
    copy(folder, "a/b/model.json")
    write(folder, "snapgauge.toml", 'soc = "SM8350"\nwarn = true\n')
    code, r = report(folder, "a/b/model.json")
    equal((code, r["target"]["soc"], r["mode"], r["files"][0]["verdict"]), (0, "SM8350", "warn", "rejected"), "found upwards")
    equal(report(folder, "a/b/model.json", "--strict")[0], 1, "--strict beats the file")
    equal(report(folder, "a/b/model.json", "--soc", "SM8750")[1]["target"]["soc"], "SM8750", "--soc beats the file")
    equal(report(folder, "a/b/model.json", "--isolated")[1]["target"]["soc"], "SM8750", "--isolated")
    write(folder, "a/snapgauge.toml", 'ignore = ["SG5"]\n')
    code, r = report(folder, "a/b/model.json")
    equal((code, r["target"]["soc"]), (0, "SM8750"), "the nearest wins, without merging")
    code, r = report(folder, "a/b/model.json", "--soc", "SM8350")
    equal((code, r["files"][0]["findings"], r["summary"]["rejected"]), (1, [], 6), "ignore hides and accepts nothing")
    code, out, _ = run(folder, "show", "a/b/model.json", "--config", "snapgauge.toml", verb="config")
    equal((code, 'soc = "SM8350"' in out, "snapgauge.toml:1" in out), (0, True, True), "config show")
    copy(folder, "other.json")
    refused(folder, "two targets in one run", "runs of their own", "a/b/model.json", "other.json")


def levels(folder):
    model = copy(folder)
    config = write(folder, "c.toml", '[levels]\nSG5 = "off"\nSG502 = "note"\n')
    code, r = report(folder, model, "--soc", "SM8350", "--config", config)
    equal((code, r["summary"]["errors"], r["summary"]["rejected"]), (1, 0, 6), "a lowered level accepts nothing")
    equal({f["level"] for f in r["files"][0]["findings"]}, {"note"}, "the longest prefix sets the level")
    write(folder, "c.toml", NODES + '[levels]\nSG502 = "error"\n')
    code, r = report(folder, model, "--soc", "SM8350", "--config", config)
    equal((code, r["summary"]["rejected"], r["summary"]["suppressed"]), (1, 7, 6), "a raised level rejects")


def suppressions(folder):
    model = copy(folder)
    config = write(folder, "c.toml", NODES)
    code, r = report(folder, model, "--soc", "SM8350", "--config", config)
    file = r["files"][0]
    equal((code, file["verdict"], r["summary"]["rejected"], len(file["suppressed"])), (0, "accepted", 0, 6), "[[nodes]]")
    equal(file["suppressed"][0]["suppression"], {"by": "configuration", "reason": "on the CPU"}, "its reason")
    equal(sum(n.get("suppressed", False) for n in file["nodes"]), 6, "nodes accepted by suppression are marked")
    write(folder, "c.toml", NODES.replace("matmul.*", "matmul"))
    code, r = report(folder, model, "--soc", "SM8350", "--config", config)
    equal((code, r["summary"]["rejected"]), (1, 5), "patterns match whole names")
    code, r = report(folder, model, "--soc", "SM8750", "--config", config)
    idle = [f for f in r["files"][0]["findings"] if f["code"] == "SG010"]
    equal((code, len(idle), idle and "c.toml:1" in idle[0]["message"]), (0, 1, True), "an idle entry is reported")
    write(folder, "c.toml", NODES)
    code, out, _ = run(folder, model, "--soc", "SM8350", "--config", config, "--output-format", "sarif")
    states = [x["suppressions"] for x in json.loads(out)["runs"][0]["results"] if "suppressions" in x]
    equal((len(states), states[0][0]["kind"], states[0][0]["justification"]), (6, "external", "on the CPU"), "SARIF")


def inline(folder):
    def accepting(entry, name="matmul"):
        return lambda text: text.replace('{"name":"%s",' % name, '{"name":"%s","x-snapgauge":{"ignore":[%s]},' % (name, entry), 1)

    good = '{"code":"SG502","reason":"measured"}'
    code, r = report(folder, copy(folder, edit=accepting(good)), "--soc", "SM8350")
    equal((code, r["summary"]["rejected"], r["summary"]["suppressed"]), (1, 5, 1), "inline, on a node")
    whole = copy(folder, edit=lambda text: text.replace("{", '{"x-snapgauge":{"ignore":[%s]},' % good, 1))
    code, r = report(folder, whole, "--soc", "SM8350")
    equal((code, r["files"][0]["verdict"], r["summary"]["rejected"]), (0, "accepted", 0), "inline, on the file")
    for what, entry in (("no reason", '{"code":"SG502"}'), ("blank reason", '{"code":"SG502","reason":" "}'),
                        ("no code", '{"reason":"x"}'), ("unknown code", '{"code":"SG5x","reason":"x"}'), ("text", '"SG502"')):
        code, r = report(folder, copy(folder, edit=accepting(entry)), "--soc", "SM8350")
        equal((code, r["files"][0]["findings"][0]["code"], r["files"][0]["findings"][0]["location"]["line"] > 80),
              (2, "SG001", True), f"inline: {what}")


def baseline(folder):
    model = copy(folder)
    old = ("--soc", "SM8350", "--baseline", "base.json")
    refused(folder, "no baseline", "base.json", model, *old)
    equal(report(folder, model, *old, "--write-baseline")[0], 0, "--write-baseline")
    with open(os.path.join(folder, "base.json")) as f:
        first = f.read()
    code, r = report(folder, model, *old)
    equal((code, r["files"][0]["findings"], r["summary"]["compared"]),
          (0, [], {"with": "base.json", "before": 13, "known": 13, "gone": 0}), "all known")
    equal(folder in first, False, "paths are relative")
    report(folder, model, *old, "--write-baseline")
    with open(os.path.join(folder, "base.json")) as f:
        equal(f.read() == first, True, "written alike again")
    line = next(x for x in first.splitlines() if '"matmul_1"' in x)
    write(folder, "base.json", first.replace(line + "\n", ""))
    code, r = report(folder, model, *old)
    equal((code, [f["node"] for f in r["files"][0]["findings"]], r["summary"]["rejected"]), (1, ["matmul_1"], 1), "a new one fails")
    write(folder, "base.json", first.replace('"matmul"', '"gone"'))
    code, r = report(folder, model, *old)
    equal((code, r["summary"]["compared"]["gone"]), (1, 1), "a stale one is counted")
    code, out, _ = run(folder, model, *old, "--output-format", "sarif")
    states = [x["baselineState"] for x in json.loads(out)["runs"][0]["results"]]
    equal((states.count("new"), states.count("unchanged")), (1, 12), "SARIF baselineState")
    report(folder, model, *old, "--write-baseline")
    with open(os.path.join(folder, "base.json")) as f:
        equal('"gone"' in f.read(), False, "--write-baseline prunes")
    run(folder, "missing.onnx", model, *old, "--write-baseline")
    with open(os.path.join(folder, "base.json")) as f:
        equal(f.read() == first, True, "nothing is written when a file is unreadable")
    for what, text in (("cut", first[:200]), ("empty", ""), ("deep", "[" * 1000000), ("list", "[]"),
                       ("schema", '{"schema":"x","files":[]}'), ("count", first.replace('"count":1', '"count":-1')),
                       ("huge count", first.replace('"count":1', '"count":99999999999999999999')),
                       ("type", first.replace('"matmul"', "7"))):
        write(folder, "base.json", text)
        refused(folder, f"baseline: {what}", "base.json", model, *old)


def old_version(folder):
    copy(folder, "old.json", lambda text: text.replace('"name":"matmul_1"', '"name":"product"').replace('"matmul_1"', '"product"'))
    new = copy(folder, "new.json")
    code, r = report(folder, new, "--soc", "SM8350", "--diff-against", "old.json")
    equal((code, [f["node"] for f in r["files"][0]["findings"]], r["summary"]["compared"]),
          (1, ["matmul_1"], {"with": "old.json", "before": 13, "known": 12, "gone": 1}), "--diff-against")
    equal(report(folder, new, "--soc", "SM8350", "--diff-against", "new.json")[0], 0, "nothing new")
    refused(folder, "no old version", "missing.json", new, "--diff-against", "missing.json")
    refused(folder, "two files", "--diff-against", new, "old.json", "--diff-against", "old.json")


def bad_configurations(folder):
    model = copy(folder)
    cases = [
        ("unknown key", 'sco = "SM8350"', ":1:1: unknown key \"sco\"; did you mean"),
        ("unknown key of nodes", NODES + 'resaon = "x"', ":5:1: unknown key \"resaon\""),
        ("no reason", NODES.replace("reason", "#"), ":1:"), ("blank reason", NODES.replace("on the CPU", " "), ":4:"),
        ("no ignore", NODES.replace("ignore", "#"), ":1:"), ("pattern", NODES.replace("matmul.*", "(("), ":2:"),
        ("code", 'select = ["SG299"]', ":1:"), ("rule's name", 'ignore = ["arch-gate-16x16"]', "SG502"),
        ("level", '[levels]\nSG2 = "fatal"', ":2:"), ("level of nothing", '[levels]\nX = "note"', ":2:"),
        ("text for list", 'select = "SG2"', ":1:"), ("number", "soc = 8350", ":1:"), ("table", "nodes = 3", ":1:"),
        ("warn", 'warn = "yes"', ":1:"), ("twice", 'soc = "a"\nsoc = "b"', ":2:"), ("cut", 'select = ["SG2', ":1:"),
        ("deep", "a = " + "[" * 100000, ":1:"), ("huge", "#" * (1 << 21), "1 MiB"), ("control", 'soc = "\x01"', ":1:"),
        ("SoC", 'soc = "SM875"', "SM8750"), ("tables", 'opinfo = ["none"]', "none"),
    ]
    for what, text, place in cases:
        write(folder, "c.toml", text)
        refused(folder, f"configuration: {what}", place, model, "--config", "c.toml")
    write(folder, "c.toml", b"soc = '\xff'\n", "wb")
    refused(folder, "configuration: bytes", "c.toml", model, "--config", "c.toml")
    refused(folder, "configuration: missing", "none.toml", model, "--config", "none.toml")


for test in (configuration, levels, suppressions, inline, baseline, old_version, bad_configurations):
    with tempfile.TemporaryDirectory() as work:
        test(work)
print("all as it should be" if not failed else f"{len(failed)} failed")
sys.exit(bool(failed))
