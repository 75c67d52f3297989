"""What is written: never onto what was not asked, never half of it, and nothing of somebody else's is lost."""
import json
import os
import random
import resource
import shutil
import signal
import stat
import subprocess
import tempfile
import time

from common import MODEL, ONNX, PROGRAM, REJECTED, ROOT, SCALE, expect, finish, one_error, run, write

BROKEN = os.path.join(ROOT, "data/demo/fixed-range.before.sgraph.json")  # `fix` changes it in place
CHANGED_ONNX = os.path.join(ROOT, "tests/data/defects/squeezenet.u8s8_pc.bad_nan_scale.onnx")  # `fix --unsafe` mends it


def read(path):
    with open(path, "rb") as f:
        return f.read()


def copy(folder, source=BROKEN, name="m.json"):
    path = os.path.join(folder, name)
    shutil.copy(source, path)
    os.chmod(path, 0o644)
    return path


def temporaries(folder):
    return [x for x in os.listdir(folder) if x.startswith(".snapgauge") or ".json." in x or ".onnx." in x]


def outputs(folder):
    """An output that the run reads, or that is no file to write to."""
    db = os.path.join(folder, "opinfo.db")
    shutil.copy(os.path.join(os.path.dirname(PROGRAM), "../share/snapgauge/opinfo.db"), db)
    model, base, config = copy(folder), os.path.join(folder, "base.json"), write(folder, "c.toml", 'soc = "SM8350"\n')
    run("check", model, "--baseline", base, "--write-baseline")
    os.symlink(model, os.path.join(folder, "link.json"))
    os.link(config, os.path.join(folder, "hard.toml"))
    for what, arguments in (("the model", ["check", model, "-o", model]), ("a link to it", ["check", model, "-o", folder + "/link.json"]),
                            ("the database", ["check", model, "--db", db, "-o", db]), ("show", ["show", model, "-o", model]),
                            ("matrix", ["matrix", model, "-o", model]), ("fix", ["fix", model, "-o", model]),
                            ("the baseline", ["check", model, "--baseline", base, "-o", base]),
                            ("the configuration", ["check", model, "--config", config, "-o", folder + "/hard.toml"])):
        before = [read(p) for p in (model, db, base, config)]
        one_error(f"--output onto what is read: {what}", run(*arguments, seconds=20), "is read by this run")
        expect([read(p) for p in (model, db, base, config)] == before, f"{what} is as it was")
    write(folder, "fixed", "x")
    os.chmod(folder + "/fixed", 0o444)
    one_error("a read-only output", run("check", model, "-o", folder + "/fixed"), "read-only")
    os.mkfifo(folder + "/fifo")
    one_error("a pipe that nobody reads", run("check", model, "-o", folder + "/fifo"), "fifo")
    one_error("a folder", run("check", model, "-o", folder), "folder")


def models(folder):
    """NAME.fixed.onnx that is not a file of ours."""
    model, fixed = copy(folder, CHANGED_ONNX, "m.onnx"), os.path.join(folder, "m.fixed.onnx")
    for what, make in (("a device", lambda: os.symlink("/dev/null", fixed)), ("a pipe", lambda: os.mkfifo(fixed)),
                       ("a folder", lambda: os.mkdir(fixed)), ("another file", lambda: write(folder, "m.fixed.onnx", "x"))):
        make()
        one_error(f"NAME.fixed.onnx is {what}", run("fix", "--unsafe", model, seconds=20), "m.fixed.onnx")
        os.rmdir(fixed) if os.path.isdir(fixed) else os.unlink(fixed)
    os.chmod(model, 0o600)
    ended = run("fix", "--unsafe", model, seconds=20)
    expect(ended.code in (0, 1) and stat.S_IMODE(os.stat(fixed).st_mode) == 0o600, "its mode is no wider than the model's", ended)
    os.chmod(fixed, 0o400)
    write(folder, "m.fixed.onnx", read(fixed)) if os.getuid() else None
    os.unlink(fixed)
    os.symlink("elsewhere.onnx", fixed)
    run("fix", "--unsafe", model, seconds=20)
    expect(os.path.islink(fixed) and os.path.isfile(folder + "/elsewhere.onnx"), "a dangling link is kept and followed")


def in_place(folder):
    path = copy(folder)
    os.chmod(path, 0o640)
    if os.getuid() == 0:
        os.chown(path, 12345, 12346)
    ended = run("fix", path)
    info = os.stat(path)
    expect(read(path) != read(BROKEN) and stat.S_IMODE(info.st_mode) == 0o640, "fixed, with its mode", ended)
    expect(os.getuid() != 0 or (info.st_uid, info.st_gid) == (12345, 12346), "with its owner", info)
    path = copy(folder, name="hard.json")
    os.link(path, folder + "/other.json")
    one_error("a file with two names", run("fix", path), "hard links")
    expect(read(path) == read(BROKEN), "is as it was")
    path = copy(folder, name="locked.json")
    os.chmod(path, 0o444)
    one_error("a read-only file", run("fix", path), "read-only")
    report = os.path.join(folder, "new")
    os.umask(0o077)
    run("check", MODEL, "-o", report)
    os.umask(0o022)
    expect(stat.S_IMODE(os.stat(report).st_mode) == 0o600, "a new file follows the umask", oct(os.stat(report).st_mode))
    expect(not temporaries(folder), "no temporaries", os.listdir(folder))


