"""torch for the tests that need it: `from found_torch import torch`.

Skipped (exit code 77) where there is none, unless SNAPGAUGE_NEED_TORCH is 1, as in .ci/run, which installs it.
"""
import os
import shutil
import sys

try:
    import torch  # noqa: F401
except ImportError as fault:
    # Debian's torch belongs to Debian's Python, which need not be the first in PATH.
    debian = shutil.which("python3", path="/usr/bin:/bin")
    if debian and not os.environ.get("SNAPGAUGE_TORCH_TRIED"):
        os.execve(debian, [debian, *sys.argv], {**os.environ, "SNAPGAUGE_TORCH_TRIED": "1"})
    needed = os.environ.get("SNAPGAUGE_NEED_TORCH") == "1"
    print(f"{'FAIL' if needed else 'skipped'}: {fault} (Debian: python3-torch)")
    sys.exit(1 if needed else 77)
