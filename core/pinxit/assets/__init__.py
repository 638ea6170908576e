"""Where pictures are kept so that a URL can be given: a folder of our own, or a bucket."""

from .asking import own_first, with_urls
from .asset import Asset, AssetStore, asset_name, is_asset_name, media_type_of
from .bucket import BucketStore
from .folder import FolderStore
from .opening import AssetSettings, open_store
from .signing import Signer

__all__ = [
    "Asset",
    "AssetSettings",
    "AssetStore",
    "BucketStore",
    "FolderStore",
    "Signer",
    "asset_name",
    "is_asset_name",
    "media_type_of",
    "open_store",
    "own_first",
    "with_urls",
]
