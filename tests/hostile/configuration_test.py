"""A configuration is what a stranger may have written: how deep and large it gets, whose it is, where it lies, and
what it took out of a report."""
import json
import os
import shutil
import tempfile

from common import MEMORY, MODEL, REJECTED, SANITIZED, expect, finish, one_error, run, write

NODES = '[[nodes]]\npattern = "matmul.*"\nignore = ["SG502"]\nreason = "on the CPU"\n'
DEEP = 31000


def depth(folder):
    for name, text in (
            ("dotted key", ".".join(["a"] * DEEP) + "=1"),
            ("dotted header", "[" + ".".join(["a"] * DEEP) + "]"),
            ("quoted key", '."a"'.join(["b"] * DEEP) + "=1"),
            ("arrays", "a = " + "[" * DEEP + "]" * DEEP),
            ("open arrays", "a = " + "[" * 500000),
            ("inline tables", "a = " + "{a=" * DEEP + "1" + "}" * DEEP),
            ("behind a string", 'a = ["""x"""", "[[[[[[[[[[", ' + "[" * DEEP),
            ("behind a comment", "# \" '\na = " + "[" * DEEP)):
        config = write(folder, "snapgauge.toml", text)
        one_error(f"{name}: check", run("check", MODEL, "--config", config), "snapgauge.toml:", "")
        one_error(f"{name}: config show", run("config", "show", "--config", config), "snapgauge.toml:")
        one_error(f"{name}: matrix", run("matrix", MODEL, "--config", config), "snapgauge.toml:")
        one_error(f"{name}: fix", run("fix", "--diff", MODEL, "--config", config), "snapgauge.toml:")
    strings = 'soc = "[[[[[[[[[[[["\n# [[[[[[[[[[[[[\nsdk = \'\'\'[[[[[[[[[[[.a.a.a.a.a.a.a.a.a.a\'\'\'\n'
    ended = run("config", "show", "--config", write(folder, "strings.toml", strings))
    expect(ended.code == 0, "brackets in strings and comments nest nothing", ended)


def size(folder):
    config = write(folder, "snapgauge.toml", "#" * (1 << 20) + "\n")
    one_error("1 MiB and a byte", run("check", MODEL, "--config", config), "snapgauge.toml", "1 MiB")
    entry = '[[nodes]]\npattern = "%s"\nignore = ["SG502"]\nreason = "x"\n'
    for name, pattern, words in (("a long pattern", "a" * 2000, "1000 bytes"),
                                 ("a large automaton", "." + "{1000}(x|.)" * 80, "pattern")):
        config = write(folder, "snapgauge.toml", entry % pattern)
        one_error(name, run("check", MODEL, "--config", config), "snapgauge.toml:2", words)
    many = write(folder, "snapgauge.toml", entry % ".*" * 1001)
    one_error("too many patterns", run("check", MODEL, "--config", many), "1000")
    # As much as is taken, on a graph with many findings.
    wide = write(folder, "snapgauge.toml", "".join(entry % f"x{'.?' * 100}{i}" for i in range(1000)))
    ended = run("check", REJECTED, "--soc", "SM8350", "--config", wide)
    expect(ended.code == 1 and (SANITIZED or ended.memory < MEMORY), "a thousand patterns", ended)


def baselines(folder):
    path = os.path.join(folder, "base.json")
    for name, text, words in (
            ("deep lists", "[" * 1000000, ""),
            ("deep objects", '{"a":' * 1000000, ""),
            ("deep ignored member", '{"schema":"snapgauge-baseline/1","x":' + "[" * 1000000, "nested"),
            ("many ignored members", '{"schema":"snapgauge-baseline/1",' + ",".join(f'"k{i}":1' for i in range(80000)) + "}", '"files"'),
            ("many files", '{"schema":"snapgauge-baseline/1","files":[' + ",".join(['{"path":"x","findings":[]}'] * 300000) + ",1]}", "files"),
            ("not UTF-8", b'{"schema":"\xff"}', "UTF-8"),
            ("a huge count", '{"schema":"snapgauge-baseline/1","files":[{"path":"x","findings":[{"code":"SG502","node":"n","op":"o","port":"p","value":"v","count":1e30}]}]}', "count")):
        write(folder, "base.json", text)
        one_error(f"baseline: {name}", run("check", MODEL, "--baseline", path), "base.json", words)


