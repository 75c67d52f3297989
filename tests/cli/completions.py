"""Every verb and option of --help, in each shell's completions and in the manual page. usage: completions.py DIR"""
import os
import pathlib
import re
import subprocess
import sys

PROGRAM = os.environ["SNAPGAUGE"]
DIR = pathlib.Path(sys.argv[1])
BASH, ZSH, FISH, MANUAL = ((DIR / name).read_text(encoding="utf-8") for name in ("bash", "zsh", "fish", "snapgauge.1"))


def usage(path):
    """(verbs, options) that --help of a verb shows."""
    text = subprocess.run([PROGRAM, *path, "--help"], capture_output=True, encoding="utf-8", check=True).stdout
    parts = dict(re.findall(r"^(\w+):\n((?:  .*\n)+)", text, flags=re.MULTILINE))
    options = re.findall(r"^  (-[\w,-]+)", parts["Options"], flags=re.MULTILINE)
    return re.findall(r"^  (\w\S*)", parts.get("Subcommands", ""), flags=re.MULTILINE), [o.split(",") for o in options]


def fish_name(name):
    return f" -l {name[2:]} " if name.startswith("--") else f" -s {name[1:]} "


def zsh_function(path):
    return ZSH.split("_".join(["\n_snapgauge", *path]) + "() {\n")[1].split("\n}\n")[0]


def check(path):
    verb = " ".join(path)
    verbs, options = usage(path)
    assert options, verb
    words = re.search(rf'^    "{verb}"\) words="(.*?)"', BASH, flags=re.MULTILINE).group(1).split()
    fish = [line + " " for line in FISH.splitlines() if f"""'__snapgauge_at "{verb}"'""" in line]
    section = MANUAL.split(f".SS snapgauge {verb}\n")[1].split(".SS ")[0] if not verbs else ""
    for name in verbs:
        assert name in words, ("bash", path, name)
        assert any(f" -a {name} " in line for line in fish), ("fish", path, name)
        assert f"{name}) " in zsh_function(path) and f"'{name}:" in zsh_function(path), ("zsh", path, name)
    for names in options:
        for name in names:
            assert name in words, ("bash", path, name)
            assert any(fish_name(name) in line for line in fish), ("fish", path, name)
            assert re.search(rf"[' {{,]{name}['\[,}}]", zsh_function(path)), ("zsh", path, name)
            if section and name not in ("-h", "--help"):
                assert f"\\fB{name.replace('-', chr(92) + '-')}\\fR" in section, ("manual", path, name)
    return 1 + sum(check([*path, name]) for name in verbs)


count = check([])
assert count >= 12, count
assert "manual" not in BASH
