"""What a picture says of itself: the prompt and seed it was painted from, in the file's metadata.

An edit or a variation of a picture that still has its record paints the same scene again.
"""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

import base64
import binascii
import json
import zlib
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

from PIL import Image, PngImagePlugin

KEY = "pinxit:scene"
MODEL = "illustrator/scene-1"
LONGEST_PROMPT = 20_000
_USER_COMMENT = 0x9286
_EXIF_IFD = 0x8769
_MARK = b"pinxit:scene:"
# A record is text; one that unpacks to more than this is not ours.
_MOST = 400_000


@dataclass(frozen=True, slots=True)
class Record:
    """How a picture of ours was painted.

    Attributes:
        prompt: What it was painted from.
        seed: What chance depended on.
        figure_seed: The same for the figures; differs in variations.
        edits: The instructions of edits since, oldest first.
        negative: What was not to be seen.
        quality: How much detail.
        transparent: Whether only the subjects were painted.
    """

    prompt: str
    seed: int
    figure_seed: int
    edits: tuple[str, ...] = ()
    negative: str | None = None
    quality: str = "medium"
    transparent: bool = False

    def edited(self, instruction: str) -> "Record":
        """The record of the same picture after one more edit."""
        # The oldest go first: a record grows with every edit, and has to end somewhere.
        return replace(self, edits=(*self.edits, instruction[:LONGEST_PROMPT])[-20:])

    def text(self) -> str:
        """The record as it stands in a file."""
        return json.dumps({"model": MODEL, **asdict(self)}, ensure_ascii=True)


def record_of(text: str) -> Record | None:
    """The record that a text holds; nothing where it is not one of ours, or damaged."""
    try:
        fields: Any = json.loads(text)
        if not isinstance(fields, dict):
            return None
        known = cast("dict[str, Any]", fields)
        # Another model's scenes would be painted by other rules, and come out as other pictures.
        if known.get("model") != MODEL:
            return None
        return Record(
            prompt=str(known["prompt"])[:LONGEST_PROMPT],
            seed=int(known["seed"]),
            figure_seed=int(known["figure_seed"]),
            edits=tuple(str(edit)[:LONGEST_PROMPT] for edit in known.get("edits", ())[:20]),
            negative=str(known["negative"]) if known.get("negative") else None,
            quality=str(known.get("quality", "medium")),
            transparent=bool(known.get("transparent")),
        )
    except (ValueError, KeyError, TypeError):
        return None


def png_text(record: Record) -> PngImagePlugin.PngInfo:
    """The record as a PNG's text chunk."""
    info = PngImagePlugin.PngInfo()
    info.add_itxt(KEY, record.text(), zip=True)
    return info


def exif(record: Record) -> Image.Exif:
    """The record as EXIF, which JPEG and WebP carry; packed, since EXIF holds 64 kB at most."""
    tags = Image.Exif()
    packed = base64.b64encode(zlib.compress(record.text().encode(), 9))
    tags.get_ifd(_EXIF_IFD)[_USER_COMMENT] = b"ASCII\0\0\0" + _MARK + packed
    return tags


def read(picture: Image.Image) -> Record | None:
    """The record in an opened picture, if it has one."""
    text = picture.info.get(KEY)
    if isinstance(text, str):
        return record_of(text)
    try:
        comment = picture.getexif().get_ifd(_EXIF_IFD).get(_USER_COMMENT, b"")
    except (OSError, ValueError, SyntaxError, KeyError):
        # Foreign EXIF is damaged more often than not; a picture without a record is none of ours.
        return None
    raw = comment.encode("latin-1", "ignore") if isinstance(comment, str) else comment
    if not isinstance(raw, bytes) or _MARK not in raw:
        return None
    return _unpacked(raw.partition(_MARK)[2])


def _unpacked(packed: bytes) -> Record | None:
    try:
        reader = zlib.decompressobj()
        text = reader.decompress(base64.b64decode(packed), _MOST)
        return record_of(text.decode())
    except (zlib.error, binascii.Error, UnicodeDecodeError):
        return None


def svg_comment(record: Record) -> str:
    """The record as an SVG's metadata element, packed so that no text becomes markup."""
    packed = base64.b64encode(zlib.compress(record.text().encode(), 9)).decode()
    return f"<metadata>{KEY}:{packed}</metadata>"
