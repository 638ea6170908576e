"""Pictures that callers name by URLs of ours, and answers whose URLs hold the pictures themselves."""

from __future__ import annotations

import asyncio
import logging

from pinxit.payload import Fetch, Image
from pinxit.types import ImagesResponse

from .asset import AssetStore
from .folder import FolderStore

__all__ = ["own_first", "with_urls"]

log = logging.getLogger("pinxit.assets")


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


async def with_urls(
    response: ImagesResponse, store: AssetStore | None, *, caller: str = ""
) -> ImagesResponse:
    """Give pictures with ``data:`` URLs real ones; a cache knows no others, since real ones expire."""
    if store is None or not any(_is_data(image) for image in response.data):
        return response
    images = [await _kept(image, store, caller) for image in response.data]
    return response.model_copy(update={"data": tuple(images)})


def _is_data(image: Image) -> bool:
    return image.url is not None and image.url.startswith("data:")


async def _kept(image: Image, store: AssetStore, caller: str) -> Image:
    if not _is_data(image):
        return image
    data = await asyncio.to_thread(lambda: image.data)
    try:
        return image.replace(url=await store.put(data, image.media_type, caller=caller))
    # It is paid for: a data: URL is better than an error.
    except OSError as error:
        log.warning("a picture could not be kept: %s", error)
        return image
