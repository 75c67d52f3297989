"""Inputs that are no files, files that change or lie, and a hostile input of each kind for each reader: one clear error
(or findings) within 2 s on the processor and 300 MiB, on a stack of 1 MiB."""
import json
import os
import random
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time

from common import MEMORY, MODEL, ONNX, PROGRAM, ROOT, SANITIZED, SCALE, expect, finish, one_error, run, write

BASE = os.path.join(ROOT, "tests/data/bad/base.sgraph.json")


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def unreadable(what, ended, *words):
    """The one finding of a file that cannot be read."""
    try:
        findings = json.loads(ended.out)["files"][0]["findings"]
    except (ValueError, LookupError):
        findings = []
    shown = findings and findings[0]["code"] + findings[0]["message"]
    good = ended.code == 2 and len(findings) == 1 and findings[0]["code"] == "SG001" and all(w in shown for w in words)
    expect(good and (SANITIZED or ended.memory < MEMORY), what, (ended, findings[:2]))


def no_files(folder):
    os.mkfifo(folder + "/fifo")
    os.mkdir(folder + "/folder")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(folder + "/socket")
        for what in ("fifo", "folder", "socket", "/dev/zero", "/dev/tty"):
            path = what if what[0] == "/" else os.path.join(folder, what)
            unreadable(f"{what} as a graph", run("check", path, "--output-format", "json"), "SG001")
            for arguments in (["fix", path], ["show", path], ["matrix", path], ["decode", path], ["decode", "--line", "x", "--model", path],
                              ["check", MODEL, "--db", path], ["check", MODEL, "--config", path], ["check", MODEL, "--baseline", path],
                              ["check", MODEL, "--diff-against", path], ["config", "show", "--config", path],
                              ["opinfo", "diff", "latest", "latest", path]):
                one_error(f"{what}: {arguments[0]} {arguments[-2]}", run(*arguments))
            if what != "folder":
                one_error(f"{what} as tables", run("check", MODEL, "--opinfo", path))
    shutil.copy(MODEL, folder + "/folder/m.json")
    os.mkfifo(folder + "/folder/snapgauge.toml")
    ended = run("check", folder + "/folder/m.json")
    expect(ended.code in (0, 1), "a pipe where a configuration would be", ended)
    tables = os.path.join(folder, "tables")
    os.mkdir(tables)
    os.mkfifo(tables + "/x.json")
    one_error("a pipe among tables", run("check", MODEL, "--opinfo", tables))


def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def field(number, content):
    if isinstance(content, int):
        return varint(number << 3) + varint(content & (1 << 64) - 1)
    return varint(number << 3 | 2) + varint(len(content)) + content


def tensor(name, *more):
    return field(1, 4) + field(2, 1) + field(8, name) + b"".join(more)


def model(nodes=(), tensors=(), opsets=((b"", 21),)):
    graph = b"".join(field(1, n) for n in nodes) + field(2, b"g") + b"".join(field(5, t) for t in tensors)
    value = field(1, b"x") + field(2, field(1, field(1, 1) + field(2, field(1, field(1, 1)) + field(1, field(1, 4)))))
    graph += field(11, value) + field(12, field(1, b"y") + value[len(field(1, b"x")):])
    return field(1, 10) + field(7, graph) + b"".join(field(8, (field(1, d) if d else b"") + field(2, v)) for d, v in opsets)


RELU = field(1, b"x") + field(2, b"y") + field(3, b"r") + field(4, b"Relu")


def cut_models(folder):
    ended = run("check", write(folder, "m.onnx", model([RELU])), "--output-format", "json")
    expect(ended.code in (0, 1), "a model that is whole", ended)
    for what, opsets in (("without its operator sets", ()), ("with operator set 0", ((b"", 0),)), ("with a negative operator set", ((b"", -3),)),
                         ("with operator set 0 of another domain", ((b"", 21), (b"com.x", 0)))):
        path = write(folder, "m.onnx", model([RELU], opsets=opsets))
        unreadable(f"a model {what}", run("check", path, "--output-format", "json"), "operator set")
        one_error(f"a model {what}: fix", run("fix", path), "operator set")
    with open(ONNX, "rb") as f:
        whole = f.read()
    for at in sorted(random.Random(1).sample(range(1, len(whole)), max(5, int(40 * SCALE)))):
        ended = run("check", write(folder, "m.onnx", whole[:at]), "--output-format", "json")
        if ended.code != 2:
            expect(False, f"a model cut off at {at}", ended)


