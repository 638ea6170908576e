"""Input pictures by the names that the caller gave them.

The router says ``image`` of the first picture and ``image[1]`` of the second, whatever the body called them.
The caller hears ``images.0`` and ``images.1`` where JSON has a list of that name, and ``image`` and
``image[1]`` where the body is a form.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pinxit.errors import InvalidImage, RequestError, UnsupportedRequest

__all__ = ["Labels"]

_PLACE = re.compile(r"\bimage\[(\d+)\]")
# At the beginning alone: within a sentence it is a word like any other.
_FIELD = re.compile(r"\Aimage(?=[: ])")


@dataclass(frozen=True, slots=True)
class Labels:
    """How one body names its pictures.

    Attributes:
        field: ``image`` or ``images``.
        listed: Whether JSON had a list there.
    """

    field: str = "image"
    listed: bool = False

    @classmethod
    def of(cls, fields: Mapping[str, Any], *, form: bool) -> Labels:
        """Look at what a body holds."""
        field = next(
            (name for name in ("image", "images") if fields.get(name) is not None), "image"
        )
        return cls(field, listed=not form and isinstance(fields.get(field), list))

    @contextmanager
    def applied(self) -> Generator[None]:
        """Name pictures in the caller's way in what is raised inside."""
        try:
            yield
        except UnsupportedRequest as error:
            error.args = (self._places(str(error)),)
            raise
        except RequestError as error:
            # A provider's own words stay as they are: its refusals have no parameter of ours.
            if error.param is not None:
                self._rename(error, error.param)
            raise

    def _rename(self, error: RequestError, param: str) -> None:
        if param == "image":
            whole_field = not isinstance(error, InvalidImage) or not self.listed
            error.param = self.field if whole_field else f"{self.field}.0"
            error.args = (_FIELD.sub(error.param, str(error), count=1),)
        else:
            error.param = self._places(param)
            error.args = (self._places(str(error)),)

    def _places(self, text: str) -> str:
        if not self.listed:
            return text
        return _PLACE.sub(lambda match: f"{self.field}.{match[1]}", text)
