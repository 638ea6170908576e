"""A provider as it should be, with its server: what tests of the conformance cases break on purpose."""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import httpx

from pinxit import (
    Capability,
    ContentRejected,
    Context,
    EditRequest,
    FixedSizes,
    GenerateRequest,
    Image,
    ImagesResponse,
    InputImages,
    InvalidProviderResponse,
    Mask,
    Model,
    PartialImage,
    Price,
    Seed,
    Setting,
    SizeRange,
    hookimpl,
)
from pinxit.testing import ProviderTests
from pinxit.types import Request, parse_size

if TYPE_CHECKING:
    from PIL import Image as Pillow

__all__ = [
    "REFUSAL",
    "Declares",
    "Jobs",
    "Sketcher",
    "Studio",
    "declared",
    "failures",
    "remote",
    "serve",
    "serve_jobs",
    "suite",
]

REFUSAL = (422, {"refused": "this is not painted here"})

GENERATE = Capability(
    sizes=FixedSizes(values=("64x64", "96x64", "64x96")),
    default_size="64x64",
    max_n=3,
    max_prompt=200,
    qualities=("low", "high"),
    output_formats=("png", "jpeg"),
    compression=("jpeg",),
    seed=Seed(max=1000),
    negative_prompt=True,
    streaming=True,
    partial_images=2,
)
EDIT = GENERATE.model_copy(
    update={"images": InputImages(max=3), "mask": Mask(polarity="white_edits")}
)
PRICE = Price(usd=Decimal("0.01"), quality="low", as_of=date(2026, 1, 1))


class Studio:
    """Speaks JSON to ``https://studio.test``: one request, one answer, or a stream of events."""

    MODEL = Model(
        id="studio/brush-1",
        operations={"generate": GENERATE, "edit": EDIT},
        aliases=("brush",),
        prices=(PRICE,),
    )

    @hookimpl
    def register_models(self) -> Iterable[Model]:
        return [self.MODEL]

    @hookimpl
    def register_settings(self) -> Iterable[Setting]:
        return [Setting(name="api_key", required=True, secret=True)]

    @hookimpl
    async def generate(
        self, request: GenerateRequest, model: Model, context: Context
    ) -> ImagesResponse:
        return await self.paint(request, model, context)

    @hookimpl
    async def edit(self, request: EditRequest, model: Model, context: Context) -> ImagesResponse:
        return await self.paint(request, model, context)

    @hookimpl
    def preview(self, request: Request, model: Model, context: Context) -> httpx.Request:
        return self.build(request, model, context)

    def fields(self, request: Request) -> dict[str, Any]:
        names = ("prompt", "n", "size", "quality", "output_format", "output_compression", "seed")
        more = ("negative_prompt", "partial_images")
        fields = {name: getattr(request, name, None) for name in (*names, *more)}
        if isinstance(request, EditRequest):
            fields["images"] = [image.b64_json for image in request.images]
            fields["mask"] = self.mask(request)
        return {name: value for name, value in fields.items() if value is not None}

    def mask(self, request: EditRequest) -> str | None:
        return request.mask.b64_json if request.mask else None

    def url(self, model: Model, context: Context) -> str:
        return f"https://studio.test/{model.name}"

    def headers(self, context: Context) -> dict[str, str]:
        return {"x-key": context.settings["api_key"]}

    def build(self, request: Request, model: Model, context: Context) -> httpx.Request:
        url, headers = self.url(model, context), self.headers(context)
        return context.http.build_request("POST", url, headers=headers, json=self.fields(request))

    async def paint(self, request: Request, model: Model, context: Context) -> ImagesResponse:
        response = await self.send(self.build(request, model, context), context)
        if response.status_code == REFUSAL[0]:
            raise self.refusal(response)
        self.check(response)
        return await self.read(response, context)

    async def send(self, request: httpx.Request, context: Context) -> httpx.Response:
        return await context.http.send(request)

    def refusal(self, response: httpx.Response) -> Exception:
        return ContentRejected("refused", upstream_status=response.status_code)

    def check(self, response: httpx.Response) -> None:
        response.raise_for_status()

    async def read(self, response: httpx.Response, context: Context) -> ImagesResponse:
        body = self.parse(response)
        for index, partial in enumerate(body.get("partials", [])):
            await context.emit(PartialImage(index=index, image=Image(b64_json=partial)))
        return ImagesResponse(data=tuple(Image(b64_json=text) for text in body["pictures"]))

    def parse(self, response: httpx.Response) -> dict[str, Any]:
        body = cast("object", response.json())
        fields = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
        if not isinstance(fields.get("pictures"), list):
            raise InvalidProviderResponse("the answer has no pictures")
        return fields


def serve(request: httpx.Request) -> httpx.Response:
    """Answer as the studio's server does, heeding number, size, format and partial pictures."""
    fields = cast("dict[str, Any]", json.loads(request.content))
    picture = _draw(fields.get("size", "64x64"), fields.get("output_format", "png"))
    body = {"pictures": [picture] * fields["n"]}
    body["partials"] = [picture] * fields.get("partial_images", 0)
    return httpx.Response(200, json=body)


def _draw(size: str, format: str) -> str:
    from PIL import Image as Pillow

    out = io.BytesIO()
    Pillow.new("RGB", parse_size(size) or (64, 64), "teal").save(out, format.upper())
    return base64.b64encode(out.getvalue()).decode()


