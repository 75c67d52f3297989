"""Names that nobody should trust, in every place that has names, out of every mouth: each output format, and the errors
of each command. Nothing comes out that steers a terminal, a CI job's log, or a reader of the format."""
import json
import os
import re
import tempfile
import xml.etree.ElementTree

from common import ONNX, expect, finish, run, write

NASTY = ["\n::warning::x\x1b[31mred\x1b[0m\u202egnp.exe", "::error::first", "  ::error::x ##[error]x",
         "\r::error::%0A::error::\u2066x\u2069\u2028::error::x\u061c\x7f\x08\u009b31m",
         "]]>&\"'<script>|`x`[a](b){0}%s\\x0a\tb"]
BYTES = [name.encode() for name in NASTY] + [b"::\xff\xfe\xed\xa0\x80\xe2\x80"]
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
COMMAND = re.compile(r"::(error|warning|notice) [^\n]*title=[^\n]*::|::notice title=configuration::")


def clean(what, data, form="text"):
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return expect(False, what, error)
    bad = STEERS.findall(text)
    lines = [x for x in text.split("\n") if x.strip().startswith("::")]
    if form == "github":
        bad += [x for x in text.splitlines() if not COMMAND.match(x)]
    else:
        bad += lines
    bad += ["##["] if "##[" in text else []
    if form in ("json", "sarif"):
        json.loads(text)
    if form == "json-lines":
        [json.loads(x) for x in text.splitlines()]
    if form == "junit":
        xml.etree.ElementTree.fromstring(text)
    if bad:
        expect(False, what, bad[:3])
    return not bad


def walk(what, cases, form="text"):
    """Of runs that name something each: none may crash, and all that they write is clean."""
    before = len(BAD)
    for name, arguments, options in cases:
        ended = run(*arguments, **options)
        if ended.code not in (0, 1, 2):
            BAD.append((name, arguments, ended))
        for data, kind in ((ended.out, form), (ended.err, "text")):
            if not clean(f"{what}: {name!r}", data, kind):
                BAD.append(name)
    expect(len(BAD) == before, what, BAD[before:][:3])


BAD = []


def native(name):
    """The small graph with `name` in the place of one of its names."""
    with open(os.path.join(os.path.dirname(__file__), "../data/bad/base.sgraph.json"), encoding="utf-8") as f:
        return f.read().replace('"relu"', json.dumps(name)).replace('"scale":0.5', '"scale":-1')


def formats(folder):
    for form in ("text", "json", "json-lines", "sarif", "github", "junit"):
        cases = []
        for k, name in enumerate(BYTES):
            path = os.path.join(folder.encode(), b"%d%s.json" % (k, name.replace(b"/", b"")))
            with open(path, "wb") as f:
                f.write(native(NASTY[k % len(NASTY)]).encode())
            first = name.replace(b"/", b"") + b".json"  # a line may begin with it
            os.makedirs(os.path.join(folder, f"d{k}"), exist_ok=True)
            with open(os.path.join(folder.encode(), b"d%d" % k, first), "wb") as f:
                f.write(native(NASTY[(k + 3) % len(NASTY)]).replace("aten.relu.default", json.dumps(NASTY[k % len(NASTY)])[1:-1]).encode())
            config = write(folder, "c.toml", '[[nodes]]\npattern = %s\nignore = ["SG402"]\nreason = %s\n' % (
                (json.dumps(re.escape(NASTY[k % len(NASTY)])).replace("\\u007f", "\\u007f"),) * 2))
            cases.append((name, ["check", path, "--output-format", form], {"env": {"GITHUB_STEP_SUMMARY": folder + "/summary"}}))
            cases.append((name, ["check", first, "--output-format", form, "-v"], {"cwd": os.path.join(folder, f"d{k}"),
                          "env": {"GITHUB_STEP_SUMMARY": folder + "/summary"}}))
            cases.append((name, ["check", path, "--config", config, "--output-format", form], {}))
            cases.append((name, ["check", b"missing" + first, "--output-format", form], {"cwd": folder}))
        walk(f"check, {form}", cases, form)
    with open(folder + "/summary", "rb") as f:
        summary = f.read()
    clean("the job's summary", summary)
    expect(not re.search(rb"(?<!\\)<script|(?<!\\)\[a\]\(b", summary), "Markdown means nothing", summary[:200])


