"""The route that serves requests which name no model, until somebody configures a better one."""

from pinxit import Route

__all__ = ["DEFAULT"]

DEFAULT = Route(
    models=("illustrator/scene-1",),
    description="The embedded illustrator: draws offline, needs no key.",
)
