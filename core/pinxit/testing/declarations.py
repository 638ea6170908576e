"""Cases about what a plugin declares; none of them calls an operation."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from types import ModuleType
from typing import cast

from pinxit.capabilities import Capability, Model, Price, Ratios
from pinxit.fitting import fit
from pinxit.types import Operation, parse_size

from .subjects import Fields, Subject
from .suite import Suite

__all__ = ["DeclarationTests"]

HEAVY = (
    "PIL", "boto3", "cairosvg", "cv2", "diffusers", "google.genai", "numpy", "onnxruntime", "openai",
    "pandas", "replicate", "resvg_py", "scipy", "tensorflow", "torch", "transformers",
)  # fmt: skip
"""Modules that take long to import; import them where they are used."""

# Reads the plugin's name and file from its arguments, loads it as the router would, and tells what that cost.
_PROBE = """
import importlib, importlib.util, json, sys
touched = []
def watch(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system"}:
        touched.append(event)
sys.addaudithook(watch)
name, file, heavy, sys.path[:] = json.loads(sys.argv[1])
try:
    plugin = importlib.import_module(name)
except ImportError:
    spec = importlib.util.spec_from_file_location("plugin", file)
    plugin = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plugin)
if hasattr(plugin, "register_models"):
    list(plugin.register_models())
print(json.dumps([[name for name in heavy if name in sys.modules], touched]))
"""


class DeclarationTests(Suite):
    """What a plugin declares is consistent, and costs nothing to read."""

    def test_it_loads(self) -> None:
        """The plugin registers: hooks are known, coroutines, and take arguments that exist."""
        assert len(self.plugins().registry), "the plugin registers no model"

    def test_operations_are_coroutine_functions(self, subject: Subject) -> None:
        """Every operation of every model has a hook that is written as async def."""
        hook = getattr(self.plugin, subject.operation)
        assert inspect.iscoroutinefunction(hook), f"{subject.operation} is not async def"

    def test_importing_it_is_light(self) -> None:
        """Importing the plugin and listing its models imports nothing heavy and touches no network."""
        heavy, touched = _probe(_module_of(self.plugin))
        assert not heavy, f"imports {', '.join(heavy)}; import it in the function that uses it"
        assert not touched, f"causes {', '.join(touched)} while it is imported"

    def test_successors_are_registered(self) -> None:
        """A model that names a successor names one that is there, and no circle."""
        broken = self.plugins().broken
        assert not broken, "; ".join(map(str, broken.values()))

    def test_names_lead_to_one_model(self) -> None:
        """Every id and every alias leads to the model that carries it."""
        registry = self.plugins().registry
        for model in registry:
            for name in (model.id, *model.aliases):
                assert registry.get(name).id == model.id, f"{name} leads to another model"

    def test_prices_are_dated_and_can_apply(self) -> None:
        """A price was read on a day that has come, and is for something that the model does."""
        for model in self.plugins().registry:
            for price in model.prices:
                assert price.as_of <= _today(), f"{model.id}: a price of {price.as_of}"
                assert _can_apply(price, model), f"{model.id}: no picture has the price {price!r}"
            if model.tokens is not None:
                assert model.tokens.as_of <= _today(), f"{model.id}: prices of {model.tokens.as_of}"

    def test_dates_are_in_order(self) -> None:
        """Facts were read on a day that has come; the order of a life's dates is a matter of loading."""
        for model in self.plugins().registry:
            if model.facts is not None:
                assert model.facts.as_of <= _today(), f"{model.id}: facts of {model.facts.as_of}"

    def test_capabilities_are_consistent(self, subject: Subject) -> None:
        """What is declared is about the operation; what contradicts itself does not even load."""
        for problem in _problems(subject.operation, subject.capability):
            raise AssertionError(f"{subject}: {problem}")

    def test_defaults_are_offered(self) -> None:
        """What an absent parameter means is something that the model takes."""
        for model in self.plugins().registry:
            for operation, capability in model.operations.items():
                pixels = parse_size(model.defaults.get("size"))
                offered = not pixels or not capability.sizes or capability.sizes.accepts(*pixels)
                assert offered, f"{model.id}: {operation} does not offer the default {pixels}"

    def test_models_survive_json(self) -> None:
        """A model can be served over HTTP and read back without a loss."""
        for model in self.plugins().registry:
            assert Model.model_validate_json(model.model_dump_json()) == model, model.id

    def test_limits_are_kept(self, subject: Subject) -> None:
        """What lies within the declared limits is sent as it was asked."""
        for fields in (*subject.limits(), subject.all_at_once()):
            fitted = fit(subject.request(fields), subject.model)
            changed = [a for a in fitted.adaptations if (a.parameter, a.verdict) not in _NATURAL]
            wrong = "; ".join((*fitted.reasons, *map(str, changed)))
            assert not wrong, f"{subject} does not take {_shown(fields)}: {wrong}"

    def test_limits_are_limits(self, subject: Subject) -> None:
        """What lies one beyond a limit is refused under strict, with a reason."""
        for fields in subject.beyond():
            fitted = fit(subject.request(fields), subject.model, fidelity="strict")
            assert fitted.reasons, f"{subject} takes {_shown(fields)} and does not declare it"


# A seed may be a wish, and a mask is said in the model's own way; both are what was asked.
_NATURAL = {("seed", "mapped"), ("mask", "emulated")}


def _module_of(plugin: object) -> ModuleType | None:
    if isinstance(plugin, ModuleType):
        return plugin
    return sys.modules.get(type(plugin).__module__)


def _probe(module: ModuleType | None) -> tuple[list[str], list[str]]:
    """Import a module in a fresh interpreter; return what was imported and what was touched."""
    # A script would run a second time.
    if module is None or module.__name__ == "__main__":
        return [], []
    question = json.dumps([module.__name__, getattr(module, "__file__", None), HEAVY, sys.path])
    done = subprocess.run(  # noqa: S603 - our own interpreter with our own code
        [sys.executable, "-c", _PROBE, question], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"cannot be imported: {done.stderr.strip()}"
    # What the plugin printed itself stands before the last line.
    heavy, touched = json.loads(done.stdout.splitlines()[-1])
    return cast("list[str]", heavy), cast("list[str]", touched)


def _today() -> date:
    return datetime.now(UTC).date()


def _can_apply(price: Price, model: Model) -> bool:
    """Whether any picture of the model can have this price."""
    return any(
        price.operation in {None, operation}
        and (price.quality is None or price.quality in capability.qualities)
        and (price.size is None or _makes(price.size, capability))
        for operation, capability in model.operations.items()
    )


def _makes(size: str, capability: Capability) -> bool:
    """Whether an operation makes pictures of a size, given as pixels or as a class."""
    sizes, pixels = capability.sizes, parse_size(size)
    if isinstance(sizes, Ratios) and size in sizes.classes:
        return True
    if sizes is None:
        return capability.default_size in {None, size}
    return pixels is not None and sizes.accepts(*pixels)


def _problems(operation: Operation, capability: Capability) -> Iterator[str]:
    if operation == "generate" and (capability.images or capability.mask or capability.markup):
        yield "generate takes no pictures; declare images, mask and markup for edit"
    if operation != "generate" and capability.images is None:
        yield f"{operation} needs a picture; declare images"
    if operation == "variation" and (capability.max_prompt or capability.mask):
        yield "a variation has neither prompt nor mask"


def _shown(fields: Fields) -> str:
    """Return fields as they fit into one line."""
    return ", ".join(f"{name}={value!r:.40}" for name, value in fields.items()) or "nothing"
