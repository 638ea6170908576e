"""OpenAI's client for Python: paint, change, watch it being painted."""

import base64
import os
from pathlib import Path

import openai

client = openai.OpenAI(
    base_url=os.environ.get("PINXIT_URL", "http://127.0.0.1:8000") + "/v1",
    api_key=os.environ.get("PINXIT_KEY", "none"),
)
MODEL = "illustrator/scene-1"


def save(name: str, text: str) -> None:
    Path(name).write_bytes(base64.b64decode(text))
    print(name)


answer = client.images.generate(
    model=MODEL,
    prompt="a red fox in the snow",
    size="512x512",
    extra_body={"fallbacks": [{"model": MODEL}], "retry": {"count": 2}},  # what OpenAI's API lacks
)
save("fox.png", answer.data[0].b64_json)

answer = client.images.edit(model=MODEL, prompt="add a hat", image=Path("fox.png"), size="512x512")
save("fox-with-hat.png", answer.data[0].b64_json)

answer = client.images.create_variation(
    model=MODEL, image=Path("fox.png"), size="256x256", response_format="b64_json"
)
save("another-fox.png", answer.data[0].b64_json)

for event in client.images.generate(
    model=MODEL, prompt="a harbour at dawn", size="512x512", stream=True, partial_images=2
):
    if event.type == "image_generation.partial_image":
        save(f"harbour-{event.partial_image_index}.png", event.b64_json)
    else:
        save("harbour.png", event.b64_json)
