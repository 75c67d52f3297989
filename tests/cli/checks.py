"""What the tests of the command line have in common: the program, its runs, and a list of what held."""
import subprocess
import sys

PROGRAM = sys.argv[1]
PASSED, FAILED = [], []


def run(*arguments, **options):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=300, **options)


def expect(name, holds, what=""):
    (PASSED if holds else FAILED).append(name)
    if not holds:
        print(f"FAILED {name} {what}")


def one_error(done, *parts):
    """Exit code 2, one line that names all parts, and nothing on standard output."""
    lines = done.stderr.strip().splitlines()
    return done.returncode == 2 and done.stdout == "" and len(lines) == 1 and all(p in lines[0] for p in parts)


def finish(fewest=1):
    """The exit code. Fewer that held than `fewest`: something was not run."""
    print(f"{len(PASSED)} passed, {len(FAILED)} failed")
    return 1 if FAILED or len(PASSED) < fewest else 0
