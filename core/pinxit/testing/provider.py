"""The tests that every provider plugin should pass, ours included.

Inherit them, say what the plugin is and how its upstream answers, and pytest does the rest::

    class TestMine(ProviderTests):
        plugin = my_plugin
        settings = {"api_key": "a-key-that-opens-nothing"}
        rejection = (400, {"error": {"code": "content_policy_violation", "message": "no"}})

        def ok(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, json={"data": [{"b64_json": "..."}] * asked_n(request)})

What is tested follows from the capabilities that the plugin declares. Cases that are not about the plugin
do not exist in its class; a case that is wrong about it is overridden, or named in ``leave_out`` with a
comment that says why. Nothing leaves the machine: requests end in a stand-in.
"""

from __future__ import annotations

from .declarations import DeclarationTests
from .failure import FailureTests
from .service import ServiceTests
from .subjects import Subject
from .suite import KEY
from .trials import Trial

__all__ = ["KEY", "ProviderTests", "Subject", "Trial"]


class ProviderTests(DeclarationTests, ServiceTests, FailureTests):
    """What a provider plugin owes to those who use it.

    Attributes:
        plugin: The module, or the object, under test.
        ok: How the provider answers when all is well: JSON that answers everything alike, or a function of
            the request. A function heeds number, size and format as the provider does; with JSON the
            cases that need this do not exist. Without ``ok`` and ``asgi`` the plugin uses no network,
            and no case about HTTP exists.
        asgi: An ASGI application that stands in for the provider's server, instead of ``ok``. It heeds
            requests as a function does, and may check them besides.
        rejection: Status and JSON with which the provider refuses content.
        settings: The plugin's settings. What is declared secret must not show up anywhere.
        fields: Fields that every request has, such as a prompt that the stand-in understands.
        models: The only models whose operations are called, where a family has many that are alike.
        most_pixels: Sizes above this are not drawn, so that the suite stays quick.
        leave_out: Names of cases that are wrong about this plugin.
        trusted_hosts: Further hosts that may get the key, such as one that is polled.
    """
