"""The capability registry: which models there are, who owns each, who follows whom."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from .capabilities import Model
from .errors import ConfigError, UnknownModel

__all__ = ["Registry"]


class Registry:
    """Models by id, alias and bare name. Built once at start-up, read-only afterwards."""

    def __init__(self) -> None:
        self._models: dict[str, Model] = {}
        self._owners: dict[str, object] = {}
        self._names: dict[str, list[str]] = {}

    def add(self, model: Model, owner: object) -> None:
        """Enter a model for the plugin that serves it.

        Raises:
            ConfigError: The id, or one of the full aliases, is taken.
        """
        for id in (model.id, *(alias for alias in model.aliases if "/" in alias)):
            if id in self._models or (id in self._names and "/" in id):
                raise ConfigError(f"two plugins register the model {id!r}; block one of them")
        self._models[model.id] = model
        self._owners[model.id] = owner
        for name in {model.name, *model.aliases}:
            self._names.setdefault(name, []).append(model.id)

    def remove(self, owner: object) -> None:
        """Forget every model of a plugin that turned out to be broken."""
        for id in [id for id, who in self._owners.items() if who is owner]:
            del self._models[id], self._owners[id]
        self._names = {}
        for model in self:
            for name in {model.name, *model.aliases}:
                self._names.setdefault(name, []).append(model.id)

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models.values())

    def __len__(self) -> int:
        return len(self._models)

    def __contains__(self, id: str) -> bool:
        return id in self._models or len(self._names.get(id, ())) == 1

    def owner(self, model: Model) -> object:
        """Return the plugin that registered the model."""
        return self._owners[model.id]

    @property
    def owners(self) -> set[object]:
        """Every plugin that registered a model."""
        return set(self._owners.values())

    def get(self, id: str) -> Model:
        """Find a model by ``provider/name``, alias, or bare name where that is unambiguous.

        Raises:
            UnknownModel: There is none, or several; the message names what comes near.
        """
        if id in self._models:
            return self._models[id]
        matches = self._names.get(id, [])
        if len(matches) == 1:
            return self._models[matches[0]]
        if matches:
            raise UnknownModel(
                f"model: {id!r} could be any of {', '.join(sorted(matches))}", param="model"
            )
        raise UnknownModel(
            f"model: no installed plugin serves {id!r}{self._near(id)}", param="model"
        )

    def _near(self, id: str) -> str:
        known = [*self._models, *self._names]
        near = list(dict.fromkeys(difflib.get_close_matches(id, known, n=3, cutoff=0.6)))
        if near:
            return f"; did you mean {' or '.join(near)}?"
        return "; pinxit models lists what there is"

    def check_successors(self) -> Iterator[tuple[Model, str]]:
        """Yield each model whose line of successors ends nowhere or bites its tail, and why."""
        for model in self:
            seen, current = [model.id], model
            while (heir := current.lifecycle.successor) is not None:
                if heir.model not in self._models:
                    yield model, f"its successor {heir.model!r} is not registered"
                    break
                if heir.model in seen:
                    yield (
                        model,
                        f"its successors go round in a circle: {' -> '.join([*seen, heir.model])}",
                    )
                    break
                current = self._models[heir.model]
                seen.append(current.id)