class Jobs(Studio):
    """Orders, asks again every few seconds, and fetches the pictures from where they are kept."""

    async def paint(self, request: Request, model: Model, context: Context) -> ImagesResponse:
        ordered = await self.send(self.build(request, model, context), context)
        if ordered.status_code == REFUSAL[0]:
            raise self.refusal(ordered)
        job = self.asked(ordered, "job")
        times, state = 0, await self.poll(job, 0, context)
        while self.asked(state, "state") != "done":
            await asyncio.sleep(5)
            times, state = times + 1, await self.poll(job, times + 1, context)
        paths = self.asked(state, "pictures").split()
        kept = [await context.http.get(f"https://kept.test/{path}") for path in paths]
        return ImagesResponse(data=tuple(Image(answer.content) for answer in kept))

    async def poll(self, job: str, times: int, context: Context) -> httpx.Response:
        url = f"https://studio.test/jobs/{job}?times={times}"
        return await context.http.get(url, headers=self.headers(context))

    def asked(self, response: httpx.Response, field: str) -> str:
        response.raise_for_status()
        body = cast("object", response.json())
        value = cast("dict[str, object]", body).get(field) if isinstance(body, dict) else None
        if not isinstance(value, str):
            raise InvalidProviderResponse(f"the answer has no {field}")
        return value


def serve_jobs(request: httpx.Request) -> httpx.Response:
    """Take orders, need some time, and keep pictures elsewhere."""
    path = request.url.path.rsplit("/", 1)[-1]
    if request.method == "POST":
        fields = json.loads(request.content)
        wanted = [fields["n"], fields.get("size", "64x64"), fields.get("output_format", "png")]
        return httpx.Response(200, json={"job": "-".join(map(str, wanted))})
    count, size, format = path.split("-")
    if request.url.host == "studio.test":
        done = request.url.params["times"] >= "2"
        pictures = " ".join([f"1-{size}-{format}"] * int(count))
        return httpx.Response(200, json={"state": "done" if done else "busy", "pictures": pictures})
    order = {"n": 1, "size": size, "output_format": format}
    drawn = serve(httpx.Request("POST", "https://studio.test/", json=order))
    return httpx.Response(200, content=base64.b64decode(json.loads(drawn.content)["pictures"][0]))


class Sketcher:
    """Draws offline: squares whose grey is the seed, inside the mask if there is one."""

    SIZES = SizeRange(min_edge=16, max_edge=64, multiple_of=8)
    OPERATIONS: Mapping[Any, Capability] = {
        "generate": Capability(sizes=SIZES, default_size="16x16", max_n=2, seed=Seed(max=255)),
        "edit": Capability(images=InputImages(), mask=Mask(), seed=Seed(max=255)),
    }

    @hookimpl
    def register_models(self) -> Iterable[Model]:
        return [Model(id="sketcher/grey", operations=dict(self.OPERATIONS), offline=True)]

    @hookimpl
    async def generate(self, request: GenerateRequest, context: Context) -> ImagesResponse:
        size = self.size(request)
        return ImagesResponse(data=(self.draw(self.seed(request), size),) * request.n)

    @hookimpl
    async def edit(self, request: EditRequest) -> ImagesResponse:
        from PIL import Image as Pillow

        with Pillow.open(io.BytesIO(request.images[0].data)) as picture:
            painted = picture.convert("RGB")
        layer = Pillow.new("RGB", painted.size, (self.seed(request),) * 3)
        painted.paste(layer, (0, 0), self.region(request))
        return ImagesResponse(data=(_file(painted),))

    def size(self, request: GenerateRequest) -> tuple[int, int]:
        return parse_size(request.size) or (16, 16)

    def seed(self, request: Request) -> int:
        return 0 if request.seed is None else request.seed

    def region(self, request: EditRequest) -> Pillow.Image | None:
        if request.mask is None:
            return None
        from PIL import Image as Pillow

        with Pillow.open(io.BytesIO(request.mask.data)) as mask:
            return mask.getchannel("A").point(lambda alpha: 255 - alpha)

    def draw(self, seed: int, size: tuple[int, int]) -> Image:
        from PIL import Image as Pillow

        return _file(Pillow.new("RGB", size, (seed,) * 3))


def _file(picture: Pillow.Image) -> Image:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return Image(out.getvalue())


class Declares:
    """Registers what it is given."""

    def __init__(self, *models: Model) -> None:
        self.models = models

    @hookimpl
    def register_models(self) -> Iterable[Model]:
        return self.models

    @hookimpl
    async def generate(self, request: GenerateRequest) -> ImagesResponse:
        raise NotImplementedError

    @hookimpl
    async def edit(self, request: EditRequest) -> ImagesResponse:
        raise NotImplementedError


def declared(id: str = "mine/one", capability: Capability | None = None, **fields: Any) -> Model:
    """Return a model that generates 64x64 pictures."""
    cap = capability or Capability(sizes=FixedSizes(values=("64x64",)))
    return Model.model_validate({"id": id, "operations": {"generate": cap}, **fields})


def suite(plugin: object, **attributes: Any) -> type[ProviderTests]:
    """Write the class that an author would write."""
    return type("TestPlugin", (ProviderTests,), {"plugin": plugin, **attributes})


def remote(plugin: object, **attributes: Any) -> type[ProviderTests]:
    """Write the class for a plugin that calls the studio's server."""
    return suite(plugin, **{"ok": serve, "rejection": REFUSAL, **attributes})


def failures(suite: type[ProviderTests], *names: str) -> dict[str, str]:
    """Run cases, all of them or those of a name, and return what those that fail say."""
    failed: dict[str, str] = {}
    for name, case in suite.cases():
        if not names or name.partition("[")[0] in names:
            try:
                case()
            except Exception as error:  # noqa: BLE001 - whatever a broken plugin causes
                failed[name] = str(error)
    return failed
