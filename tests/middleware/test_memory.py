"""`pinxit.middleware.memory`: room is limited, and the least wanted goes first."""

from __future__ import annotations

from pinxit.middleware.memory import MemoryStore


async def put(store: MemoryStore, key: str, size: int) -> None:
    await store.put(key, key.encode() * size, now=0, expires=60)


async def kept(store: MemoryStore, keys: str) -> str:
    return "".join([key for key in keys if await store.get(key) is not None])


async def test_an_entry_comes_back() -> None:
    """What was put is got; what was not is not."""
    store = MemoryStore(100)
    await put(store, "a", 10)
    assert await store.get("a") == b"a" * 10
    assert await store.get("b") is None


async def test_the_one_that_nobody_asked_for_the_longest_goes_first() -> None:
    """Reading an entry saves it when room is needed."""
    store = MemoryStore(30)
    for key in "abc":
        await put(store, key, 10)
    await store.get("a")
    await put(store, "d", 10)
    assert await kept(store, "abcd") == "acd"


async def test_as_many_go_as_room_is_needed() -> None:
    """A large entry drives out several small ones, and bytes never exceed the limit."""
    store = MemoryStore(30)
    for key in "abc":
        await put(store, key, 10)
    await put(store, "d", 15)
    assert await kept(store, "abcd") == "cd"
    assert store.used == 25


async def test_what_does_not_fit_at_all_drives_nothing_out() -> None:
    """An entry larger than the store is not kept; the others stay, and an older one of its key goes."""
    store = MemoryStore(30)
    await put(store, "a", 10)
    await put(store, "b", 10)
    await put(store, "a", 31)
    assert await kept(store, "ab") == "b"
    assert store.used == 10


async def test_an_entry_takes_the_place_of_an_older_one() -> None:
    """The same key counts once."""
    store = MemoryStore(30)
    await put(store, "a", 20)
    await put(store, "a", 25)
    assert await store.get("a") == b"a" * 25
    assert store.used == 25
