"""docs/assets.md against `pinxit.assets`."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pages import block, page
from pinxit import Config
from pinxit.assets import AssetSettings, AssetStore, BucketStore, FolderStore, Signer, open_store
from pinxit.gateway.settings import read_settings
from pinxit.testing.pictures import picture

PAGE = "assets.md"
KEYS = {"ASSET_KEY": "k" * 32, "S3_KEY": "a", "S3_SECRET": "b"}


def configured(section: str) -> Config:
    table = tomllib.loads(block(PAGE, "toml", section).text)
    return Config.parse(table, environ=KEYS)


def test_the_folder_opens(tmp_path: Path) -> None:
    """The page's folder has all settings of folders, with the defaults where it shows them."""
    config = configured("In a folder")
    settings = {**config.asset_settings(), "folder": str(tmp_path)}
    assert isinstance(open_store(settings), FolderStore)
    shown = AssetSettings.model_validate(settings)
    default = AssetSettings()
    for name in ("ttl", "max_age", "max_bytes"):
        assert getattr(shown, name) == getattr(default, name)
    assert read_settings(config).public_url == "https://pictures.example"


def test_the_bucket_opens() -> None:
    """The page's bucket has settings that the cloud's library takes."""
    assert isinstance(open_store(configured("In a bucket").asset_settings()), BucketStore)


async def test_the_url_is_as_drawn(tmp_path: Path) -> None:
    """A URL has the parts that the page's drawing names, in that order."""
    drawn = re.search(r"https://pictures\.example/assets/(\S+)", page(PAGE))
    assert drawn is not None
    store = FolderStore(tmp_path, base_url="https://pictures.example", keys=["k" * 32])
    url = await store.put(picture(), "image/png")
    token, name = url.removeprefix("https://pictures.example/assets/").split("/")
    assert drawn[1].count(".") == f"{token}/{name}".count(".")
    assert int(token.split(".")[0]) == Signer.expiry(token)


async def test_the_store_of_the_page() -> None:
    """The page's class has the methods that a store must have."""
    names: dict[str, Any] = block(PAGE, "python", "Without a gateway").run()
    shelf: AssetStore = names["Shelf"]()
    assert await shelf.put(b"", "image/png", caller="ann") is None
    assert await shelf.get("") is None


@pytest.mark.parametrize("limit", [7 * 86_400 + 1])
def test_presigned_urls_end_after_a_week(limit: int) -> None:
    """A bucket's URLs work for seven days at most."""
    table = {**configured("In a bucket").asset_settings(), "ttl": limit}
    with pytest.raises(ValueError, match="more than a bucket allows"):
        AssetSettings.model_validate(table)
