"""Prompts become ideas."""

import pytest

from pinxit_providers.illustrator.ideas import Idea, Relation
from pinxit_providers.illustrator.parsing import parse


def names(idea: Idea) -> list[str]:
    return [subject.name for subject in idea.subjects]


def test_subject_place_and_time() -> None:
    """Subject, place and time of a plain prompt are told apart."""
    idea = parse("a red fox in the snow at night")
    assert (names(idea), idea.place, idea.time) == (["fox"], "snow", "night")


@pytest.mark.parametrize(
    ("prompt", "name", "count"),
    [
        ("three cats", "cat", 3),
        ("a pair of penguins", "penguin", 2),
        ("dogs in a park", "dog", 3),
        ("a single wolf", "wolf", 1),
        ("two mice", "mouse", 2),
    ],
)
def test_count(prompt: str, name: str, count: int) -> None:
    """A count comes from a number word or from a plural."""
    (subject,) = parse(prompt).subjects
    assert (subject.name, subject.count) == (name, count)


def test_colour_goes_to_its_noun() -> None:
    """Each subject gets the colour that stands before it, and no other."""
    car, dog, tree = parse("a blue car and a green dog beside a tree").subjects
    assert car.colour == "#2b6cff"
    assert dog.colour == "#2f9e44"
    assert tree.colour is None


def test_colour_of_the_place() -> None:
    """The colour of a background is the place's, not the subject's."""
    idea = parse("a strawberry on a pink background")
    assert idea.tint == "#ff6fae"
    assert idea.subjects[0].colour is None


def test_size() -> None:
    """Size words scale the next subject."""
    giant, mouse = parse("a giant cat and a tiny mouse").subjects
    assert giant.scale > 1 > mouse.scale


@pytest.mark.parametrize(
    ("prompt", "tie"),
    [
        ("an astronaut riding a horse", "on"),
        ("a panda wearing a top hat", "wear"),
        ("a robot holding a rose", "hold"),
        ("a cat in a basket", "in"),
        ("an owl flying over a castle", "above"),
        ("a dog next to a cat", "beside"),
        ("a rabbit under a table with a lamp", "under"),
    ],
)
def test_relation(prompt: str, tie: str) -> None:
    """A relation ties the subject before it to the one after it."""
    idea = parse(prompt)
    if tie == "under":  # a table is the place here, so there is nobody to be under
        assert idea.place == "table"
    else:
        assert idea.relations[0] == Relation(tie, 0, 1)  # type: ignore[arg-type]  # parametrized text


def test_who_holds_also_sits() -> None:
    """A later phrase speaks of the person, not of what the person holds."""
    idea = parse("an old man reading a newspaper on a park bench")
    assert names(idea) == ["old-man", "newspaper", "bench"]
    assert idea.relations == (Relation("hold", 0, 1), Relation("on", 0, 2))


def test_last_noun_is_meant() -> None:
    """Of two nouns in a row the first only describes the second."""
    assert names(parse("a dragon castle")) == ["castle"]


def test_longest_phrase_wins() -> None:
    """A hot air balloon is neither hot nor air nor a party balloon."""
    assert names(parse("a hot air balloon over the hills")) == ["hot-air-balloon"]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("ein blauer Elefant im Wald", ("elephant", "forest")),
        ("un chat noir sur le toit", ("black-cat", "skyline")),
        ("una bicicleta verde en la ciudad", ("bicycle", "city")),
        ("雪の中の狐", ("fox", "snow")),
        ("лиса в лесу", ("fox", "forest")),
        ("海边的灯塔", ("lighthouse", "sea")),
    ],
)
def test_other_languages(prompt: str, expected: tuple[str, str]) -> None:
    """Prompts in other languages are understood."""
    idea = parse(prompt)
    assert (names(idea)[0], idea.place) == expected


def test_english_is_not_taken_for_another_language() -> None:
    """Small English words that other languages share do not confuse."""
    assert names(parse("a man on a horse, no do or die")) == ["man", "horse"]


@pytest.mark.parametrize(
    ("prompt", "framing"),
    [
        ("portrait of an old man", "portrait"),
        ("logo of a coffee shop", "logo"),
        ("a product photo of a red sneaker on white background", "product"),
        ("abstract geometric shapes", "abstract"),
        ("a birthday cake", "scene"),
    ],
)
def test_framing(prompt: str, framing: str) -> None:
    """What kind of picture is wanted is told from the prompt."""
    assert parse(prompt).framing == framing


@pytest.mark.parametrize(
    ("prompt", "style"),
    [("a fox, watercolor", "watercolor"), ("pixel art of a castle", "pixel"), ("a fox", None)],
)
def test_style(prompt: str, style: str | None) -> None:
    """A manner of painting is recognised."""
    assert parse(prompt).style == style


def test_negative_prompt_removes() -> None:
    """A negative prompt takes away subjects, weather and place."""
    idea = parse("a fox and a cat in the rainy forest", "cat, rain")
    assert names(idea) == ["fox"]
    assert "rain" not in idea.weather
    assert idea.place == "forest"


def test_negation_in_the_prompt() -> None:
    """What a prompt says is not there is not drawn."""
    assert names(parse("a street without cars")) == []


def test_unknown_words_are_guessed() -> None:
    """A noun that is no emoji's name gets the drawing nearest in meaning."""
    assert names(parse("a submarine and a wolfhound")) == ["submarine", "wolf"]


def test_nothing_understood() -> None:
    """A prompt without a known word gives an empty idea."""
    assert parse("qwxz").empty


def test_long_prompt_keeps_its_first_subjects() -> None:
    """Of a very long prompt the first few subjects are drawn."""
    idea = parse("a fox and a cat, highly detailed, " * 2000)
    assert names(idea) == ["fox", "cat"]
