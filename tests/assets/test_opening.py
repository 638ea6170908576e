"""The ``[assets]`` table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pinxit import Config
from pinxit.assets import BucketStore, FolderStore, asset_name, open_store
from pinxit.errors import ConfigError
from pinxit.testing.pictures import picture

KEY = "0123456789abcdef0123456789abcdef"


def kept(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.*")}


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"folders": "x"}, r"\[assets\] folders: unknown name, did you mean 'folder'"),
        ({"folder": "x", "url": "s3://b"}, "two places; give one"),
        ({"ttl": 0}, r"\[assets\] ttl: Input should be greater"),
        ({"ttl": 7200, "max_age": 3600}, "ttl 7200 is longer than max_age 3600"),
        ({"max_bytes": 5}, r"\[assets\] max_bytes"),
        ({"keys": ["hunter2"]}, "number 1 has 7 characters; give at least 32"),
        ({"options": {"region": "x"}}, "options and public_endpoint are for buckets; give a url"),
        ({"url": "ftp://b"}, "'ftp://b' is no bucket; give an s3://, gs:// or az:// URL"),
        ({"url": "s3://b", "keys": [KEY]}, "keys is for folders"),
        ({"url": "s3://b", "ttl": 700_000}, "ttl 700000 is more than a bucket allows"),
        ({"url": "s3://b", "options": {"nope": "hunter2"}}, "'nope' is not valid for store 'S3'"),
    ],
)  # fmt: skip
def test_wrong_tables(table: dict[str, Any], sentence: str) -> None:
    """What is wrong is said in a sentence that names the field and shows no secret."""
    with pytest.raises(ConfigError, match=sentence) as caught:
        open_store(table)
    assert "hunter2" not in str(caught.value)
    assert KEY not in str(caught.value)


def test_folder_that_cannot_be(tmp_path: Path) -> None:
    """A configured folder is tried at the start, not after the first paid picture."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"pinxit.toml: \[assets\] folder '.*file/deep'"):
        open_store({"folder": str(tmp_path / "file" / "deep")}, where="pinxit.toml")


async def test_folder(tmp_path: Path) -> None:
    """A table with a folder opens that folder."""
    store = open_store({"folder": str(tmp_path / "a"), "keys": [KEY]}, base_url="http://h")
    assert isinstance(store, FolderStore)
    await store.put(picture(), "image/png")
    assert kept(tmp_path / "a") == {asset_name(picture(), "image/png")}


async def test_nothing_said(tmp_path: Path) -> None:
    """An empty table is a folder in the user's cache, made with the first picture."""
    store = open_store({}, cache=tmp_path)
    assert isinstance(store, FolderStore)
    assert kept(tmp_path) == set()
    await store.put(picture(), "image/png")
    assert kept(tmp_path / "pinxit" / "assets") == {asset_name(picture(), "image/png")}


def test_keeping_nothing(tmp_path: Path) -> None:
    """Who keeps nothing has no store, whatever else the table says, and no folder is made."""
    assert open_store({"keep": False}, cache=tmp_path) is None
    assert open_store({"keep": False, "folder": str(tmp_path / "a")}) is None
    assert kept(tmp_path) == set()


def test_bucket() -> None:
    """A table with a URL opens a bucket; nothing is asked of it yet."""
    options = {"access_key_id": "a", "secret_access_key": "hunter2", "region": "eu-west-1"}
    store = open_store({"url": "s3://b/prefix", "options": options})
    assert isinstance(store, BucketStore)
    assert "hunter2" not in repr(store)


def test_indirection() -> None:
    """Secrets may be named by their variables, in lists and in tables."""
    config = Config.parse(
        {
            "assets": {
                "keys": [{"env": "A"}, "x"],
                "options": {"secret": {"env": "B"}, "region": "r"},
            }
        },
        environ={"A": KEY, "B": "hunter2"},
    )
    assert config.asset_settings() == {
        "keys": [KEY, "x"],
        "options": {"secret": "hunter2", "region": "r"},
    }
    assert KEY not in repr(config)


def test_variable_that_is_not_set() -> None:
    """A variable that is missing is an error and not an absent setting."""
    config = Config.parse({"assets": {"options": {"secret": {"env": "NOWHERE"}}}})
    with pytest.raises(
        ConfigError, match=r"\[assets\] options.secret: the variable NOWHERE is not set"
    ):
        config.asset_settings()
