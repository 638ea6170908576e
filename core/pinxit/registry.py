"""The capability registry: which models there are, who owns each, who follows whom."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from .capabilities import Model
from .errors import ConfigError, UnknownModel

__all__ = ["Registry"]

LONGEST_NAME = 256
"""Characters of a name that an error repeats."""


# Names become parts of URLs; one with an empty or a dotted part could leave the path that it stands in.
_NAME = re.compile(r"(?!.*(^|/)(\.*|\.\..*)(/|$))[\w.:@/-]{1,200}")


class Registry:
    """Models by id, alias and bare name. Built once at start-up, read-only afterwards.

    Args:
        undeclared: Whether ``provider/anything`` can be called where the provider allows it.
    """

    def __init__(self, *, undeclared: bool = True) -> None:
        self._undeclared = undeclared
        self._open: dict[str, Model] = {}
        self._models: dict[str, Model] = {}
        self._owners: dict[str, object] = {}
        self._full: dict[str, str] = {}
        self._names: dict[str, list[str]] = {}

    def add(self, model: Model, owner: object) -> None:
        """Enter a model for the plugin that serves it.

        Raises:
            ConfigError: The id, or one of the full aliases, is taken.
        """
        # The name that a provider gives a model may hold a slash too; it is no full name.
        full = {model.id, *(alias for alias in model.aliases if "/" in alias)}
        for id in sorted(full & self._full.keys()):
            if self._owners[self._full[id]] is owner:
                raise ConfigError(f"a plugin registers the model {id!r} twice; take one out")
            raise ConfigError(f"two plugins register the model {id!r}; block one of them")
        self._full |= dict.fromkeys(full, model.id)
        self._owners[model.id] = owner
        if model.is_open:
            self._open[model.provider] = model
            return
        self._models[model.id] = model
        for name in {model.name, *model.aliases} if model.bare_name else full - {model.id}:
            self._names.setdefault(name, []).append(model.id)

    def remove(self, owner: object) -> None:
        """Forget every model of a plugin that turned out to be broken."""
        every = (*self, *self.open_models)
        kept = [(model, who) for model in every if (who := self._owners[model.id]) is not owner]
        for table in (self._models, self._owners, self._full, self._names, self._open):
            table.clear()
        for model, who in kept:
            self.add(model, who)

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models.values())

    def __len__(self) -> int:
        return len(self._models)

    def __contains__(self, id: str) -> bool:
        known = id in self._models or len(self._names.get(id, ())) == 1
        return known or self._undeclared_model(id) is not None

    def owner(self, model: Model) -> object:
        """Return the plugin that registered the model, or takes every model of its provider."""
        if model.id in self._owners:
            return self._owners[model.id]
        return self._owners[self._open[model.provider].id]

    def holder(self, model: Model) -> tuple[str, object] | None:
        """Return the first of a model's full names that is taken, and the plugin that has it."""
        taken = (name for name in (model.id, *model.aliases) if name in self._full)
        name = next(taken, None)
        return None if name is None else (name, self._owners[self._full[name]])

    @property
    def open_models(self) -> tuple[Model, ...]:
        """The models that stand for whatever else their providers serve."""
        return tuple(self._open.values())

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
        # Last: whoever described a model knows more than the widest limits of its provider.
        if (model := self._undeclared_model(id)) is not None:
            return model
        # The name may be a whole URL's path of a stranger's.
        named = id[:LONGEST_NAME]
        raise UnknownModel(
            f"model: no installed plugin serves {named!r}{self._near(named)}", param="model"
        )

    def _undeclared_model(self, id: str) -> Model | None:
        provider, _, name = id.partition("/")
        model = self._open.get(provider) if self._undeclared else None
        if model is None or not _NAME.fullmatch(name):
            return None
        return model.model_copy(update={"id": id, "title": name})

    def near(self, id: str) -> list[str]:
        """Return up to three known names that look like *id*."""
        known = [*self._models, *self._names]
        return list(dict.fromkeys(difflib.get_close_matches(id, known, n=3, cutoff=0.6)))

    def _near(self, id: str) -> str:
        if near := self.near(id):
            return f"; did you mean {' or '.join(near)}?"
        return "; pinxit models lists what there is"

    def cut_bad_successors(self) -> Iterator[tuple[Model, str]]:
        """Take away each successor that is not registered or closes a circle; yield its model, and why."""
        for model in list(self):
            why = self._wrong_heir(model)
            if why is not None:
                life = model.lifecycle.model_copy(update={"successor": None})
                self._models[model.id] = model.model_copy(update={"lifecycle": life})
                yield self._models[model.id], why

    def _wrong_heir(self, model: Model) -> str | None:
        line, current = [model.id], model
        while (heir := current.lifecycle.successor) is not None:
            if heir.model == model.id:
                circle = " -> ".join([*line, heir.model])
                return f"its successors go round in a circle: {circle}; take one of them out"
            if heir.model not in self._models:
                # What is wrong further down the line is cut there; this model keeps its heir.
                missing = f"{heir.model!r} is not registered; name a model that is, or none"
                return missing if current is model else None
            if heir.model in line:
                return None
            current = self._models[heir.model]
            line.append(current.id)
        return None
