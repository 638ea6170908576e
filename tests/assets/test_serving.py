"""A gateway's pictures: a real process, real sockets, and what strangers try."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

from pinxit.assets import Signer
from pinxit.gateway.keys import new_key
from pinxit.headers import inspect

SECRET = "a secret for tests of 32 or more characters"
KEY = new_key()

SERVE = """
import json, sys
from pinxit import Config
from pinxit.gateway.serving import serve
serve(Config.parse(json.loads(sys.argv[1])), port=0, on_ready=lambda url: print(url, flush=True))
"""


class Site(NamedTuple):
    """A running gateway: its URL, its folder, and a picture that it painted."""

    url: str
    folder: Path
    picture: str

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 0

    @property
    def parts(self) -> tuple[str, str]:
        """The token and the name of the picture."""
        _, token, name = urlsplit(self.picture).path.rsplit("/", 2)
        return token, name


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A gateway in a process of its own; its model, the illustrator, brings bytes and no URLs."""
    folder = tmp_path_factory.mktemp("assets")
    table = {
        "assets": {"folder": str(folder), "keys": [SECRET]},
        "gateway": {"keys": {"ann": KEY.hash}},
        "plugins": {"allow": ["illustrator"]},
    }
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, json.dumps(table)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        answer = paint(url)
        yield Site(url, folder, answer["data"][0]["url"])
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def paint(url: str, **fields: object) -> dict[str, list[dict[str, str]]]:
    """Have a picture painted and answered as a URL."""
    response = httpx.post(
        f"{url}/v1/images/generations",
        json={"prompt": "a fox", "size": "256x256", "response_format": "url", **fields},
        headers={"authorization": f"Bearer {KEY.key}"},
        timeout=60,
    )
    assert response.status_code == 200, response.text
    answer: dict[str, list[dict[str, str]]] = response.json()
    return answer


def get(site: Site, **headers: str) -> httpx.Response:
    return httpx.get(
        site.picture, headers={name.replace("_", "-"): v for name, v in headers.items()}
    )


# What clients get ---------------------------------------------------------------------------------


def test_url(site: Site) -> None:
    """A model that brings bytes is answered with a URL that anybody can fetch, without a key."""
    assert site.picture.startswith(f"{site.url}/assets/")
    assert site.picture.endswith(".png")
    response = get(site)
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/png"
    assert inspect(response.content).size == "256x256"


@pytest.mark.parametrize(
    ("format", "extension", "media_type"),
    [
        ("jpeg", ".jpg", "image/jpeg"),
        ("webp", ".webp", "image/webp"),
        ("svg", ".svg", "image/svg+xml"),
    ],
)
def test_formats(site: Site, format: str, extension: str, media_type: str) -> None:
    """URL and header agree with what was asked."""
    url = paint(site.url, output_format=format)["data"][0]["url"]
    assert url.endswith(extension)
    response = httpx.get(url)
    assert response.headers["content-type"] == media_type
    assert inspect(response.content).format == format


def test_safe_headers(site: Site) -> None:
    """Browsers show the picture, guess nothing about it, and may keep it as long as its URL works."""
    headers = get(site).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"] == f'inline; filename="{site.parts[1]}"'
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert "access-control-allow-origin" not in headers
    kind, seconds, _ = headers["cache-control"].split(", ")
    assert kind == "private"
    assert 86_000 < int(seconds.removeprefix("max-age=")) <= 86_400


def test_svg_is_locked_in(site: Site) -> None:
    """A drawing that is opened as a page of its own runs no script and asks nobody for anything."""
    response = httpx.get(paint(site.url, output_format="svg")["data"][0]["url"])
    policy = response.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none';")
    assert "content-security-policy" not in get(site).headers


def test_host_of_the_request(site: Site) -> None:
    """The URL names the host that the client itself has called."""
    localhost = site.url.replace("127.0.0.1", "localhost")
    assert paint(localhost)["data"][0]["url"].startswith(f"{localhost}/assets/")


def test_edit_by_url(site: Site) -> None:
    """A picture just painted can be edited by its URL, although nobody may fetch from this machine."""
    response = httpx.post(
        f"{site.url}/v1/images/edits",
        json={"prompt": "add a hat", "images": [{"image_url": site.picture}]},
        headers={"authorization": f"Bearer {KEY.key}"},
        timeout=60,
    )
    assert response.status_code == 200, response.text


# HTTP ---------------------------------------------------------------------------------------------


def test_head(site: Site) -> None:
    """HEAD says what GET would, without the picture."""
    head, full = httpx.head(site.picture), get(site)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "etag", "accept-ranges"):
        assert head.headers[name] == full.headers[name]


def test_not_modified(site: Site) -> None:
    """Who has the picture is told so; its tag is strong, for its name is the hash of its bytes."""
    etag = get(site).headers["etag"]
    assert etag == f'"{site.parts[1][:64]}"'
    for known in (etag, f'"x", {etag}', f"W/{etag}", "*"):
        response = get(site, if_none_match=known)
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == etag
    assert get(site, if_none_match='"other"').status_code == 200


@pytest.mark.parametrize(
    ("asked", "slice_"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=5-", slice(5, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=3-999999999", slice(3, None)),
        ("bytes=0-0", slice(0, 1)),
    ],
)
def test_range(site: Site, asked: str, slice_: slice) -> None:
    """A single range of bytes is answered with these bytes and where they lie."""
    whole = get(site).content
    response = get(site, range=asked)
    assert (response.status_code, response.content) == (206, whole[slice_])
    start, stop, _ = slice_.indices(len(whole))
    assert response.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(whole)}"


