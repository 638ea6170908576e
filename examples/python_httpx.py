"""No client library at all: JSON for what is new, a form for what is changed."""

import base64
import os
from pathlib import Path

import httpx

http = httpx.Client(
    base_url=os.environ.get("PINXIT_URL", "http://127.0.0.1:8000"),
    headers={"Authorization": f"Bearer {os.environ.get('PINXIT_KEY', 'none')}"},
    timeout=300,  # pictures take longer than httpx's five seconds
)
MODEL = "illustrator/scene-1"

answer = http.post(
    "/v1/images/generations",
    json={
        "model": MODEL,
        "prompt": "a red fox in the snow",
        "size": "512x512",
        "fallbacks": [MODEL],
        "retry": {"count": 2},
    },
).raise_for_status()
fox = base64.b64decode(answer.json()["data"][0]["b64_json"])
Path("fox.png").write_bytes(fox)
print("painted by", answer.json()["pinxit"]["model"])

answer = http.post(
    "/v1/images/edits",
    data={"model": MODEL, "prompt": "add a hat", "size": "512x512", "response_format": "url"},
    files={"image": ("fox.png", fox)},
).raise_for_status()
hat = httpx.get(answer.json()["data"][0]["url"]).raise_for_status()  # needs no key
Path("fox-with-hat.png").write_bytes(hat.content)
