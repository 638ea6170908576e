"""A prompt as words: normalised, cut, and turned into English where it is in another language."""

import re
import unicodedata
from collections.abc import Iterator

from . import icons, lexicon, vocabulary

MOST = 600
"""Words looked at; what a prompt says after them changes little in a picture."""

BREAK = ","

_TOKEN = re.compile(r"[^\W_]+(?:['\u2019&-][^\W_]+)*|[.,;:!?()\[\]\n\u3001\u3002\uff0c]")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_LONGEST_UNSPACED = 7


def words(text: str) -> list[str]:
    """The words of a text in lower case, in English as far as known; `,` stands for a pause."""
    # Cut before it is normalised, which takes time with the length.
    plain = unicodedata.normalize("NFKC", text[:20_000]).lower().replace("\u2019", "'")
    tokens = [t if t[0].isalnum() else BREAK for t in _TOKEN.findall(plain)[:MOST]]
    if not is_foreign(tokens):
        return tokens
    return list(_english(tokens))


def is_foreign(tokens: list[str]) -> bool:
    """Whether a prompt seems to be in another language than English."""
    # Any letter beyond English is reason enough to look.
    if any(_UNSPACED.search(token) or not token.isascii() for token in tokens):
        return True
    marked = any(token in lexicon.marks() and token not in _SHARED for token in tokens)
    return marked and not all(_in_english(token) for token in tokens)


# Marks of other languages that are English words as well.
_SHARED = frozenset(("no", "do", "on", "i", "a", "in", "an", "de", "most", "die"))


def _in_english(token: str) -> bool:
    return token == BREAK or bool(
        vocabulary.meanings().get(token) or lexicon.named(token) or lexicon.guessed(token)
    )


def _english(tokens: list[str]) -> Iterator[str]:
    """Each phrase in English where a translation is known; small foreign words become pauses."""
    at = 0
    while at < len(tokens):
        for length in range(min(vocabulary.LONGEST, len(tokens) - at), 0, -1):
            phrase = " ".join(tokens[at : at + length])
            if english := _translated(phrase):
                yield from english.split()
                break
        else:
            length = 1
            yield from _single(tokens[at])
        at += length


def _translated(phrase: str) -> str | None:
    if _UNSPACED.search(phrase) or phrase in lexicon.marks() - set(lexicon.translations()):
        return None
    if (
        phrase in vocabulary.meanings()
        and phrase.isascii()
        and phrase not in lexicon.translations()
    ):
        return None
    return lexicon.translated(phrase)


def _single(token: str) -> Iterator[str]:
    if _UNSPACED.search(token):
        yield from _cut(token)
    elif token in lexicon.marks() and token not in _SHARED:
        yield BREAK
    else:
        yield token


def _cut(token: str) -> Iterator[str]:
    """Words in a script without blanks: always the longest one known."""
    at = 0
    while at < len(token):
        for length in range(min(_LONGEST_UNSPACED, len(token) - at), 0, -1):
            piece = token[at : at + length]
            if english := lexicon.translated(piece) if _worth(piece) else None:
                yield from english.split()
                at += length
                break
        else:
            yield BREAK
            at += 1


def _worth(piece: str) -> bool:
    # A single kana or letter is a particle; a single ideograph is a word.
    return len(piece) > 1 or bool(re.match(r"[\u3400-\u9fff\uac00-\ud7af]", piece))


def is_drawing(word: str) -> bool:
    """Whether a word is itself the name of a drawing."""
    return icons.known(word)
