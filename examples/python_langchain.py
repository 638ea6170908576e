"""LangChain's wrapper for DALL·E. It asks for nothing but `dall-e-*`'s defaults and reads a URL."""

import os
from pathlib import Path

import httpx
from langchain_community.utilities.dalle_image_generator import DallEAPIWrapper

painter = DallEAPIWrapper(
    model="dall-e-3",  # a route in pinxit.toml says who paints for it
    base_url=os.environ.get("PINXIT_URL", "http://127.0.0.1:8000") + "/v1",
    api_key=os.environ.get("PINXIT_KEY", "none"),
    size="1024x1024",
    quality="hd",
)
url = painter.run("a red fox in the snow")
Path("fox.png").write_bytes(httpx.get(url).raise_for_status().content)