def report(folder, *arguments):
    ended = run("check", *arguments, "--output-format", "json", cwd=folder)
    return ended, json.loads(ended.out)


def ownership(folder):
    """As with git's safe.directory: what is not evidently the user's is named, not used."""
    home, repository = os.path.join(folder, "home"), os.path.join(folder, "home", "repository")
    os.makedirs(os.path.join(repository, ".git"))
    os.makedirs(os.path.join(repository, "sub"))
    model = os.path.join(repository, "sub", "m.json")
    shutil.copy(REJECTED, model)
    outer = write(home, "snapgauge.toml", NODES + 'soc = "SM8350"\n'.replace("soc", "#soc"))
    soc = ("--soc", "SM8350")
    ended, found = report(repository, "sub/m.json", *soc)
    expect((ended.code, found["summary"]["rejected"]) == (1, 6), "above the repository: not used", ended)
    said = ended.err.decode()
    expect("../snapgauge.toml" in said and "--config" in said and said.count("\n") == 1, "and named", ended)
    expect([(c["path"], c["used"]) for c in found.get("configurations", [])] == [("../snapgauge.toml", False)],
           "in the report, too", found.get("configurations"))
    ended, found = report(repository, "sub/m.json", *soc, "--config", outer)
    expect((ended.code, ended.err) == (0, b""), "--config uses it", ended)
    for verb in (["matrix", model], ["config", "show", model], ["fix", "--diff", model]):
        ended = run(*verb, cwd=repository, seconds=20)
        expect(b"is not used" in ended.err, f"{verb[0]} says so, too", ended)
    inner = write(repository, "snapgauge.toml", NODES)
    ended, found = report(repository, "sub/m.json", *soc)
    expect((ended.code, ended.err, found["files"][0]["verdict"]) == (0, b"", "accepted"), "the repository's own is used", ended)
    used = found["configurations"][0] if found.get("configurations") else {}
    expect((used.get("path"), used.get("used"), used.get("suppressed"), used.get("files")) == ("snapgauge.toml", True, 6, 1),
           "and what it took is counted", used)
    if os.getuid() == 0:
        for changed in (inner, repository):
            os.chown(changed, 12345, 12345)
            ended, found = report(repository, "sub/m.json", *soc)
            expect((ended.code, b"another user" in ended.err) == (1, True), f"a stranger's {os.path.basename(changed)}", ended)
            os.chown(changed, 0, 0)


def told(folder):
    """Every format names the configuration and what it took."""
    shutil.copy(REJECTED, os.path.join(folder, "m.json"))
    write(folder, "snapgauge.toml", NODES + 'x = 1\n'.replace("x = 1\n", ""))
    config = 'select = ["SG2"]\nwarn = true\n\n[levels]\nSG503 = "off"\n\n' + NODES
    write(folder, "snapgauge.toml", config)
    _, found = report(folder, "m.json", "--soc", "SM8350")
    use = found["configurations"][0]
    expect((use["suppressed"], use["warn"], use["unselected"] > 0) == (6, True, True), "JSON counts", use)
    for form in ("text", "json-lines", "sarif", "github", "junit"):
        ended = run("check", "m.json", "--soc", "SM8350", "--output-format", form, cwd=folder,
                    env={"GITHUB_STEP_SUMMARY": os.path.join(folder, "summary.md")})
        expect(b"snapgauge.toml" in ended.out and b"6" in ended.out, f"{form} names it", ended.out[-500:])
        if form == "sarif":
            properties = json.loads(ended.out)["runs"][0]["properties"]
            expect(properties["configurations"][0]["suppressed"] == 6, "in SARIF's properties", properties)
    with open(os.path.join(folder, "summary.md")) as f:
        expect("Configuration snapgauge.toml" in f.read(), "the job's summary names it")
    ended = run("check", "m.json", "--soc", "SM8350", "--isolated", "--output-format", "json", cwd=folder)
    expect(b"configurations" not in ended.out, "without one nothing changes", ended)


for test in (depth, size, baselines, ownership, told):
    with tempfile.TemporaryDirectory() as work:
        test(work)
finish()
