"""API keys of callers."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinxit import Config, ConfigError
from pinxit.gateway.errors import BadMessage
from pinxit.gateway.keys import authenticate, check_hash, hash_key, new_key
from pinxit.gateway.settings import GatewaySettings, read_settings

KEYS = {"ann": hash_key("k-ann"), "bob": hash_key("k-bob")}

Headers = list[tuple[bytes, bytes]]


def test_a_new_key_opens_what_its_entry_locks() -> None:
    """What is shown once and what is stored belong together, and no two keys are alike."""
    made = new_key()
    assert (
        authenticate([(b"authorization", b"Bearer " + made.key.encode())], {"me": made.hash})
        == "me"
    )
    assert made.key != new_key().key
    assert made.key not in made.hash
    assert made.key not in repr(made)
    assert len(made.key) >= 64


def test_keys_are_made_of_the_given_randomness() -> None:
    """32 bytes of it, which nobody guesses."""
    made = new_key(lambda count: bytes(range(count)))
    assert made.key == f"pinxit_{bytes(range(32)).hex()}"
    assert made.hash == f"sha256:{hashlib.sha256(made.key.encode()).hexdigest()}"


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", b"Bearer k-bob")],
        [(b"Authorization", b"bearer   k-bob  ")],
        [(b"x-api-key", b"k-bob")],
        [(b"api-key", b"k-bob")],
        [(b"authorization", b"Basic dTpw"), (b"x-api-key", b"k-bob")],
        [(b"authorization", b"Bearer sk-of-openai"), (b"api-key", b"k-bob")],
    ],
)
def test_where_a_key_may_be(headers: Headers) -> None:
    """Clients send keys in three headers; one that is ours is enough."""
    assert authenticate(headers, KEYS) == "bob"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"")],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer ")],
        [(b"authorization", b"k-bob")],
        [(b"authorization", b"Basic azpi")],
        [(b"cookie", b"key=k-bob")],
        [(b"x-api-key", b" \t ")],
    ],
)
def test_no_key(headers: Headers) -> None:
    """401, with how to send one."""
    with pytest.raises(BadMessage, match="Authorization: Bearer") as caught:
        authenticate(headers, KEYS)
    assert (caught.value.status, caught.value.code) == (401, "authentication_required")
    assert (b"www-authenticate", b"Bearer") in caught.value.headers


@pytest.mark.parametrize(
    "key", [b"k-bo", b"k-bob2", b"K-BOB", b"\xff\xfe", b"\0", b"x" * 100_000, hash_key("k-bob").encode(),
            b"ann"]
)  # fmt: skip
def test_wrong_keys(key: bytes) -> None:
    """Of whatever shape they are, the answer is 401 and shows nothing of them."""
    with pytest.raises(BadMessage) as caught:
        authenticate([(b"authorization", b"Bearer " + key)], KEYS)
    assert (caught.value.status, caught.value.code) == (401, "invalid_api_key")
    assert len(str(caught.value)) < 200


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"authorization", b"x-api-key", b"host"]), st.binary(max_size=40)
        ),
        max_size=4,
    )
)
def test_no_credentials_of_any_shape_are_an_accident(headers: Headers) -> None:
    """Nothing but a key opens, and nothing but 401 closes."""
    with pytest.raises(BadMessage) as caught:
        authenticate(headers, KEYS)
    assert caught.value.status == 401


def test_without_keys_everybody_may_call() -> None:
    """On one's own machine no key is needed, and a client's placeholder does no harm."""
    assert authenticate([(b"authorization", b"Bearer sk-nobody")], {}) == ""


@pytest.mark.parametrize(
    "stored",
    ["k-ann", "", "sha256:", f"sha256:{'g' * 64}", f"md5:{'0' * 64}", f"sha256:{'0' * 65}"],
)
def test_what_is_stored_must_be_a_digest(stored: str) -> None:
    """A key in plain text is a mistake that start-up tells, without repeating it."""
    assert check_hash(stored)
    with pytest.raises(ConfigError, match=r"\[gateway.keys\] ann: .*pinxit keys new") as caught:
        read_settings(Config(gateway={"keys": {"ann": stored}}))
    assert len(stored) < 8 or stored not in str(caught.value)


def test_settings_come_from_the_table() -> None:
    """Names and values are checked when the gateway starts."""
    settings = read_settings(Config.parse({"gateway": {"max_body": 5000, "keys": KEYS}}))
    assert (settings.max_body, settings.keys) == (5000, KEYS)
    assert "sha256" not in repr(settings)
    assert read_settings(Config()) == GatewaySettings()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"max_bdoy": 1}, r"\[gateway\] max_bdoy: unknown name, did you mean 'max_body'\?"),
        ({"max_body": 0}, r"\[gateway\] max_body: Input should be greater"),
        ({"port": 70000}, r"\[gateway\] port: "),
        ({"keys": ["x"]}, r"\[gateway\] keys: "),
    ],
)
def test_wrong_settings_stop_the_start(table: dict[str, object], message: str) -> None:
    """The sentence has the place and the fix."""
    with pytest.raises(ConfigError, match=message):
        read_settings(Config(gateway=table))
