"""The plugin as the engine meets it."""

from __future__ import annotations

import inspect
import subprocess
import sys

from pinxit import Config
from pinxit_providers.openai import PLUGIN as openai


def test_importing_it_loads_nothing_heavy() -> None:
    """Listing models must not cost the start-up of an imaging library or a server."""
    code = (
        "import sys, pinxit_providers.openai as plugin; plugin.PLUGIN.register_models();"
        "heavy = {'PIL', 'uvicorn', 'starlette', 'python_multipart', 'resvg_py', 'openai'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_operations_have_their_hooks() -> None:
    """Every operation that a model declares is a coroutine of the plugin."""
    for model in openai.register_models():
        for operation in model.operations:
            assert inspect.iscoroutinefunction(getattr(openai, operation))
    assert not inspect.iscoroutinefunction(openai.preview)


def test_settings_come_from_the_environment() -> None:
    """The variables of OpenAI's own clients are read; only the key is required."""
    environ = {
        "OPENAI_API_KEY": "sk-1",
        "OPENAI_BASE_URL": "https://proxy.test/v1",
        "OPENAI_ORG_ID": "org-1",
        "OPENAI_PROJECT_ID": "proj-1",
    }
    declared = openai.register_settings()
    settings = Config.parse({}, environ=environ).settings("openai", declared)
    assert dict(settings) == {
        "api_key": "sk-1",
        "base_url": "https://proxy.test/v1",
        "organization": "org-1",
        "project": "proj-1",
    }
    bare = Config.parse({}, environ={}).settings("openai", declared)
    assert dict(bare) == {"base_url": "https://api.openai.com/v1"}
    assert [setting.name for setting in bare.missing] == ["api_key"]
    assert [setting.name for setting in declared if setting.secret] == ["api_key"]
