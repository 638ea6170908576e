"""Pictures of ours that callers name by their URLs."""

from __future__ import annotations

from pinxit.payload import Fetch

from .asset import AssetStore
from .folder import FolderStore

__all__ = ["own_first"]


def own_first(store: AssetStore | None, fetch: Fetch) -> Fetch:
    """Return a way to download that takes what *store* keeps from there.

    A gateway's own URLs often name an address that the guarded fetcher never connects to; a picture just
    painted can be edited by its URL all the same.
    """
    if not isinstance(store, FolderStore):
        return fetch

    async def fetch_own(url: str) -> bytes:
        asset = await store.find(url)
        if asset is None:
            return await fetch(url)
        async with asset:
            return await asset.read()

    return fetch_own
