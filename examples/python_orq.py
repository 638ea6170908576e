"""Orq's client for Python: paint with fallbacks, change."""

import base64
import os
from pathlib import Path

from orq_ai_sdk import Orq

MODEL = "illustrator/scene-1"

with Orq(
    server_url=os.environ.get("PINXIT_URL", "http://127.0.0.1:8000"),
    api_key=os.environ.get("PINXIT_KEY", "none"),
) as orq:
    images = orq.router.images
    answer = images.generations.create(
        model=MODEL,
        prompt="a red fox in the snow",
        size="512x512",
        fallbacks=[{"model": MODEL}],
        retry={"count": 2, "on_codes": [429, 503]},
    )
    fox = base64.b64decode(answer.data[0].b64_json)
    Path("fox.png").write_bytes(fox)

    answer = images.edits.create(
        model=MODEL,
        prompt="add a hat",
        image={"file_name": "fox.png", "content": fox, "content_type": "image/png"},
        size="512x512",
        response_format="b64_json",
        fallbacks=[{"model": MODEL}],
    )
    Path("fox-with-hat.png").write_bytes(base64.b64decode(answer.data[0].b64_json))

    answer = images.variations.create(
        model=MODEL,
        image={"file_name": "fox.png", "content": fox},
        size="256x256",
        response_format="b64_json",
    )
    Path("another-fox.png").write_bytes(base64.b64decode(answer.data[0].b64_json))
