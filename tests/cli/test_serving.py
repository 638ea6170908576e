"""serve: the gateway runs, says where, stops when told, and is not open to strangers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from commandline import Commands
from pinxit.cli.requirements import gateway_problem


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_serve(pinxit: Commands) -> None:
    """It listens, says where, answers, and ends with 0 when it is told to stop."""
    words = [sys.executable, "-m", "pinxit.cli", "serve", "--port", "0"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        line = next(line for line in server.stderr if line.startswith("serving: "))
        [url] = re.findall(r"(http://127\.0\.0\.1:\d+)/v1", line)
        with urllib.request.urlopen(f"{url}/health", timeout=10) as answer:
            assert answer.status == 200
        os.kill(server.pid, signal.SIGTERM)
        rest = server.stderr.read()
    assert "Traceback" not in rest
    # uvicorn raises the signal again when it has closed, as servers do.
    assert server.returncode in {0, -signal.SIGTERM}


def test_not_for_strangers(pinxit: Commands) -> None:
    """Without keys it does not listen where others reach it, and says what to do."""
    ran = pinxit("serve", "--host", "0.0.0.0", "--port", "0")
    assert ran.code == 5
    assert "pinxit keys new" in ran.err
    assert "--insecure" in ran.err


def test_wrong_configuration(pinxit: Commands) -> None:
    """A wrong route is told before anything listens."""
    pinxit.configure("[routes.hero]\nmodels = ['test/nobody']")
    ran = pinxit("serve", "--port", "0")
    assert ran.code == 5
    assert "unknown model 'test/nobody'" in ran.err


def test_wrong_port(pinxit: Commands) -> None:
    """A port that is none is refused."""
    ran = pinxit("serve", "--port", "99999")
    assert (ran.code, ran.err.count("\n")) == (2, 1)


def test_extra_is_missing() -> None:
    """Where the extra is not installed, the command that installs it is told."""
    problem = gateway_problem(lambda name: None if name == "uvicorn" else name)
    assert problem is not None
    assert "needs uvicorn, which is not installed" in problem
    assert "pip install 'pinxit[gateway]'" in problem
    assert gateway_problem() is None
