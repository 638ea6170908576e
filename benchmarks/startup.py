"""How long it takes to begin: ``import pinxit``, the command line, a first picture.

Run: ``python benchmarks/startup.py``. Each figure is the best of several fresh processes, in seconds, because
the machine may be busy with other things.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 7

CASES = {
    "python, nothing imported": ["-c", "pass"],
    "import pydantic, pluggy": ["-c", "import pydantic, pluggy"],
    "import pinxit": ["-c", "import pinxit"],
    "pinxit --version": ["-m", "pinxit.cli", "--version"],
    "pinxit generate, 1024x1024": [
        "-m", "pinxit.cli", "generate", "a red fox in the snow at night", "--no-preview",
    ],
}  # fmt: skip


def best(arguments: list[str]) -> float:
    """Return the least seconds of a few runs."""
    times: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(RUNS):
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, *arguments], check=True, capture_output=True, cwd=Path(folder)
            )
            times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    for name, arguments in CASES.items():
        print(f"{name:32} {best(arguments):6.3f} s")
