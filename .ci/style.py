"""Hold the source to its own measure: size of files and functions, docstrings, broad excepts."""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

ROOTS = ("core/pinxit", "providers/pinxit_providers", "plugins_contrib")
MAX_FILE, MEDIAN_FILE, MAX_FUNCTION = 400, 150, 50
MIN_DOCSTRINGS, MAX_BROAD = 0.90, 0.5
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def sources() -> Iterator[Path]:
    """Yield the files that are measured."""
    for root in ROOTS:
        yield from sorted(path for path in Path(root).rglob("*.py") if "tests" not in path.parts)


def is_broad(handler: ast.ExceptHandler) -> bool:
    """Whether a handler catches everything."""
    return handler.type is None or getattr(handler.type, "id", "") in {"Exception", "BaseException"}


def main() -> int:
    """Print the figures and what is out of bounds; return the exit code."""
    sizes: list[int] = []
    problems: list[str] = []
    lines = public = documented = broad = 0
    for path in sources():
        text = path.read_text("utf-8")
        size = text.count("\n")
        lines += size
        if size > 3:
            sizes.append(size)
        if size > MAX_FILE:
            problems.append(f"{path}: {size} lines, at most {MAX_FILE}")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, FUNCTIONS):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MAX_FUNCTION:
                    problems.append(
                        f"{path}:{node.lineno} {node.name}: {length} lines, at most {MAX_FUNCTION}"
                    )
            if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and not node.name.startswith("_"):
                public += 1
                documented += ast.get_docstring(node) is not None
            broad += isinstance(node, ast.ExceptHandler) and is_broad(node)
    median = int(statistics.median(sizes))
    docstrings, rate = documented / public, 1000 * broad / lines
    print(f"{lines} lines, {len(sizes)} files, largest {max(sizes)}, median {median}")
    print(
        f"docstrings on {docstrings:.0%} of public names, {rate:.2f} broad excepts per 1,000 lines"
    )
    if median > MEDIAN_FILE:
        problems.append(f"the median file has {median} lines, at most {MEDIAN_FILE}")
    if docstrings < MIN_DOCSTRINGS:
        problems.append(
            f"docstrings on {docstrings:.0%} of public names, at least {MIN_DOCSTRINGS:.0%}"
        )
    if rate > MAX_BROAD:
        problems.append(f"{rate:.2f} broad excepts per 1,000 lines, at most {MAX_BROAD}")
    print(*problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
