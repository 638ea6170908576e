"""Makes the data files of the illustrator from two npm packages; run once by a maintainer.

    npm install @iconify-json/noto emojibase-data          # in any folder outside the repository
    python -m pinxit_providers.illustrator.data.build <that folder>/node_modules

It writes, beside itself, `icons.zip` (the drawings, one member per subgroup), `icons.json.gz` (what is
known of each: group, bounding box, outline), `words.json.gz` (English names) and
`languages.json.gz` (names in some twenty other languages). `nearest.json.gz` (words that are no
emoji name, with the icon whose name means most nearly the same) is not made here: it comes from a
sentence-embedding model, and names its icons, so it stays valid while the icons keep their names.
"""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

import gzip
import io
import json
import re
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import resvg_py
from PIL import Image

HERE = Path(__file__).parent
GRID = 64
PROFILE_COLUMNS = 9
# The subgroup under which our own drawings are filed.
OWN = 100
# The share of its width that a drawing covers at its lower edge, from which it is a bust.
BROAD = 0.62
# A drawing beyond this is a traced photograph rather than a drawing; it would cost more to ship
# and to render than all other animals together.
HEAVIEST = 11_500
FOREIGN = (
    "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "uk", "sv", "da", "nb",
    "fi", "et", "lt", "hu", "ja", "ko", "zh", "zh-hant", "ms", "vi", "th", "hi",
)  # fmt: skip
WIDELY = frozenset(("de", "fr", "es", "it", "pt", "ru", "ja", "ko", "zh"))


@dataclass(frozen=True)
class Icon:
    """One drawing of the set, with its emoji's code and English record."""

    name: str
    code: str
    body: str
    group: int
    subgroup: int
    label: str
    tags: tuple[str, ...]


def read(path: Path) -> Any:
    """The JSON document at `path`."""
    return json.loads(path.read_text(encoding="utf-8"))


def plain(code: str) -> str:
    """An emoji's code points without the variation selector, as both packages can be joined."""
    return code.lower().replace("-fe0f", "")


def candidates(packages: Path) -> Iterator[Icon]:
    """Every drawing that has an English emoji record."""
    drawings = read(packages / "@iconify-json/noto/icons.json")["icons"]
    records = {plain(r["hexcode"]): r for r in read(packages / "emojibase-data/en/data.json")}
    codes = {n: c for c, n in read(packages / "@iconify-json/noto/chars.json").items()}
    for name, drawing in drawings.items():
        record = records.get(plain(codes.get(name, "")))
        if record is None or record.get("group") is None:
            continue
        yield Icon(
            name=name,
            code=plain(record["hexcode"]),
            body=compact(drawing["body"]),
            group=record["group"],
            subgroup=record["subgroup"],
            label=record["label"].lower(),
            tags=tuple(tag.lower() for tag in record.get("tags", ())),
        )


def compact(body: str) -> str:
    """The same drawing with coordinates of at most two decimals."""
    return re.sub(r"(\.\d\d)\d+", r"\1", body)


def chosen(icon: Icon, choice: Mapping[str, Any]) -> bool:
    """Whether the drawing can be a subject of a picture."""
    if icon.name in choice["keep"]:
        return True
    if len(icon.body) > HEAVIEST or icon.subgroup not in choice["subgroups"]:
        return False
    return not any(re.search(pattern, icon.name) for pattern in choice["drop"])


def measure(body: str) -> list[Any]:
    """The bounding box in the 128 grid, the outline's top edge at nine columns, the main colour."""
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 128 128">{body}</svg>'
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=GRID, skip_system_fonts=True))
    picture = Image.open(io.BytesIO(png))
    alpha = picture.getchannel("A").point([0] * 96 + [255] * 160)
    left, top, right, bottom = alpha.getbbox() or (0, 0, GRID, GRID)
    profile: list[int] = []
    for column in range(PROFILE_COLUMNS):
        x = left + (right - 1 - left) * column // (PROFILE_COLUMNS - 1)
        filled = alpha.crop((x, 0, x + 1, GRID)).getbbox()
        profile.append(2 * (filled[1] if filled else bottom))
    box = [2 * left, 2 * top, 2 * right, 2 * bottom]
    return [box, profile, main_colour(picture), hem(picture, (left, bottom - 3, right, bottom - 1))]


