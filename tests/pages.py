"""The documentation as data: pages, their code blocks, their links. What tests of pages share."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

__all__ = [
    "PAGES",
    "ROOT",
    "Block",
    "block",
    "blocks",
    "commands",
    "links",
    "page",
    "rows",
    "slugs",
]

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        page: The page's file name.
        language: What stands behind the fence; empty for plain text.
        place: 0 for the first block of this language on the page.
        section: The heading above it.
        line: Where it begins on the page.
    """

    page: str
    language: str
    place: int
    section: str
    text: str
    line: int

    def __str__(self) -> str:
        return f"{self.page}-{self.language}-{self.place}"

    def run(self) -> dict[str, object]:
        """Execute the block as a script, with lines of errors as on the page; return its names."""
        names: dict[str, object] = {"__name__": "__main__"}
        source = "\n" * self.line + self.text
        exec(compile(source, str(ROOT / self.page), "exec"), names)
        return names


def page(name: str) -> str:
    """Return a page's text by its file name."""
    return next(path for path in PAGES if path.name == name).read_text("utf-8")


def blocks(language: str, *names: str) -> list[Block]:
    """Return the blocks in a language, of all pages or of those that are named."""
    wanted = names or tuple(path.name for path in PAGES)
    return [found for name in wanted for found in _blocks(name) if found.language == language]


def block(name: str, language: str, section: str) -> Block:
    """Return the only block in a language under a heading."""
    (found,) = (b for b in blocks(language, name) if b.section == section)
    return found


def _blocks(name: str) -> Iterator[Block]:
    text, places = page(name), dict[str, int]()
    for match in _FENCE.finditer(text):
        language = match[1]
        place = places[language] = places.get(language, -1) + 1
        before = text[: match.start()]
        section = [h[1] for h in _HEADING.finditer(_FENCE.sub("", before))][-1]
        yield Block(name, language, place, section, match[2], before.count("\n") + 1)


def links(path: Path) -> list[str]:
    """Return what a page links to, pictures too, without what stands in code."""
    return _LINK.findall(re.sub(r"`[^`\n]*`", "", _FENCE.sub("", path.read_text("utf-8"))))


def slugs(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = (m[1] for m in _HEADING.finditer(_FENCE.sub("", path.read_text("utf-8"))))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def commands(text: str) -> list[list[str]]:
    """Return the words behind each ``pinxit`` of a shell block."""
    found: list[list[str]] = []
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        for stop, group in groupby(lexer, key=lambda word: set(word) <= set("&|;<>()")):
            words = list(group)
            while words and "=" in words[0]:
                del words[0]
            if not stop and words[:1] == ["pinxit"]:
                found.append(words[1:])
    return found


def rows(name: str, section: str) -> list[list[str]]:
    """Return the cells of the first table under a heading, without its head; code marks are kept."""
    _, _, rest = page(name).partition(f"\n{section}\n")
    assert rest, f"{name} has no heading {section!r}"
    lines = rest.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("|"))
    table: list[list[str]] = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
        table.append([cell.strip() for cell in cells])
    return table[2:]
