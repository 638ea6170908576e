"""What a request will cost, and what it did cost, in US dollars.

An estimate is made to be held against a limit, so where the model has a choice the dearest of what it may
choose is taken, and where a table has no entry the dearest known rate is scaled. Two things are not
in it, because nobody publishes them: the tokens that the input pictures of an edit take, and what lies
between the sizes a vendor lists and the largest that a model with free sizes could pick for ``auto``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import product
from typing import Literal

from .capabilities import FixedSizes, Model, Price, Ratios, SizeRange, Sizes, TokenPrices
from .types import ImagesResponse, Request, Usage, VariationRequest, parse_size

__all__ = ["Basis", "actual", "estimate"]

Basis = Literal["exact", "estimated", "unknown"]
"""Stated or metered by the provider; computed from prices; not to be known."""

MILLION = Decimal(1_000_000)
MICRODOLLAR = Decimal("0.000001")
PARTIAL_TOKENS = 100
"""Output tokens of one partial picture, from an older guide of OpenAI's (read 2026-11); uncertain."""
BYTES_PER_TOKEN = 3
"""UTF-8 bytes of a prompt per token: fewer than English has, about one token per CJK character."""


@dataclass(frozen=True, slots=True)
class _Area:
    """A size that a picture may get: what it is called, exactly and by class, and how large it is."""

    names: tuple[str, ...] = ()
    pixels: int | None = None


def estimate(model: Model, request: Request, *, n: int | None = None) -> Decimal | None:
    """Return what one call is expected to cost at most, or ``None`` where prices are unknown.

    Args:
        model: Whose prices hold.
        request: The request as it was fitted to the model. An ``auto`` or absent quality or size counts
            as the dearest one.
        n: Pictures of this call; by default what the request says. Add up several calls.
    """
    count = request.n if n is None else n
    areas = list(_areas(model, request))
    for qualities in _qualities(model, request):
        costs = [
            cost
            for quality, area in product(qualities, areas)
            if (cost := _cost(model, request, quality, area, count)) is not None
        ]
        if costs:
            return _rounded(max(costs))
    return None


def actual(
    model: Model, request: Request, response: ImagesResponse
) -> tuple[Decimal | None, Basis]:
    """Return what one call did cost, and how that is known.

    The provider's own word comes first, then the tokens that it counted, then an estimate for the pictures
    that came, with the size and quality that the response names.
    """
    if response.cost is not None:
        return _rounded(response.cost), "exact"
    usage = response.usage
    if model.tokens is not None and usage is not None and usage.input_tokens + usage.output_tokens:
        return _metered(model.tokens, request, usage)
    said = {"size": response.size, "quality": response.quality}
    known = request.model_copy(update={name: value for name, value in said.items() if value})
    cost = estimate(model, known, n=len(response.data))
    return cost, "unknown" if cost is None else "estimated"


def _metered(prices: TokenPrices, request: Request, usage: Usage) -> tuple[Decimal, Basis]:
    details = usage.input_tokens_details
    unsplit = max(0, usage.input_tokens - details.text_tokens - details.image_tokens)
    # Without pictures going in, all input is text; otherwise the dearer of the two is the safe guess.
    guess = prices.text_in
    if request.operation != "generate":
        guess = max(prices.text_in, prices.image_in)
    said = usage.output_tokens_details
    # Such as thoughts, which Gemini meters as text.
    text = min(said.text_tokens, usage.output_tokens) if said and prices.text_out is not None else 0
    dollars = (
        details.text_tokens * prices.text_in
        + details.image_tokens * prices.image_in
        + unsplit * guess
        + text * (prices.text_out or 0)
        + (usage.output_tokens - text) * prices.image_out
    ) / MILLION
    split = not unsplit or request.operation == "generate"
    return _rounded(dollars), "exact" if split else "estimated"


def _qualities(model: Model, request: Request) -> Iterator[Iterable[str | None]]:
    """Yield sets of qualities to price; the first one for which any price is known holds."""
    if request.quality not in {None, "auto"}:
        yield (request.quality,)
    capability = model.operations.get(request.operation)
    if request.quality is None and capability is not None and capability.default_quality:
        yield (capability.default_quality,)
    listed = {price.quality for price in model.prices}
    yield {None, *listed, *(model.tokens.per_image if model.tokens else ())}


