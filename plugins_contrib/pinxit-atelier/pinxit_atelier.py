"""Atelier: a provider over HTTP, to copy. JSON goes out, the bytes of one picture come back."""

import base64
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import httpx

import pinxit

READ = date(2026, 11, 22)  # the day on which the data below was looked up
SEEDS = pinxit.Seed(max=2**31 - 1)

EASEL = pinxit.Model(
    id="atelier/easel",
    title="Atelier Easel",
    operations={
        "generate": pinxit.Capability(
            sizes=pinxit.SizeRange(min_edge=256, max_edge=2048, multiple_of=64, max_ratio=3),
            default_size="1024x1024",
            max_prompt=4000,
            seed=SEEDS,
            extra=("steps",),
        ),
        "edit": pinxit.Capability(
            max_prompt=4000,
            seed=SEEDS,
            images=pinxit.InputImages(max=1, formats=("png", "jpeg"), max_bytes=10 * 2**20),
            mask=pinxit.Mask(polarity="white_edits"),
        ),
    },
    prices=(pinxit.Price(usd=Decimal("0.02"), as_of=READ),),
    facts=pinxit.Facts(as_of=READ, source="https://docs.atelier.example/pricing"),
)


@pinxit.hookimpl
def register_settings() -> list[pinxit.Setting]:
    return [
        pinxit.Setting(
            name="api_key",
            env=("ATELIER_API_KEY",),
            required=True,
            secret=True,
            help="From https://atelier.example/keys.",
        ),
        pinxit.Setting(
            name="base_url",
            env=("ATELIER_BASE_URL",),
            default="https://api.atelier.example/v1",
            help="Where the studio is.",
        ),
    ]


@pinxit.hookimpl
def register_models() -> list[pinxit.Model]:
    return [EASEL]


@pinxit.hookimpl
def preview(
    request: pinxit.GenerateRequest | pinxit.EditRequest, context: pinxit.Context
) -> httpx.Request:
    return build(request, context)


@pinxit.hookimpl
async def generate(
    request: pinxit.GenerateRequest, context: pinxit.Context
) -> pinxit.ImagesResponse:
    return read(await context.http.send(build(request, context)))


@pinxit.hookimpl
async def edit(request: pinxit.EditRequest, context: pinxit.Context) -> pinxit.ImagesResponse:
    return read(await context.http.send(build(request, context)))


def build(
    request: pinxit.GenerateRequest | pinxit.EditRequest, context: pinxit.Context
) -> httpx.Request:
    """Return the one request that an operation sends."""
    body: dict[str, Any] = {"prompt": request.prompt}
    if request.seed is not None:
        body["seed"] = request.seed
    if isinstance(request, pinxit.EditRequest):
        place = "edits"
        body["picture"] = encoded(request.images[0])
        if request.mask is not None:
            body["mask"] = encoded(request.mask)
    else:
        place = "pictures"
        width, height = (request.size or "1024x1024").split("x")
        body |= {"width": int(width), "height": int(height)} | request.extra.get("atelier", {})
    return context.http.build_request(
        "POST",
        f"{context.settings['base_url']}/{place}",
        headers={"authorization": f"Bearer {context.settings['api_key']}"},
        json=body,
    )


def encoded(image: pinxit.Image) -> str:
    """Return a picture as it stands in JSON."""
    return base64.b64encode(image.data).decode()


def read(response: httpx.Response) -> pinxit.ImagesResponse:
    """Return the picture of an answer.

    Raises:
        ContentRejected: The studio does not paint this.
        HTTPStatusError: Anything else is wrong; the router knows what a status means.
        InvalidProviderResponse: The answer is no picture.
    """
    if response.status_code == 400 and (why := refusal(response)):
        raise pinxit.ContentRejected(f"Atelier refused this: {why}", upstream_status=400)
    response.raise_for_status()
    if not response.headers.get("content-type", "").startswith("image/"):
        raise pinxit.InvalidProviderResponse("Atelier's answer is no picture")
    return pinxit.ImagesResponse(data=(pinxit.Image(response.content),), cost=stated(response))


def refusal(response: httpx.Response) -> str | None:
    """Return the studio's reason, where an answer is a refusal."""
    try:
        error = response.json()["error"]
        return str(error["message"]) if error["code"] == "unsafe_prompt" else None
    except (ValueError, KeyError, TypeError):
        return None


def stated(response: httpx.Response) -> Decimal | None:
    """Return the price that the studio states, if it can be read."""
    try:
        price = Decimal(response.headers.get("x-cost", ""))
    except InvalidOperation:
        return None
    return price if price.is_finite() and price >= 0 else None