def hem(picture: Image.Image, box: tuple[int, int, int, int]) -> str:
    """The colour of the lower edge where that is nearly as broad as the drawing, as in a bust."""
    edge = picture.convert("RGBA").crop(box)
    alpha = edge.getchannel("A").point([0] * 96 + [1] * 160)
    covered = alpha.histogram()[1] / max(1, edge.width * edge.height)
    return main_colour(edge) if covered > BROAD else ""


def main_colour(picture: Image.Image) -> str:
    """The colour that covers most of a drawing; a vivid one counts more than a grey one."""
    small = picture.convert("RGBA").resize((32, 32)).quantize(24).convert("RGBA")
    tally: dict[str, float] = {}
    for count, pixel in small.getcolors(1024) or []:
        red, green, blue, alpha = cast("tuple[int, int, int, int]", pixel)
        if alpha > 200:
            vivid = (max(red, green, blue) - min(red, green, blue)) / 255
            tally[f"#{red:02x}{green:02x}{blue:02x}"] = count * (0.35 + vivid)
    return max(tally, key=tally.__getitem__, default="#888888")


def add(index: dict[str, list[str]], word: str, name: str, *, first: bool = False) -> None:
    """Files `name` under `word`; the first entry of a word is the one a prompt gets."""
    word = word.strip().lower()
    if len(word) < 2 and word.isascii():
        return
    names = index.setdefault(word, [])
    if name not in names:
        names.insert(0 if first else len(names), name)


def english(icons: list[Icon]) -> dict[str, dict[str, list[str]]]:
    """Names (what a drawing is called) and tags (what it also brings to mind)."""
    names: dict[str, list[str]] = {}
    tags: dict[str, list[str]] = {}
    for icon in icons:
        add(names, icon.name.replace("-", " "), icon.name, first=True)
        add(names, icon.label, icon.name)
    for icon in icons:
        words = re.findall(r"[a-z]+", icon.label)
        for word in words[-1:]:
            add(tags, word, icon.name, first=len(words) == 1)
        for tag in icon.tags:
            add(tags, tag, icon.name)
    return {"names": names, "tags": {word: found[:3] for word, found in tags.items()}}


def foreign(packages: Path, icons: list[Icon]) -> dict[str, str]:
    """Words of other languages; an earlier language and a name before a tag win a tie."""
    by_code = {icon.code: icon.name for icon in icons}
    names: dict[str, str] = {}
    tags: dict[str, str] = {}
    for language in FOREIGN:
        for record in read(packages / f"emojibase-data/{language}/data.json"):
            name = by_code.get(plain(record["hexcode"]))
            if name is None:
                continue
            label = record["label"].lower()
            names.setdefault(label, name)
            for tag in record.get("tags", ())[: 3 if language in WIDELY else 0]:
                tags.setdefault(tag.lower(), name)
            for word in re.findall(r"\w{3,}", label)[:1]:
                tags.setdefault(word, name)
    return {**tags, **names}


def store(name: str, document: object) -> None:
    """Writes a compressed JSON document whose bytes do not depend on the time of day."""
    raw = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    (HERE / name).write_bytes(gzip.compress(raw.encode(), 9, mtime=0))


def pack(icons: list[Icon]) -> None:
    """Writes the drawings as a zip, one member a subgroup: small, and read only where needed."""
    shelves: dict[int, dict[str, str]] = {}
    for icon in icons:
        shelves.setdefault(icon.subgroup, {})[icon.name] = icon.body
    with zipfile.ZipFile(HERE / "icons.zip", "w") as target:
        for subgroup, bodies in sorted(shelves.items()):
            member = zipfile.ZipInfo(f"{subgroup}.json", (1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(member, json.dumps(bodies, separators=(",", ":")), compresslevel=9)


def main(packages: Path) -> None:
    """Builds everything from the `node_modules` folder `packages`."""
    choice = tomllib.loads((HERE / "choice.toml").read_text(encoding="utf-8"))
    icons = [icon for icon in candidates(packages) if chosen(icon, choice)]
    pack(icons)
    facts = {icon.name: [icon.subgroup, *measure(icon.body)] for icon in icons}
    for path in sorted((HERE / "drawings").glob("*.svg")):
        facts[path.stem] = [OWN, *measure(path.read_text(encoding="utf-8"))]
    store("icons.json.gz", facts)
    store("words.json.gz", english(icons))
    store("languages.json.gz", foreign(packages, icons))
    sys.stdout.write(f"{len(icons)} icons\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