def verbs(folder):
    cases = []
    for k, name in enumerate(BYTES):
        path = os.path.join(folder.encode(), b"f" + name.replace(b"/", b"") + b".json")
        with open(path, "wb") as f:
            f.write(native(NASTY[k % len(NASTY)]).encode())
        for arguments in (["fix", path], ["fix", "--diff", path], ["fix", "--output-format", "json", path], ["show", path],
                          ["fix", "missing" + os.fsdecode(path)], ["config", "show", path],
                          ["decode", "--model", path, "--line", "error"], ["decode", path], ["decode", b"missing" + name],
                          ["show", b"missing" + name], ["matrix", b"missing" + name]):
            if arguments[0] != "fix" or "--diff" not in arguments:  # its output is the file's own lines
                cases.append((name, arguments, {}))
        cases.append((name, ["decode", "--line", b"[ ERROR ] Op " + name + b" of type Conv2d failed validation: 3110"], {}))
        cases.append((name, ["decode", "-", "--output-format", "text"], {"stdin": b"\n".join(BYTES) + b"\nQnn error code 3110 " + name}))
    walk("verbs", cases)
    walk("decode, json", [(n, ["decode", "-", "--output-format", "json"], {"stdin": b"ERROR op " + n + b" failed 3110 0xc26"}) for n in BYTES], "json")
    walk("fix, json", [(n, ["fix", os.path.join(folder.encode(), b"f" + n.replace(b"/", b"") + b".json"), "--output-format", "json", "--unsafe"], {}) for n in BYTES], "json")
    walk("matrix", [(NASTY[0], ["matrix", os.path.join(folder.encode(), b"f" + BYTES[3].replace(b"/", b"") + b".json")], {"seconds": 60})])


def arguments(folder):
    base = os.path.join(os.path.dirname(__file__), "../data/bad/base.sgraph.json")
    cases = []
    for name in BYTES:
        for option in ("--backend", "--soc", "--sdk", "--pipeline", "--db", "--opinfo", "--output-format", "--select",
                       "--ignore", "--extend-select", "--config", "--baseline", "--diff-against", "--color", "--no-such"):
            cases.append((name, ["check", base, option, name], {}))
        cases.append((name, ["check", base, "--output", folder.encode() + b"/no/" + name], {}))
        for arguments in ([name], ["check", b"--" + name], ["explain", name], ["rules", "list", name], ["rules", name],
                          ["rules", "list", "--backend", name], ["rules", "list", "--kind", name], ["opinfo", "show", name],
                          ["opinfo", "diff", name, "latest"], ["opinfo", "diff", "latest", "latest", "--op", name],
                          ["opinfo", "diff", "latest", "latest", name], ["completions", name], ["show", base, "--as", name],
                          ["fix", base, base, "--output", name]):
            cases.append((name, arguments, {"cwd": folder}))
    walk("arguments", cases)


def keys(folder):
    """Of tables, configurations and baselines."""
    base = os.path.join(os.path.dirname(__file__), "../data/bad/base.sgraph.json")
    cases = []
    for k, name in enumerate(NASTY):
        text = json.dumps(name)
        tables = ['{%s:1}' % text, '{"format":"opinfo-overlay/1","rows":[{%s:1}]}' % text,
                  '{"format":"opinfo-overlay/1","rows":[{"backends":["htp"],"ops":[%s],"since":"2.20.0","source":{"document":%s,"sdk":"2.20.0"},"constraints":[{"port":%s,"kind":%s,"why":%s}]}]}' % ((text,) * 5),
                  '{"format":"opinfo-overlay/1","rows":[{"since":%s}]}' % text, '{"backend":%s,"sdk_version":"2.20.0","dtype_rows":"joint","ops":{%s:{"columns":[%s],"variants":[{"config":%s,"dtypes":{%s:[%s]}}],"constraints":[]}}}' % ((text,) * 6),
                  '{"backend":"HTP","sdk_version":"2.20.0","dtype_rows":"joint","ops":{%s:{"columns":[],"variants":[],"constraints":[]}}}' % text,
                  '{"sdk_version":%s,"ops":{}}' % text,
                  '{"format":%s}' % text, '{"ops":{%s:1}}' % text, '{"ops":{%s:[{"inputs":[{"dtype":%s}],"outputs":[]}]}}' % (text, text)]
        for i, table in enumerate(tables):
            path = write(folder, f"t{k}-{i}.json", table)
            cases.append((name, ["check", base, "--opinfo", path], {}))
            cases.append((name, ["opinfo", "list", "--opinfo", path], {}))
            cases.append((name, ["opinfo", "show", name.replace("\0", ""), "--opinfo", path], {}))
        toml = text.replace("\\u2028", "\\u2028")
        for i, config in enumerate((f"{toml} = 1", f"[levels]\n{toml} = \"off\"", f"soc = {toml}", f"select = [{toml}]",
                                    f"[[nodes]]\npattern = {toml}\nignore = [\"SG1\"]\nreason = {toml}", f"[{toml}.{toml}]\nx = {toml}",
                                    f"[[nodes]]\n{toml} = 1", f"opinfo = [{toml}]")):
            path = write(folder, f"c{k}-{i}.toml", config)
            cases.append((name, ["check", base, "--config", path], {}))
            cases.append((name, ["config", "show", "--config", path], {}))
        raw = write(folder, f"raw{k}.toml", b"soc = \"x\nx" + name.encode() + b" = 1")
        cases.append((name, ["check", base, "--config", raw], {}))
        for i, baseline in enumerate(('{%s:1}' % text, '{"schema":%s}' % text, '{"schema":"snapgauge-baseline/1","files":[{"path":%s,"findings":[{"code":%s}]}]}' % (text, text), "[" + name)):
            path = write(folder, f"b{k}-{i}.json", baseline)
            cases.append((name, ["check", base, "--baseline", path], {}))
    walk("keys", cases)


for test in (formats, verbs, arguments, keys):
    with tempfile.TemporaryDirectory() as work:
        test(work)
finish()
