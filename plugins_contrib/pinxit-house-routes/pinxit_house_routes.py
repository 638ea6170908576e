"""The routes of the house: an application asks for ``hero`` and names no vendor."""

from pinxit import Retry, Route

HERO = Route(
    models=("openai/gpt-image-2.6-sunburst", "openai/gpt-image-2", "checkerboard/mono"),
    retry=Retry(count=2),
    deadline=180,
    description="The large picture on top of a page.",
)

PLACEHOLDER = Route(
    models=("checkerboard/mono",),
    fidelity="lenient",
    description="Something to look at until there is a picture.",
)
