"""Signatures of URLs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinxit.assets import Signer

OLD, NEW = "old-" * 8, "new-" * 8
NAME = f"{'ab' * 32}.png"


def test_opens_until_it_expires() -> None:
    """A token opens its asset until the second before its expiry."""
    token = Signer([NEW]).sign(NAME, expires=1000)
    assert Signer([NEW]).verify(token, NAME, now=999.9)
    assert not Signer([NEW]).verify(token, NAME, now=1000)


def test_opens_nothing_else() -> None:
    """A token is for one asset."""
    token = Signer([NEW]).sign(NAME, expires=1000)
    assert not Signer([NEW]).verify(token, f"{'cd' * 32}.png", now=0)
    assert not Signer([NEW]).verify(token, NAME.replace("png", "svg"), now=0)


def test_every_character_counts() -> None:
    """No character of a token can be changed: neither expiry, nor key, nor caller, nor signature."""
    signer = Signer([NEW])
    token = signer.sign(NAME, expires=1000, caller="ann")
    for at, was in enumerate(token):
        for other in {"0", "9", "a", "."} - {was}:
            assert not signer.verify(token[:at] + other + token[at + 1 :], NAME, now=0)


@given(st.text(max_size=90))
def test_any_text_is_refused(token: str) -> None:
    """Whatever stands for a token is refused and breaks nothing."""
    assert not Signer([NEW]).verify(token, NAME, now=0)


def test_digits_of_other_scripts() -> None:
    """Digits that are no ASCII are no digits here."""
    token = Signer([NEW]).sign(NAME, expires=1000)
    assert not Signer([NEW]).verify(token.replace("1", "\u0661"), NAME, now=0)


def test_rotation() -> None:
    """A new key in front signs, and what the old one signed still opens until that key is taken out."""
    before = Signer([OLD]).sign(NAME, expires=1000)
    both = Signer([NEW, OLD])
    after = both.sign(NAME, expires=1000)
    assert both.verify(before, NAME, now=0)
    assert not Signer([OLD]).verify(after, NAME, now=0)
    assert Signer([NEW]).verify(after, NAME, now=0)
    assert not Signer([NEW]).verify(before, NAME, now=0)


def test_callers_differ_and_are_not_named() -> None:
    """URLs of two callers differ, the same caller's are the same, and no name can be read in them."""
    signer = Signer([NEW])
    ann, bob = (signer.sign(NAME, expires=1000, caller=name) for name in ("ann", "bob"))
    assert ann != bob
    assert ann == signer.sign(NAME, expires=1000, caller="ann")
    assert ann.split(".")[2] != Signer([OLD]).sign(NAME, expires=1000, caller="ann").split(".")[2]


def test_weak_keys() -> None:
    """A key that could be guessed is refused without being shown."""
    with pytest.raises(ValueError, match="number 2 has 6 characters") as caught:
        Signer([NEW, "secret"])
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match="there is none"):
        Signer([])


def test_repr_hides_keys() -> None:
    """A signer in a log shows no key."""
    assert NEW not in repr(Signer([NEW]))