def external(folder):
    """Data that is really elsewhere."""
    def qdq(location):
        outside = field(13, field(1, b"location") + field(2, location)) + field(14, 1)
        scale = field(2, 1) + field(8, b"s") + outside  # a float scalar
        zero = field(2, 3) + field(8, b"z") + field(9, b"\x00")
        quantize = field(1, b"x") + field(1, b"s") + field(1, b"z") + field(2, b"q") + field(4, b"QuantizeLinear")
        dequantize = field(1, b"q") + field(1, b"s") + field(1, b"z") + field(2, b"y") + field(4, b"DequantizeLinear")
        return model([quantize, dequantize], [scale, zero])
    secret = write(folder, "secret/s.bin", struct.pack("<f", 0.5))
    inside = os.path.join(folder, "pr")
    path = write(inside, "m.onnx", qdq(b"link.bin"))
    os.symlink(secret, inside + "/link.bin")
    unreadable("data behind a link", run("check", path, "--output-format", "json"), "--allow-external", "link.bin")
    one_error("data behind a link: fix", run("fix", path), "--allow-external")
    ended = run("check", path, "--allow-external", folder + "/secret", "--output-format", "json")
    expect(ended.code in (0, 1), "allowed", ended)
    os.symlink(folder + "/secret", inside + "/sub")
    path = write(inside, "n.onnx", qdq(b"sub/s.bin"))
    unreadable("data behind a linked folder", run("check", path, "--output-format", "json"), "--allow-external")
    # A store of files by their hash, as download caches are: model and data are links into one folder.
    os.makedirs(folder + "/cache/snapshot")
    write(folder, "cache/blobs/1", qdq(b"s.bin"))
    write(folder, "cache/blobs/2", struct.pack("<f", 0.5))
    os.symlink("../blobs/1", folder + "/cache/snapshot/m.onnx")
    os.symlink("../blobs/2", folder + "/cache/snapshot/s.bin")
    ended = run("check", folder + "/cache/snapshot/m.onnx", "--output-format", "json")
    expect(ended.code in (0, 1), "links into the folder of the model's real path", ended)
    os.mkfifo(inside + "/fifo.bin")
    unreadable("data that is a pipe", run("check", write(inside, "p.onnx", qdq(b"fifo.bin")), "--output-format", "json"), "fifo.bin")


def truncated_while_read(folder):
    """Somebody cuts files off and restores them all the time: a report, an error, but no signal."""
    path = write(folder, "m.sgraph.json", text_of(BASE) + " " * (8 << 20))
    stop = threading.Event()

    def truncate():
        while not stop.is_set():
            os.truncate(path, 100)
            os.truncate(path, 8 << 20)
    thread = threading.Thread(target=truncate)
    thread.start()
    codes = {run("check", path).code for _ in range(max(5, int(40 * SCALE)))}
    stop.set()
    thread.join()
    expect(codes <= {0, 1, 2}, "a file that is cut off while it is read", codes)
    large = os.path.join(folder, "large.onnx")
    ends = set()
    for _ in range(max(3, int(6 * SCALE))):
        with open(large, "wb") as f:
            f.write(model([RELU], [field(1, 16 << 20) + field(2, 1) + field(8, b"w") + field(9, b"\x00" * (64 << 20))]))
        process = subprocess.Popen([PROGRAM, "check", large], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0, 0.05))
        os.truncate(large, 4096)
        ends.add(process.wait(timeout=60))
    expect(ends <= {0, 1, 2}, "a mapped file that is cut off", ends)


def graphs(folder):
    """Numbers and members that lie."""
    base = text_of(BASE)
    for what, new, code in (("a huge scale", '"scale":1e308', b"SG402"), ("an infinite scale", '"scale":1e309', b"SG001"),
                            ("a scale of nothing", '"scale":0', b"SG402"), ("a scale that is text", '"scale":"0.5"', b"SG001"),
                            ("a list of no scales", '"scale":[]', b"an empty list"), ("two scales", '"scale":0.5,"scale":0.25', b"is there twice")):
        ended = run("check", write(folder, "m.sgraph.json", base.replace('"scale":0.5', new, 1)), "--output-format", "json")
        expect(base.count('"scale":0.5') > 0 and ended.code in (1, 2) and code in ended.out, what, ended)


    twice = base.replace('"kwargs":{}', '"kwargs":{"x":1,"x":2}', 1)
    unreadable("an argument's name twice", run("check", write(folder, "m.sgraph.json", twice), "--output-format", "json"), "is there twice")
    attribute = field(5, field(1, b"axis") + field(3, 1) + field(20, 2))
    ended = run("check", write(folder, "m.onnx", model([RELU + attribute + attribute])), "--output-format", "json")
    expect(ended.code == 1 and b"SG002" in ended.out and b"is there twice" in ended.out, "an attribute twice", ended)


def logs(folder):
    for what, log in (("one line", b"x" * (8 << 20)), ("lines", b"\n" * (4 << 20)), ("messages", b"ERROR op x failed 3110\n" * 100000),
                      ("brackets", b"[" * (2 << 20)), ("NUL", b"\0" * (4 << 20)), ("UTF-16", b"\xff\xfe" + b"\x00\xd8" * 500000),
                      ("quotes", b"'" * (2 << 20)), ("numbers", b"9" * (2 << 20))):
        ended = run("decode", write(folder, "log", log))
        expect(ended.code in (0, 1, 2) and (SANITIZED or ended.memory < MEMORY), f"a log of {what}", ended)


def options(folder):
    long = "x" * 100000
    for arguments in (["check", long], ["check", MODEL, "--soc", long], ["check", MODEL, "--backend", long], ["check", MODEL, "--sdk", "9" * 1000],
                      ["check", MODEL, "--sdk", "1." * 10000], ["check", MODEL, "--select", "SG," * 20000], ["explain", long],
                      ["decode", "--line", long, "--model", long], ["opinfo", "show", long], ["opinfo", "diff", "1.2.3", long], ["--" + long],
                      ["completions", long], ["check", MODEL, "-o", long], ["check", MODEL, "--config", ""], ["check", ""], ["check", MODEL, "--opinfo", ""],
                      ["check", MODEL, "--baseline", "", "--write-baseline"], ["check", MODEL, "--allow-external", long]):
        ended = run(*arguments)
        expect(ended.code in (0, 1, 2), f"{arguments[0][:10]} {arguments[-1][:10]}", ended)


for test in (no_files, cut_models, external, truncated_while_read, graphs, logs, options):
    with tempfile.TemporaryDirectory() as work:
        test(work)
finish()
