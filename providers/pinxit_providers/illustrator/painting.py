"""From an idea to a finished drawing: the order in which a picture is painted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from . import (
    abstracts,
    arranging,
    composing,
    heavens,
    icons,
    interiors,
    lexicon,
    people,
    skyline,
    terrain,
    vocabulary,
    water,
)
from .composing import Cluster
from .drawing import Drawing
from .figures import paint_figures
from .ideas import Idea, Time
from .palettes import palette
from .props import paint_props
from .scenes import Scene, dice
from .sky import paint_sky
from .weather import paint_weather

Painter = Callable[[Scene], None]

_FAR: Mapping[str, Painter] = MappingProxyType(
    {
        "peaks": terrain.peaks,
        "hills": terrain.hills,
        "treeline": terrain.treeline,
        "dunes": terrain.dunes,
        "mesas": terrain.mesas,
        "furrows": terrain.furrows,
        "skyline": skyline.skyline,
        "isles": water.isles,
        "depths": water.depths,
        "nebula": heavens.nebula,
        "wall": interiors.wall,
        "window": interiors.window,
        "shelves": interiors.shelves,
        "blurred_room": interiors.blurred_room,
        "curtain": interiors.curtain,
        "seamless": interiors.seamless,
    }
)
# Painted over the ground instead of behind it.
_NEAR: Mapping[str, Painter] = MappingProxyType(
    {
        "sea": water.sea,
        "road": skyline.road,
        "craters": terrain.craters,
        "lava": terrain.lava,
        "planks": interiors.planks,
        "cloudbank": heavens.cloudbank,
    }
)
_OPEN = ("meadow", "hills", "mountain", "beach", "forest", "desert")
_HUNG = frozenset(("sun", "full-moon", "full-moon-face", "crescent-moon", "rainbow"))


@dataclass(frozen=True, slots=True)
class Commission:
    """All that decides what a drawing looks like.

    Attributes:
        idea: What is to be seen.
        key: What chance depends on; the prompt and the seed.
        figure_key: The same for the figures alone, which a variation keeps.
        width: Pixels across.
        height: Pixels down.
        detail: How many small things there are; 1 as usual.
        bare: Whether only the figures are wanted, on nothing.
    """

    idea: Idea
    key: str
    figure_key: str
    width: int
    height: int
    detail: float = 1.0
    bare: bool = False


def paint(commission: Commission) -> Drawing:
    """The finished drawing."""
    drawing = Drawing(commission.width, commission.height)
    idea = _imagined(commission)
    place = vocabulary.places()[_place(idea, commission.key)]
    time = _time(idea, place.name)
    colours = palette(place, time, idea.weather)
    scene = Scene(idea, place, time, colours, drawing, commission.key, commission.detail)
    clusters = composing.clusters(_earthly(idea), place.name)
    if commission.bare:
        _paint_bare(scene, clusters, commission)
    elif idea.framing == "abstract" and not clusters:
        abstracts.geometry(scene)
    elif idea.framing == "logo":
        abstracts.emblem(scene, clusters[0] if clusters else None)
    else:
        _paint_scene(scene, clusters, commission)
    return drawing


def _paint_scene(scene: Scene, clusters: list[Cluster], commission: Commission) -> None:
    drawing, place = scene.drawing, scene.place
    portrait = scene.idea.framing == "portrait"
    frame = arranging.Frame(scene.width, scene.height, scene.horizon, _close(scene, clusters))
    # Before anything is painted: props leave room for the figures.
    figures = arranging.arrange(clusters, frame, dice(commission.figure_key, "figures"))
    if portrait and figures:
        figures = [_portrait(figures[0], scene)]
    drawing.onto("backdrop")
    if not place.indoor:
        paint_sky(scene)
    for name in place.far:
        if name in _FAR:
            _FAR[name](scene)
    if not place.indoor and not {"sea", "cloudbank"} & set(place.far) and place.horizon < 1:
        terrain.paint_ground(scene)
    for name in place.far:
        if name in _NEAR:
            _NEAR[name](scene)
    drawing.onto("props")
    paint_props(scene, figures)
    drawing.onto("figures")
    paint_figures(scene, figures)
    drawing.onto("front")
    paint_weather(scene)


def _paint_bare(scene: Scene, clusters: list[Cluster], commission: Commission) -> None:
    frame = arranging.Frame(scene.width, scene.height, scene.height * 0.8, close=True)
    figures = arranging.arrange(clusters, frame, dice(commission.figure_key, "figures"))
    scene.drawing.onto("figures")
    paint_figures(scene, _filled(figures, scene), bare=True)


def _filled(figures: list[arranging.Figure], scene: Scene) -> list[arranging.Figure]:
    """The figures as large as the canvas allows, in its middle."""
    if not figures:
        return figures
    left = min(f.x - f.width / 2 for f in figures)
    right = max(f.x + f.width / 2 for f in figures)
    top, bottom = min(f.y - f.cluster.height * f.scale for f in figures), max(f.y for f in figures)
    factor = 0.9 * min(scene.width / (right - left), scene.height / (bottom - top))
    x, y = (left + right) / 2, (top + bottom) / 2
    return [
        replace(
            f,
            x=scene.width / 2 + (f.x - x) * factor,
            y=scene.height / 2 + (f.y - y) * factor,
            scale=f.scale * factor,
        )
        for f in figures
    ]


def _portrait(figure: arranging.Figure, scene: Scene) -> arranging.Figure:
    """The figure so near that head and shoulders fill the canvas."""
    person = people.is_person(figure.cluster.name) or figure.cluster.name == "robot"
    share = 1.5 if person else 1.0
    scale = share * scene.height * 0.86 / figure.cluster.height
    scale = min(scale, 1.1 * scene.width / figure.cluster.width)
    top = scene.height * 0.12
    return replace(
        figure, x=scene.width / 2, y=top + figure.cluster.height * scale, scale=scale, tilt=0.0
    )


def _imagined(commission: Commission) -> Idea:
    """The idea, with a landscape where the prompt says nothing that can be painted."""
    idea = commission.idea
    if not idea.empty or idea.framing != "scene":
        return idea
    chance = dice(commission.key, "nothing")
    times: tuple[Time, ...] = ("day", "sunset", "dawn", "night")
    return replace(idea, place=chance.choice(_OPEN), time=chance.choice(times))


def _earthly(idea: Idea) -> Idea:
    """The idea without what the sky shows by itself."""
    hung = frozenset(s.name for s in idea.subjects if s.name in _HUNG)
    return replace(idea.minus(hung), without=idea.without) if hung else idea


def _place(idea: Idea, key: str) -> str:
    places = vocabulary.places()
    small = bool(idea.subjects) and all(_handy(subject.name) for subject in idea.subjects)
    if idea.framing == "product":
        return "studio"
    if idea.place == "table" and idea.subjects and not small:
        return "room"
    if idea.place == "sea" and idea.subjects and _walks(idea.subjects[0].name):
        return "shore"
    if idea.place:
        return idea.place
    homes = [lexicon.homes().get(subject.name) for subject in idea.subjects]
    fitting = [home for home in homes if home in places]
    if idea.framing == "portrait":
        return "studio"
    if "petals" in idea.weather or "leaves" in idea.weather:
        return "meadow" if "petals" in idea.weather else "forest"
    if fitting:
        return str(fitting[0])
    if small:
        return "table"
    return "meadow" if idea.subjects else dice(key, "place").choice(_OPEN)


def _walks(name: str) -> bool:
    """Whether it needs ground under its feet, at the water as well."""
    return composing.manner(name, "sea") == "ground" and name not in {"rock", "mermaid"}


def _handy(name: str) -> bool:
    """Whether it would stand on a table: food, tools and other things of small size."""
    return icons.icon(name).subgroup not in range(34, 42) and lexicon.height(name) < 0.75


def _time(idea: Idea, place: str) -> Time:
    names = {subject.name for subject in idea.subjects}
    if idea.time:
        return idea.time
    if place in {"space", "moon"} or idea.weather & {"aurora", "fireworks", "stars"}:
        return "night"
    if idea.style == "neon" or names & {"full-moon", "crescent-moon"}:
        return "night"
    return "day"


def _close(scene: Scene, clusters: list[Cluster]) -> bool:
    return scene.place.name in {"table", "studio"} or (
        len(clusters) == 1 and clusters[0].metres < 0.75 and clusters[0].manner == "ground"
    )
