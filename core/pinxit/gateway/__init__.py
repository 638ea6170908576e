"""The HTTP gateway: OpenAI's Images API, with routing, in front of a `pinxit.Router`.

Needs the extra ``gateway``: ``pip install 'pinxit[gateway]'``.
"""

from .app import Gateway, create_app
from .settings import GatewaySettings

__all__ = ["Gateway", "GatewaySettings", "create_app"]
