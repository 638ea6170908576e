"""The OpenAPI document as a page for people."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from html import escape
from typing import Any

from .openapi import document

__all__ = ["page"]

_REQUESTS = ("GenerateRequest", "EditRequest", "VariationRequest")


@cache
def page() -> str:
    """Return the document as a page that loads nothing from anywhere."""
    api = document()
    rows: list[str] = []
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            rows.append(f"<h2><code>{method.upper()} {escape(path)}</code></h2>")
            rows.append(f"<p>{escape(operation['summary'])}.</p>")
    for name in _REQUESTS:
        schema = api["components"]["schemas"][name]
        rows.append(f"<h2>{escape(name)}</h2><table>")
        rows += [
            f"<tr><td><code>{escape(name)}</code><td>{escape(_kind(field))}"
            f"<td>{escape(field.get('description', ''))}"
            for name, field in schema["properties"].items()
        ]
        rows.append("</table>")
    return _PAGE.format(title=escape(api["info"]["title"]), text=escape(api["info"]["description"]),
                        rows="\n".join(rows))  # fmt: skip


def _kind(field: Mapping[str, Any]) -> str:
    """Say in a few words what a field holds."""
    if "enum" in field:
        return ", ".join(map(str, field["enum"]))
    if "const" in field:
        return str(field["const"])
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "anyOf" in field:
        kinds = [_kind(kind) for kind in field["anyOf"] if kind.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    bounds = [
        f"{word} {field[key]}"
        for key, word in (("minimum", "from"), ("maximum", "to"))
        if key in field
    ]
    if field.get("type") == "array":
        return f"list of {_kind(field.get('items', {}))}"
    return " ".join([str(field.get("type", "anything")), *bounds])


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff }}
table {{ border-collapse: collapse; width: 100% }}
td {{ border-bottom: 1px solid #ddd; padding: .3rem .6rem .3rem 0; vertical-align: top }}
h2 {{ font-size: 1.1rem; margin-top: 2rem }}
@media (prefers-color-scheme: dark) {{ body {{ color: #ddd; background: #111 }} td {{ border-color: #333 }} }}
</style>
<h1>{title}</h1>
<p>{text} The same as data: <a href="openapi.json">openapi.json</a>.</p>
{rows}
</html>
"""
