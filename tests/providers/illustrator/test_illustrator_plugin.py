"""The hooks, as the router calls them."""

import random
import subprocess
import sys
from collections.abc import AsyncIterator

import httpx
import pytest

import pinxit
from pinxit import (
    Context,
    EditRequest,
    GenerateRequest,
    Image,
    InvalidImage,
    PartialImage,
    VariationRequest,
)
from pinxit_providers.illustrator import plugin as illustrator
from pinxit_providers.illustrator.plugin import MODEL
from pinxit_providers.illustrator.workers import Workers


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def context() -> AsyncIterator[Context]:
    async with httpx.AsyncClient() as http, illustrator.lifespan() as state:
        yield Context(http=http, state=state, random=random.Random(5))


def test_importing_is_cheap() -> None:
    """Importing the provider and listing its model loads neither Pillow nor the renderer."""
    code = (
        "import sys\nfrom pinxit_providers.illustrator import plugin\nplugin.register_models()\n"
        "print(sorted({'PIL', 'resvg_py'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=30, check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert done.stdout.strip() == b"[]"


def test_hooks_are_found() -> None:
    """Everything that a loader looks for is there, and marked as a hook."""
    for name in ("register_models", "generate", "edit", "variation", "lifespan"):
        assert name in dir(illustrator)
        assert hasattr(getattr(illustrator, name), "pinxit_impl")


def test_model() -> None:
    """The model is free, offline, and only used when asked for by name."""
    (model,) = illustrator.register_models()
    assert model.id == "illustrator/scene-1"
    assert set(model.operations) == {"generate", "edit", "variation"}
    assert model.offline
    assert model.by_name_only
    assert model.prices[0].usd == 0


async def test_generate(context: Context) -> None:
    """As many pictures as asked for come back, each with its seed."""
    request = GenerateRequest(prompt="a cat", n=2, size="64x64", seed=4)
    response = await illustrator.generate(request, context)
    assert [picture.seed for picture in response.data] == [4, 5]
    assert response.data[0].data != response.data[1].data
    assert (response.data[0].width, response.data[0].format) == (64, "png")


async def test_seed_comes_from_the_context(context: Context) -> None:
    """Without a seed one is drawn from the context's source of chance, and returned."""
    response = await illustrator.generate(GenerateRequest(prompt="a cat", size="64x64"), context)
    seed = response.data[0].seed
    assert seed == random.Random(5).randrange(2**32)
    again = GenerateRequest(prompt="a cat", size="64x64", seed=seed)
    assert (await illustrator.generate(again, context)).data[0].data == response.data[0].data


async def test_partial_pictures_are_emitted() -> None:
    """Whoever listens gets the stages, numbered from 0."""
    seen: list[PartialImage] = []

    async def emit(partial: PartialImage) -> None:
        seen.append(partial)

    request = GenerateRequest(prompt="a cat", size="64x64", stream=True, partial_images=2)
    async with httpx.AsyncClient() as http, illustrator.lifespan() as state:
        await illustrator.generate(request, Context(http=http, state=state, emit=emit))
    assert [partial.index for partial in seen] == [0, 1]


async def test_edit_and_variation(context: Context) -> None:
    """A picture can be edited and varied."""
    made = await illustrator.generate(GenerateRequest(prompt="a cat", size="64x64"), context)
    edited = await illustrator.edit(EditRequest(prompt="add a hat", images=made.data), context)
    varied = await illustrator.variation(VariationRequest(images=made.data), context)
    assert len({made.data[0].data, edited.data[0].data, varied.data[0].data}) == 3


async def test_without_a_lifespan() -> None:
    """Where nobody opened workers, short-lived ones do the work."""
    async with httpx.AsyncClient() as http:
        request = GenerateRequest(prompt="a cat", size="64x64", output_format="jpeg")
        response = await illustrator.generate(request, Context(http=http))
    assert response.data[0].format == "jpeg"


async def test_broken_picture_is_the_callers_fault(context: Context) -> None:
    """A broken input picture is refused as one."""
    with pytest.raises(InvalidImage, match="cannot be read"):
        await illustrator.edit(EditRequest(prompt="a cat", images=(Image(b"x"),)), context)


async def test_dead_workers_are_an_outage() -> None:
    """Where workers cannot live the provider is unavailable."""
    async with (
        httpx.AsyncClient() as http,
        Workers(command=(sys.executable, "-c", "pass")) as workers,
    ):
        with pytest.raises(pinxit.ProviderUnavailable):
            await illustrator.generate(
                GenerateRequest(prompt="a cat"), Context(http=http, state=workers)
            )


def test_model_data_is_consistent() -> None:
    """The sizes that the model declares are those that it draws."""
    sizes = MODEL.operations["generate"].sizes
    assert sizes is not None
    assert sizes.accepts(64, 2048)
    assert not sizes.accepts(63, 64)
