"""What Node's clients send beyond the examples, and how they take what comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import installed
from gateway.scene import Scene, running
from installed import EXAMPLES
from pinxit.errors import ContentRejected, ProviderUnavailable
from pinxit.testing.pictures import mask, picture

PNG, JPEG, MASK = picture(), picture("jpeg", 64, 48), mask()

OPENAI = """
import { createReadStream } from "node:fs";
import OpenAI, { toFile } from "openai";
const client = new OpenAI({ baseURL: `${process.env.URL}/v2/router`, apiKey: "none" });
const folder = process.env.FOLDER;
"""
SDK = """
import { readFileSync } from "node:fs";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateImage } from "ai";
const settings = { baseURL: `${process.env.URL}/v1`, apiKey: "none" };
const openai = createOpenAI(settings).image("s/a");
const compatible = createOpenAICompatible({ name: "pinxit", ...settings }).imageModel("s/a");
globalThis.AI_SDK_LOG_WARNINGS = false;
"""


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A gateway that remembers what it was asked."""
    return Scene({})


@pytest.fixture(scope="module")
def url(scene: Scene) -> Iterator[str]:
    """Where it is."""
    with running(scene) as server:
        yield server.url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures to send."""
    for name, data in (("a.png", PNG), ("b.jpg", JPEG), ("mask.png", MASK)):
        (tmp_path / name).write_bytes(data)
    return tmp_path


def script(source: str, url: str, folder: Path) -> Any:
    """Run a script with Node and return what it logs, as JSON."""
    words = [installed.node(), "--input-type=module", "--eval", source]
    return json.loads(installed.run(words, EXAMPLES, URL=url, FOLDER=str(folder)))


def test_openai_sends_objects_in_a_form(scene: Scene, url: str, folder: Path) -> None:
    """Files as streams, sent without a length, and objects in brackets, item by item, are understood."""
    calls = len(scene.provider.calls)
    told = script(
        OPENAI
        + """
        const answer = await client.images.edit({
          model: "s/old",
          prompt: "join\\nthém",
          image: [createReadStream(`${folder}/a.png`), createReadStream(`${folder}/b.jpg`)],
          mask: createReadStream(`${folder}/mask.png`),
          n: 2,
          size: "64x64",
          fallbacks: [{ model: "s/b" }, { model: "s/old" }],
          retry: { count: 2, on_codes: [429, 500] },
          timeout: { call_timeout: 30000 },
          metadata: { k: "v" },
          orq: { identity: { id: "u1", tags: ["a", "b"] } },
          load_balancer: {
            type: "weight_based",
            models: [{ model: "s/b", weight: 1 }, { model: "s/b", weight: 0.3 }],
          },
        });
        console.log(JSON.stringify(answer));
        """,
        url,
        folder,
    )
    assert len(told["data"]) == 2
    assert told["pinxit"]["model"] == "s/b"
    assert len(scene.provider.calls) == calls + 1
    request = scene.request
    assert request.prompt == "join\nthém"
    assert [image.format for image in request.images] == ["png", "jpeg"]
    assert request.mask.data == MASK
    assert [f.model for f in request.fallbacks] == ["s/b", "s/old"]
    assert (request.retry.count, request.retry.on_codes) == (2, (429, 500))
    assert request.timeout == 30
    assert request.metadata == {"k": "v"}
    assert request.identity.tags == ("a", "b")
    assert [share.weight for share in request.load_balancer.models] == [1, 0.3]


def test_openai_takes_errors_and_does_not_repeat_them(scene: Scene, url: str, folder: Path) -> None:
    """Its own classes carry our sentence, code and parameter; what we gave up on it does not send again."""
    down = ProviderUnavailable("no painter is here", upstream_status=503)
    scene.provider.script["a"] = [down, ContentRejected("not this")]
    told = script(
        OPENAI
        + """
        const failed = [];
        for (const asked of [
          { model: "s/a" }, { model: "s/a" }, { model: "s/aa" }, { model: "s/a", n: 11 },
        ]) {
          const error = await client.images.generate({ prompt: "p", ...asked }).catch((e) => e);
          failed.push([error.constructor.name, error.status, error.code, error.param]);
        }
        console.log(JSON.stringify(failed));
        """,
        url,
        folder,
    )
    assert told == [
        ["InternalServerError", 503, "provider_overloaded", None],
        ["BadRequestError", 400, "content_policy_violation", None],
        ["NotFoundError", 404, "model_not_found", "model"],
        ["BadRequestError", 400, "invalid_request", "n"],
    ]
    assert scene.provider.script["a"] == []


def test_openai_streams_an_edit(url: str, folder: Path) -> None:
    """Bytes without a name are a picture too; the events are the client's own."""
    told = script(
        OPENAI
        + """
        const stream = await client.images.edit({
          model: "s/a", prompt: "p", image: await toFile(createReadStream(`${folder}/a.png`)), stream: true,
        });
        const types = [];
        for await (const event of stream) types.push([event.type, event.b64_json.slice(0, 8), event.size]);
        console.log(JSON.stringify(types));
        """,
        url,
        folder,
    )
    assert told == [["image_edit.completed", "iVBORw0K", "64x64"]]


