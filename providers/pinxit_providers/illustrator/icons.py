"""The drawings that pictures are made of: emoji of the Noto set, and some of our own.

Every drawing lives in a grid of 128 units. They are read one shelf at a time: a picture needs few.
"""

import gzip
import json
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
GRID = 128.0
OWN = 100


@dataclass(frozen=True, slots=True)
class Icon:
    """What is known of a drawing without looking at it.

    `profile` is the outline's upper edge at nine columns of the box; `hem` is the colour of a
    bust's lower edge, empty where the drawing is no bust.
    """

    name: str
    subgroup: int
    box: tuple[float, float, float, float]
    profile: tuple[float, ...]
    colour: str
    hem: str

    @property
    def width(self) -> float:
        """The width of what is drawn, in units of the grid."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        """The height of what is drawn, in units of the grid."""
        return self.box[3] - self.box[1]


def document(name: str) -> Any:
    """A compressed JSON file of the data folder."""
    return json.loads(gzip.decompress((DATA / name).read_bytes()))


@lru_cache
def _facts() -> dict[str, Any]:
    facts: dict[str, Any] = document("icons.json.gz")
    return facts


def known(name: str) -> bool:
    """Whether there is a drawing of that name."""
    return name in _facts()


@lru_cache(maxsize=512)
def icon(name: str) -> Icon:
    """The facts of a drawing; KeyError where there is none."""
    subgroup, box, profile, colour, hem = _facts()[name]
    left, top, right, bottom = box
    return Icon(name, subgroup, (left, top, right, bottom), tuple(profile), colour, hem)


@lru_cache(maxsize=512)
def body(name: str) -> str:
    """The SVG markup of a drawing, without its outermost element."""
    if icon(name).subgroup == OWN:
        markup = (DATA / "drawings" / f"{name}.svg").read_text(encoding="utf-8")
        return markup[markup.index(">") + 1 : markup.rindex("</svg>")].strip()
    return _shelf(icon(name).subgroup)[name]


@lru_cache(maxsize=8)
def _shelf(subgroup: int) -> dict[str, str]:
    with zipfile.ZipFile(DATA / "icons.zip") as shelves:
        bodies: dict[str, str] = json.loads(shelves.read(f"{subgroup}.json"))
    return bodies
