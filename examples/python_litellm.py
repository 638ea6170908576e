"""LiteLLM, as for any server that speaks OpenAI's API: `openai/` and the model's id."""

import base64
import os
from pathlib import Path

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # no download of prices at start

import litellm

gateway = {
    "model": "openai/illustrator/scene-1",
    "api_base": os.environ.get("PINXIT_URL", "http://127.0.0.1:8000") + "/v1",
    "api_key": os.environ.get("PINXIT_KEY", "none"),
}


def save(name: str, answer: litellm.ImageResponse) -> None:
    Path(name).write_bytes(base64.b64decode(answer.data[0].b64_json))


save("fox.png", litellm.image_generation("a red fox in the snow", size="512x512", **gateway))
with Path("fox.png").open("rb") as fox:
    save(
        "fox-with-hat.png",
        litellm.image_edit(image=[fox], prompt="add a hat", size="512x512", **gateway),
    )
with Path("fox.png").open("rb") as fox:
    # LiteLLM sends the picture and nothing else: the gateway's default model paints.
    save("another-fox.png", litellm.image_variation(image=fox, **gateway))
