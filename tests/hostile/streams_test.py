"""Our own failures: closed and full standard streams, memory that runs out, databases with statements of others."""
import json
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import tempfile

from common import MODEL, PROGRAM, REJECTED, ROOT, SANITIZED, expect, finish, one_error, run, write


def shell(command, **env):
    return subprocess.run(["bash", "-c", command], capture_output=True, timeout=60, env={**os.environ, "P": PROGRAM, "M": MODEL, **env})


def streams(folder):
    for verb in ('check "$M"', '--help', '--version', 'rules list', 'explain SG201', 'opinfo list', 'config show',
                 'completions bash', 'decode --line error', 'show "$M"', 'fix --diff --output-format json "$M"', "manual"):
        for what, redirect in (("closed", ">&-"), ("full", ">/dev/full")):
            done = shell(f'"$P" {verb} {redirect}')
            expect(done.returncode == 2 and done.stderr.count(b"\n") == 1, f"standard output {what}: {verb}", done)
    for what, redirect in (("closed", "2>&-"), ("full", "2>/dev/full")):
        done = shell(f'"$P" check /no/such --config /no/such {redirect}')
        expect(done.returncode == 2, f"standard error {what}", done)
        done = shell(f'"$P" check --no-such {redirect}')
        expect(done.returncode == 2, f"standard error {what}, usage", done)
    done = shell(f'"$P" check "$M" >&- 2>&- <&-; echo $?')
    expect(done.stdout == b"2\n", "all closed", done)
    done = shell(f'"$P" rules list --json | head -c 10 >/dev/null; echo ${{PIPESTATUS[0]}}')
    expect(done.stdout in (b"2\n", b"0\n"), "a reader that goes away", done)
    # No file that is opened gets the number of a closed stream.
    path = os.path.join(folder, "m.json")
    shutil.copy(MODEL, path)
    done = shell(f'"$P" check "{path}" --output-format json -o "{folder}/r" >&- ; echo $? >&2')
    with open(path, "rb") as a, open(MODEL, "rb") as b:
        expect(a.read() == b.read(), "inputs are as they were", done)


def memory(folder):
    """A file that is too large for the memory there is costs itself and not the batch."""
    if SANITIZED:
        return
    large = os.path.join(folder, "large.sgraph.json")
    with open(os.path.join(ROOT, "tests/data/bad/base.sgraph.json")) as f:
        base = f.read()
    line = next(x for x in base.split("\n") if '"name":"x"' in x)
    with open(large, "w") as f:
        f.write(base.replace(line, "\n".join(line.replace('"x"', f'"x{i}"') for i in range(400000)) + "\n" + line, 1))

    def little():
        resource.setrlimit(resource.RLIMIT_AS, (160 << 20, 160 << 20))
    done = subprocess.run([PROGRAM, "check", MODEL, large, REJECTED, "--output-format", "json"], capture_output=True, timeout=60,
                          preexec_fn=little)
    try:
        verdicts = [f["verdict"] for f in json.loads(done.stdout)["files"]]
    except ValueError:
        verdicts = done
    expect(done.returncode == 2 and isinstance(verdicts, list) and verdicts[1] == "unreadable" and "unreadable" not in
           (verdicts[0], verdicts[2]), "one file without memory", verdicts)


def seal(image, compiled=b""):
    """As opinfo/database_file.cc has it: against accidents, so anybody can make one."""
    file = image + compiled + b"SGSEAL2\n" + len(image).to_bytes(8, "little")
    return file + checksum(file).to_bytes(8, "little")


def checksum(image):
    mask = (1 << 64) - 1
    rot = lambda x, n: ((x << n) | (x >> (64 - n))) & mask
    prime, lanes = 0x9E3779B185EBCA87, [1, 2, 3, len(image)]
    whole = len(image) // 32 * 32
    for at in range(0, whole, 32):
        for i in range(4):
            word = int.from_bytes(image[at + 8 * i:at + 8 * i + 8], "little")
            lanes[i] = rot((lanes[i] ^ word) * prime & mask, 29)
    for byte in image[whole:]:
        lanes[0] = rot((lanes[0] ^ byte) * prime & mask, 29)
    total = 0
    for lane in lanes:
        total = rot((total ^ lane) * prime & mask, 31)
    return total


def database(folder):
    with open(os.path.join(os.path.dirname(PROGRAM), "../share/snapgauge/opinfo.db"), "rb") as f:
        shipped = f.read()
    size = int.from_bytes(shipped[-16:-8], "little")
    image, compiled = shipped[:size], shipped[size:-24]
    for what, statement in (("nothing", ""), ("a view", "CREATE VIEW v AS SELECT 1"),
                            ("a table that is a view", "ALTER TABLE op RENAME TO op2; CREATE VIEW op AS SELECT * FROM op2"),
                            ("a trigger", "CREATE TRIGGER t AFTER INSERT ON op BEGIN SELECT 1; END")):
        path = write(folder, "x.db", image)
        with sqlite3.connect(path) as connection:
            connection.executescript(statement)
        connection.close()
        with open(path, "rb") as f:
            sealed = seal(f.read())
        write(folder, "x.db", sealed)
        ended = run("check", MODEL, "--db", path)
        if statement:
            one_error(f"a database with {what}", ended, "views or triggers")
        else:
            expect(ended.code in (0, 1), "a database of somebody else's making", ended)
    # What is compiled, changed here and there behind its entries: a verdict or one error.
    entries = int.from_bytes(compiled[8:16], "little")
    draw = random.Random(1)
    for _ in range(10):
        changed = bytearray(compiled)
        for at in draw.sample(range(16 + 24 * entries, len(changed)), len(changed) // 20):
            changed[at] = draw.randrange(256)
        ended = run("check", MODEL, "--db", write(folder, "x.db", seal(image, bytes(changed))))
        if ended.code == 2:
            one_error("compiled tables of somebody else's making", ended, "damaged")
        else:
            expect(ended.code in (0, 1), "compiled tables of somebody else's making", ended)


def tables(folder):
    """A condition on an argument that is no number: an error or a finding, never an exception."""
    row = {"backends": ["htp"], "ops": ["Conv2d", "Relu"], "since": "2.20.0", "source": {"document": "x", "sdk": "2.20.0"},
           "constraints": [{"port": "in[0]", "kind": "symmetric", "when": {"args": {"x": {"min": 4}}}},
                           {"port": "out[0]", "kind": "symmetric", "when": {"args": {"99999999999": {"min": 4}}}}]}
    path = write(folder, "t.json", json.dumps({"format": "opinfo-overlay/1", "rows": [row]}))
    page = write(folder, "page.json", json.dumps({"backend": "HTP", "sdk_version": "2.20.0", "dtype_rows": "per_port", "ops": {
        op: {"columns": [], "variants": [], "constraints": row["constraints"]} for op in ("Conv2d", "Relu", "ElementWiseNeuron")}}))
    for tables in (path, page):
        ended = run("check", MODEL, "--opinfo", tables)
        expect(ended.code in (1, 2) and b"internal error" not in ended.err and b"stoi" not in ended.out + ended.err,
               "a condition on an argument without number", ended)


for test in (streams, memory, database, tables):
    with tempfile.TemporaryDirectory() as work:
        test(work)
finish()
