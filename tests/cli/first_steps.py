"""Types the lines of docs/first-steps.md and compares what comes; `...` stands for any lines."""
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(".")
PROGRAM = os.path.abspath(os.environ["SNAPGAUGE"])
MOST_LINES = 24  # of a screen


def matches(shown, printed):
    pattern = "".join(r"(?:.*\n)*?" if line == "..." else re.escape(line) + r"\n" for line in shown)
    return re.fullmatch(pattern, printed) is not None


def main():
    with open("docs/first-steps.md", encoding="utf-8") as f:
        text = f.read()
    failed = typed = 0
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        blocks = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
        longest = max((block.count("\n") for block in blocks), default=0)
        if longest > MOST_LINES:
            print(f"FAIL {section.splitlines()[0]}: {longest} lines are more than a screen")
            failed += 1
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(os.path.join(ROOT, "data"), os.path.join(folder, "data"))
        os.mkdir(os.path.join(folder, "bin"))
        os.symlink(PROGRAM, os.path.join(folder, "bin/snapgauge"))
        environment = {**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}", "GITHUB_STEP_SUMMARY": ""}
        for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
            for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, *shown = part.splitlines()
                done = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True,
                                      timeout=60)
                typed += 1
                if not matches(shown, done.stdout) or done.stderr:
                    failed += 1
                    print(f"FAIL $ {command}\n{done.stdout}{done.stderr}")
    print(f"{typed} commands typed, {failed} failed")
    return failed > 0 or typed < 8


sys.exit(main())