@pytest.mark.parametrize("asked", ["bytes=999999999-", "bytes=-0", "bytes=99999999-100000000"])
def test_range_outside(site: Site, asked: str) -> None:
    """A range that lies outside is refused with the size."""
    response = get(site, range=asked)
    assert response.status_code == 416
    assert response.headers["content-range"] == f"bytes */{len(get(site).content)}"


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-1,5-6", "bytes=9-2", "lines=0-1", "bytes=", "bytes=-", "bytes=a-b", "bytes=٣-"],
)
def test_range_ignored(site: Site, asked: str) -> None:
    """Several ranges, and what is no range, get the whole picture."""
    response = httpx.get(site.picture, headers=[(b"range", asked.encode())])
    assert (response.status_code, response.content) == (200, get(site).content)


def test_range_of_another_version(site: Site) -> None:
    """A range that is wanted only of another picture gets all of this one."""
    etag = get(site).headers["etag"]
    assert get(site, range="bytes=0-9", if_range=etag).status_code == 206
    assert get(site, range="bytes=0-9", if_range='"other"').status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods(site: Site, method: str) -> None:
    """Pictures can be read and nothing else."""
    response = httpx.request(method, site.picture)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD"
    assert get(site).status_code == 200


# Strangers ----------------------------------------------------------------------------------------


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Return status and code, having checked that the body is like that of any error."""
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert response.headers["content-type"] == "application/json"
    return response.status_code, error["code"]


def test_tampered(site: Site) -> None:
    """A URL that was changed anywhere opens nothing, not even the news whether a picture is there."""
    token, name = site.parts
    expires, key, tag, signature = token.split(".")
    later = str(int(expires) + 1)
    other = "0" * 64 + ".png"
    for bad_token, bad_name in [
        (f"{later}.{key}.{tag}.{signature}", name),
        (f"{expires}.00000000.{tag}.{signature}", name),
        (f"{expires}.{key}.000000000000.{signature}", name),
        (f"{expires}.{key}.{tag}.{signature[::-1]}", name),
        (f"{expires}.{key}.{tag}.", name),
        (token, other),
        (token, name.replace(".png", ".svg")),
        ("x", name),
    ]:
        response = httpx.get(f"{site.url}/assets/{bad_token}/{bad_name}")
        assert refusal(response) == (403, "invalid_signature")
    assert refusal(httpx.get(f"{site.url}/assets/{name}")) == (403, "invalid_signature")


def test_expired(site: Site) -> None:
    """A URL that has expired is refused like one that was changed, its picture being there or not."""
    signer, name = Signer([SECRET]), site.parts[1]
    for asked in (name, "0" * 64 + ".png"):
        url = f"{site.url}/assets/{signer.sign(asked, expires=1)}/{asked}"
        assert refusal(httpx.get(url)) == (403, "invalid_signature")


def test_gone(site: Site) -> None:
    """A good signature for a picture that has gone is a 404."""
    name = "0" * 64 + ".png"
    url = f"{site.url}/assets/{Signer([SECRET]).sign(name, expires=2**39)}/{name}"
    assert refusal(httpx.get(url)) == (404, "not_found")


def raw(site: Site, target: bytes) -> bytes:
    """Send a request line as it is, which no client would, and return the whole answer."""
    with socket.create_connection(site.address, timeout=10) as connection:
        connection.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    return answer


@pytest.mark.parametrize(
    "target",
    [
        b"/assets", b"/assets/", b"/assets//", b"/assets/key", b"/assets/{token}/", b"/assets/{token}/key",
        b"/assets/{token}/../key", b"/assets/{token}/..%2fkey", b"/assets/{token}/%2e%2e/key",
        b"/assets/../../../../etc/passwd", b"/assets/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        b"/assets/{token}//etc/passwd", b"/assets/{token}/..\\..\\key", b"/assets/{token}/{name}/../../key",
        b"/assets/{token}/{name}%00", b"/assets/{token}/{name}%0a", b"/assets/{token}/tmp",
        b"/assets/{token}/x/{name}", b"/v1/assets/{token}/{name}", b"/assets/{token}/%c0%ae%c0%ae/key",
    ],
)  # fmt: skip
def test_traversal(site: Site, target: bytes) -> None:
    """However a path is spelled, nothing but a picture's own name leads to a file."""
    (site.folder / "key").write_text("the secret in the folder")
    token, name = (part.encode() for part in site.parts)
    answer = raw(site, target.replace(b"{token}", token).replace(b"{name}", name))
    status = int(answer.split(b" ", 2)[1])
    assert status in {400, 401, 404}, answer
    assert b"root:" not in answer
    assert b"the secret" not in answer


@pytest.mark.skipif(os.name == "nt", reason="Windows lets few users make links")
def test_link_in_the_folder(site: Site) -> None:
    """A link under a picture's name leads nowhere, should somebody manage to lay one."""
    name = f"{'ab' * 32}.png"
    (site.folder / name).symlink_to("/etc/passwd")
    url = f"{site.url}/assets/{Signer([SECRET]).sign(name, expires=2**39)}/{name}"
    assert refusal(httpx.get(url)) == (404, "not_found")


def test_caller_is_not_named(site: Site) -> None:
    """A URL that is passed on does not tell whose key it was made with."""
    assert "ann" not in site.picture
    token = site.parts[0]
    mine = Signer([SECRET]).sign(site.parts[1], expires=int(token.split(".")[0]), caller="ann")
    assert mine == token
