"""What the hostile tests share: runs of the program within bounds of time, memory and stack, and how a run may end.

Counts and bounds follow SNAPGAUGE_HOSTILE_SCALE (1 by default; sanitizers, which are slow, use less).
"""
import os
import resource
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(os.environ["SNAPGAUGE"])
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SCALE = float(os.environ.get("SNAPGAUGE_HOSTILE_SCALE", "1"))
SANITIZED = SCALE < 1  # then neither the address space nor the stack are those that users have
SECONDS = 2 / SCALE
MEMORY = 300 << 20
STACK = 1 << 20
MODEL = os.path.join(ROOT, "data/small.sgraph.json")
REJECTED = os.path.join(ROOT, "data/vit_tiny.16a8w.json")  # 6 of 81 nodes on SM8350, all SG502
ONNX = os.path.join(ROOT, "data/kws_dscnn.qnn_a8w8.onnx")

failed = []


class Ended:
    """How a run ended; texts are bytes."""

    def __init__(self, code, out, err, memory):
        self.code, self.out, self.err, self.memory = code, out, err, memory

    def __repr__(self):
        return f"exit {self.code}, {self.memory >> 20} MiB, stderr {self.err[:300]!r}"


def _bounded():
    if not SANITIZED:
        resource.setrlimit(resource.RLIMIT_STACK, (STACK, STACK))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(*arguments, cwd=None, stdin=b"", seconds=None, env=None, program=None):
    """Under a stack of 1 MiB; a run that takes too long ends as "timeout"."""
    import signal
    import time
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as given:
        given.write(stdin)
        given.seek(0)
        process = subprocess.Popen([program or PROGRAM, *arguments], cwd=cwd, stdin=given, stdout=out, stderr=err,
                                   preexec_fn=_bounded, env={**os.environ, **(env or {})})
        end = time.monotonic() + 60  # what is measured is time on the processor; a busy machine gives it slowly
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > end:
                process.send_signal(signal.SIGKILL)
                _, status, usage = os.wait4(process.pid, 0)
                status = None
                break
            time.sleep(0.002)
        process.returncode = 0
        out.seek(0)
        err.seek(0)
        code = "timeout" if status is None else os.waitstatus_to_exitcode(status)
        if code != "timeout" and usage.ru_utime + usage.ru_stime > (seconds or SECONDS):
            code = f"{usage.ru_utime + usage.ru_stime:.1f} s"
        return Ended(code, out.read(), err.read(), usage.ru_maxrss << 10)


def expect(good, what, shown=""):
    print(f"{'ok' if good else 'FAIL'} {what}{'' if good else f': {shown}'}", flush=True)
    if not good:
        failed.append(what)


def one_error(what, ended, *words):
    """One clear error: exit code 2, one line on standard error (and the hint to --help), within the memory."""
    lines = ended.err.splitlines()
    lines = [x for x in lines if x != b"Run with --help for more information."]
    good = ended.code == 2 and len(lines) == 1 and lines[0].startswith(b"snapgauge: ")
    good = good and all(w.encode() in lines[0] for w in words) and (SANITIZED or ended.memory < MEMORY)
    expect(good, what, ended)


def write(folder, name, content):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(content if isinstance(content, bytes) else content.encode())
    return path


def finish():
    if failed:
        print(f"{len(failed)} failed")
    sys.exit(1 if failed else 0)