def changed_meanwhile(folder):
    """Somebody saves the file while it is fixed: theirs stays."""
    lost = told = 0
    for k in range(max(4, int(20 * SCALE))):
        path = copy(folder)
        with open(path, "r+b") as f:
            process = subprocess.Popen([PROGRAM, "fix", path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            time.sleep(random.uniform(0, 0.02))
            theirs = read(BROKEN).replace(b"{", b'{"x-theirs":%d,' % k, 1)
            temporary = write(folder, "theirs", theirs)
            os.rename(temporary, path)
        _, err = process.communicate(timeout=60)
        told += b"chang" in err
        now = read(path)
        lost += b"x-theirs" not in now
    expect(lost == 0, "what somebody else saved is kept", f"{lost} lost, {told} told")


def parallel(folder):
    """Writers side by side each add their part."""
    count = max(6, int(39 * SCALE))
    base = os.path.join(folder, "base.json")
    models = [copy(folder, REJECTED, f"m{k}.json") for k in range(count)]
    running = [subprocess.Popen([PROGRAM, "check", m, "--soc", "SM8350", "--baseline", base, "--write-baseline"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for m in models]
    codes = [p.wait(timeout=120) for p in running]
    with open(base) as f:
        entries = len(json.load(f)["files"])
    expect(set(codes) == {0} and entries == count, f"{count} writers", f"{entries} entries, {set(codes)}")
    expect(not temporaries(folder), "no temporaries", os.listdir(folder))


def kills(folder):
    """SIGKILL at any time leaves the old or the new file, and the next run leaves nothing else."""
    old = read(BROKEN)
    path = copy(folder)
    run("fix", path, seconds=60)
    new = read(path)
    base = os.path.join(folder, "base.json")
    model = copy(folder, REJECTED, "r.json")
    write_base = ["check", model, "--soc", "SM8350", "--baseline", base, "--write-baseline"]
    run(*write_base, seconds=60)
    full = read(base)
    empty = b'{"schema":"snapgauge-baseline/1","files":[]}\n'
    started = time.monotonic()
    run("fix", copy(folder), seconds=60)
    usual = time.monotonic() - started
    bad = []
    for k in range(max(6, int(200 * SCALE))):
        copy(folder)
        write(folder, "base.json", empty)
        arguments, target, allowed = ((["fix", path], path, (old, new)), (write_base, base, (empty, full)))[k % 2]
        process = subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0, usual * 1.1))
        process.kill()
        process.wait()
        if read(target) not in allowed:
            bad.append((k, read(target)[:80]))
    run("fix", copy(folder), seconds=60)
    expect(not bad, "kills leave the old or the new file", bad[:3])
    expect(not temporaries(folder), "the next run leaves no temporary", os.listdir(folder))


def signals(folder):
    """The program ends by the signal itself, which a shell shows as 130, 143 or 129."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name)
        seen = set()
        for _ in range(max(3, int(15 * SCALE))):
            path = copy(folder)
            process = subprocess.Popen([PROGRAM, "fix", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(random.uniform(0, 0.02))
            process.send_signal(number)
            seen.add(process.wait(timeout=60))
        expect(seen <= {-number, 0, 1} and not temporaries(folder), f"{name} leaves no temporary", (seen, os.listdir(folder)))


def full_disk(folder):
    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    path = copy(folder)
    for arguments in (["fix", path], ["check", REJECTED, "--output-format", "json", "-o", folder + "/report"],
                      ["check", REJECTED, "--soc", "SM8350", "--baseline", folder + "/base.json", "--write-baseline"]):
        process = subprocess.run([PROGRAM, *arguments], capture_output=True, timeout=60, preexec_fn=small)
        expect(process.returncode == 2 and process.stderr.count(b"\n") == 1, f"no room: {arguments[0]}", process)
    expect(read(path) == read(BROKEN) and not temporaries(folder), "and nothing is lost or left", os.listdir(folder))
    if os.getuid() != 0:
        os.chmod(folder, 0o555)
        one_error("a read-only folder", run("fix", path), "m.json")
        os.chmod(folder, 0o755)


for test in (outputs, models, in_place, changed_meanwhile, parallel, kills, signals, full_disk):
    with tempfile.TemporaryDirectory() as work:
        test(work)
finish()
