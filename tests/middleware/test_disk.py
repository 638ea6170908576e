"""`pinxit.middleware.disk`: whole files or none, for a while, within limits."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from pinxit.middleware.disk import DiskStore
from pinxit.middleware.stores import StoreFailed

KEYS = [letter * 64 for letter in "abcd"]


async def kept(store: DiskStore) -> str:
    return "".join([key[0] for key in KEYS if await store.get(key) is not None])


async def test_entries_outlive_the_store(tmp_path: Path) -> None:
    """Another store over the same folder finds what the first one kept."""
    await DiskStore(tmp_path / "new" / "folder", 100).put(KEYS[0], b"entry", now=0, expires=60)
    again = DiskStore(tmp_path / "new" / "folder", 100)
    assert await again.get(KEYS[0]) == b"entry"
    assert await again.get(KEYS[1]) is None


async def test_nobody_else_may_read_them(tmp_path: Path) -> None:
    """Folder and files are this user's alone: prompts can be guessed by pictures."""
    await DiskStore(tmp_path / "cache", 100).put(KEYS[0], b"entry", now=0, expires=60)
    modes = [path.stat().st_mode for path in (tmp_path / "cache", tmp_path / "cache" / KEYS[0])]
    assert [stat.S_IMODE(mode) for mode in modes] == [0o700, 0o600]


async def test_expired_entries_are_swept_away(tmp_path: Path) -> None:
    """Each new entry takes away those whose time is over."""
    store = DiskStore(tmp_path, 1000)
    await store.put(KEYS[0], b"entry", now=1000, expires=1060)
    await store.put(KEYS[1], b"entry", now=1059, expires=1200)
    assert await kept(store) == "ab"
    await store.put(KEYS[2], b"entry", now=1060, expires=1200)
    assert await kept(store) == "bc"


async def test_the_first_to_expire_makes_room(tmp_path: Path) -> None:
    """Bytes never exceed the limit."""
    store = DiskStore(tmp_path, 25)
    await store.put(KEYS[0], b"x" * 10, now=0, expires=300)
    await store.put(KEYS[1], b"x" * 10, now=0, expires=100)
    await store.put(KEYS[2], b"x" * 10, now=0, expires=200)
    assert await kept(store) == "ac"


async def test_what_does_not_fit_at_all_is_not_kept(tmp_path: Path) -> None:
    """An entry larger than the limit drives nothing out."""
    store = DiskStore(tmp_path, 25)
    await store.put(KEYS[0], b"x" * 10, now=0, expires=300)
    await store.put(KEYS[1], b"x" * 26, now=0, expires=300)
    assert await kept(store) == "a"


async def test_a_killed_process_leaves_nothing_for_long(tmp_path: Path) -> None:
    """Unfinished files are not entries, may still be written by others, and go after an hour."""
    store = DiskStore(tmp_path, 1000)
    unfinished = tmp_path / "tmp123.part"
    unfinished.write_bytes(b"half")
    os.utime(unfinished, (10_000, 10_000))
    await store.put(KEYS[0], b"entry", now=10_000, expires=20_000)
    assert unfinished.exists()
    await store.put(KEYS[1], b"entry", now=13_601, expires=20_000)
    assert not unfinished.exists()
    assert await kept(store) == "ab"


async def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    """Where a file cannot be moved into place, the store fails and its unfinished file is gone."""
    (tmp_path / KEYS[0] / "in the way").mkdir(parents=True)
    store = DiskStore(tmp_path, 1000)
    with pytest.raises(StoreFailed):
        await store.put(KEYS[0], b"entry", now=0, expires=60)
    with pytest.raises(StoreFailed):
        await store.get(KEYS[0])
    assert os.listdir(tmp_path) == [KEYS[0]]  # noqa: PTH208 - the test waits for nothing


async def test_a_folder_that_cannot_be_made_is_a_failure_of_the_store(tmp_path: Path) -> None:
    """A file where the folder should be makes writing fail in the store's own words."""
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(StoreFailed):
        await DiskStore(tmp_path / "taken", 100).put(KEYS[0], b"entry", now=0, expires=60)