def _areas(model: Model, request: Request) -> Iterator[_Area]:
    """Yield every size that the pictures may get."""
    capability = model.operations.get(request.operation)
    asked = request.size
    if asked is None and request.aspect_ratio is None:
        asked = model.defaults.get("size") or (capability.default_size if capability else None)
    sizes = capability.sizes if capability else None
    if parse_size(asked):
        classes = sizes.classes if isinstance(sizes, Ratios) else {}
        yield _area(asked, *(name for name, known in classes.items() if asked in known.values()))
    elif isinstance(sizes, Ratios):
        yield from _ratios(sizes, asked, request.aspect_ratio)
    # A class such as 2K may have a price without having known pixels.
    elif asked and any(price.size == asked for price in model.prices):
        yield _Area((asked,))
    else:
        listed = {*_priced_sizes(model), *_offered_sizes(sizes)}
        yield from map(_area, sorted(listed))
        if not listed:
            yield _largest(sizes)


def _area(size: str | None, *names: str) -> _Area:
    edges = parse_size(size)
    return _Area((size or "", *names), edges[0] * edges[1] if edges else None)


def _ratios(sizes: Ratios, asked: str | None, ratio: str | None) -> Iterator[_Area]:
    default = next(iter(sizes.classes))
    classes = {name for name in sizes.classes if asked in {name, "auto"}} or {default}
    for name in classes:
        ratios = sizes.classes[name]
        chosen = [ratios[ratio]] if ratio in ratios else list(ratios.values())
        for pixels in chosen:
            yield _area(pixels, name)


def _priced_sizes(model: Model) -> Iterator[str]:
    for price in model.prices:
        if price.size and parse_size(price.size):
            yield price.size
    for table in model.tokens.per_image.values() if model.tokens else ():
        yield from table


def _offered_sizes(sizes: Sizes | None) -> tuple[str, ...]:
    match sizes:
        case FixedSizes(values=values):
            return values
        case SizeRange(listed=listed):
            return listed
        case _:
            return ()


def _largest(sizes: Sizes | None) -> _Area:
    if isinstance(sizes, SizeRange):
        return _Area((), min(sizes.max_pixels or sizes.max_edge**2, sizes.max_edge**2))
    return _Area()


def _cost(
    model: Model, request: Request, quality: str | None, area: _Area, count: int
) -> Decimal | None:
    """Price one quality and size: from the list of prices, or from tokens."""
    prices = [p for p in model.prices if p.operation in {None, request.operation}]
    prices = [p for p in prices if p.quality in {None, quality}]
    for price in prices:
        if price.size is None or price.size in area.names:
            return _charge(price, area, count)
    # A size that nobody lists: what is open counts as the dearest.
    rate = _dearest_rate((p.size, p.usd) for p in prices if p.per == "image")
    if rate is not None and area.pixels is not None:
        return rate * area.pixels * count
    return _token_cost(model.tokens, request, quality, area, count) if model.tokens else None


def _charge(price: Price, area: _Area, count: int) -> Decimal | None:
    match price.per:
        case "image":
            return price.usd * count
        case "request":
            return price.usd
        case "megapixel":
            return None if area.pixels is None else price.usd * area.pixels / MILLION * count


def _dearest_rate(known: Iterable[tuple[str | None, Decimal | int]]) -> Decimal | None:
    """Return the most that one pixel costs, among sizes with known amounts."""
    rates = [
        Decimal(amount) / (edges[0] * edges[1])
        for size, amount in known
        if (edges := parse_size(size))
    ]
    return max(rates, default=None)


def _token_cost(
    prices: TokenPrices, request: Request, quality: str | None, area: _Area, count: int
) -> Decimal | None:
    table = prices.per_image.get(quality or "", {})
    per_picture: Decimal | int | None = next((table[n] for n in area.names if n in table), None)
    if per_picture is None:
        rate = _dearest_rate(table.items())
        if rate is None or area.pixels is None:
            return None
        per_picture = rate * area.pixels
    partials = (request.partial_images or 0) * PARTIAL_TOKENS if request.stream else 0
    text = "" if isinstance(request, VariationRequest) else request.prompt
    text_tokens = -(-len(text.encode()) // BYTES_PER_TOKEN)
    out = (per_picture + partials) * count
    return (out * prices.image_out + text_tokens * prices.text_in) / MILLION


def _rounded(dollars: Decimal) -> Decimal:
    return dollars.quantize(MICRODOLLAR, ROUND_HALF_UP)