def test_openai_lists_models(url: str, folder: Path) -> None:
    """The list, and one of it."""
    told = script(
        OPENAI
        + """
        const ids = [];
        for await (const model of client.models.list()) ids.push(model.id);
        const one = await client.models.retrieve("a-2026-01-01");
        console.log(JSON.stringify([ids, one.owned_by]));
        """,
        url,
        folder,
    )
    assert {"s/a", "a", "s/old"} <= set(told[0])
    assert told[1] == "s"


def test_ai_sdk_options_and_pictures(scene: Scene, url: str, folder: Path) -> None:
    """Options that the SDK hands on arrive; several pictures and a mask keep their places."""
    told = script(
        SDK
        + """
        const options = { pinxit: { quality: "low", fallbacks: ["s/b"], user: "u1" } };
        const one = await generateImage({
          model: compatible, prompt: "a fox", n: 2, size: "32x16", providerOptions: options,
        });
        const read = (name) => readFileSync(`${process.env.FOLDER}/${name}`);
        const two = await generateImage({
          model: openai,
          prompt: { text: "a hat", images: [read("a.png"), read("b.jpg")], mask: read("mask.png") },
          providerOptions: { openai: { quality: "high" } },
        });
        const pictures = [...one.images, ...two.images];
        console.log(JSON.stringify(pictures.map((p) => [p.mediaType, p.base64.slice(0, 8)])));
        """,
        url,
        folder,
    )
    assert told == [["image/png", "iVBORw0K"]] * 3
    _, generated = scene.provider.calls[-2]
    assert (generated.n, generated.size, generated.quality) == (2, "32x16", "low")
    assert (generated.user, [f.model for f in generated.fallbacks or ()]) == ("u1", ["s/b"])
    assert scene.request.prompt == "a hat"
    assert [image.format for image in scene.request.images] == ["png", "jpeg"]
    assert scene.request.mask.data == MASK
    assert scene.request.quality == "high"


def test_ai_sdk_errors(url: str, folder: Path) -> None:
    """The SDK finds our sentence in the answer, and sees that a second try would be in vain."""
    told = script(
        SDK
        + """
        const failed = [];
        for (const model of [openai, compatible]) {
          const error = await generateImage({ model, prompt: "p", size: "9x" }).catch((e) => e);
          failed.push([error.message, error.statusCode, error.isRetryable]);
        }
        console.log(JSON.stringify(failed));
        """,
        url,
        folder,
    )
    assert [failed[1:] for failed in told] == [[400, False]] * 2
    assert all(failed[0].startswith("size") for failed in told)
