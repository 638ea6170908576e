"""Who stands where: bodies, clusters and their places in the frame."""

from random import Random

import pytest

from pinxit_providers.illustrator import animals, icons, lexicon, people, vocabulary
from pinxit_providers.illustrator.arranging import Frame, arrange
from pinxit_providers.illustrator.colours import mix, recoloured, rgb
from pinxit_providers.illustrator.composing import Cluster, clusters
from pinxit_providers.illustrator.painting import Commission, paint
from pinxit_providers.illustrator.parsing import parse
from pinxit_providers.illustrator.scenes import Scene, dice

FRAMES = [(1024, 1024), (2048, 512), (512, 2048)]


def composed(prompt: str, place: str = "meadow") -> list[Cluster]:
    return clusters(parse(prompt), place)


def test_rider_sits_on_the_mount() -> None:
    """A rider is one with the mount, above it and not beside it."""
    (cluster,) = composed("an astronaut riding a horse")
    horse, rider = cluster.pieces
    assert rider.box[1] < horse.box[1]
    assert horse.box[0] < (rider.box[0] + rider.box[2]) / 2 < horse.box[2]


def test_hat_sits_on_the_head() -> None:
    """A hat's middle is over the head, and its brim touches it."""
    (cluster,) = composed("a panda wearing a top hat")
    panda, hat = cluster.pieces
    assert hat.box[1] < panda.box[1] < hat.box[3]
    assert (hat.box[0] + hat.box[2]) / 2 == pytest.approx(panda.at(panda.sprite.crown)[0], abs=0.01)


def test_a_hat_does_not_shrink_its_wearer() -> None:
    """The stature of a cluster is that of the body."""
    (bare,), (hatted,) = composed("a panda"), composed("a panda wearing a top hat")
    assert hatted.stature == pytest.approx(bare.stature)
    assert hatted.height > bare.height


def test_thing_in_hand_is_small() -> None:
    """What is held is narrower than who holds it."""
    (cluster,) = composed("a robot holding a guitar")
    robot, guitar = cluster.pieces
    assert guitar.box[2] - guitar.box[0] < robot.box[2] - robot.box[0]


def test_a_horse_is_not_held() -> None:
    """What is too large to be held stands beside."""
    assert len(composed("a man with a horse")) == 2


def test_clothes_are_worn_not_shown() -> None:
    """A dress colours the figure and is no thing of its own."""
    (cluster,) = composed("a woman wearing a green dress")
    assert len(cluster.pieces) == 1
    assert "#2f9e44" in cluster.pieces[0].sprite.body


def test_who_is_inside_is_behind_the_rim() -> None:
    """A cat in a basket is drawn before the basket."""
    (cluster,) = composed("a cat in a basket")
    cat, basket = cluster.pieces
    assert cat.box[3] < basket.box[3]


@pytest.mark.parametrize(
    ("prompt", "place", "manner"),
    [("a bird", "meadow", "fly"), ("a sailboat", "sea", "float"), ("a fish", "underwater", "swim"),
     ("a fox", "snow", "ground"), ("a fox", "space", "fly"), ("a dragon over a village", "hills", "fly"),
     ("a train over a bridge", "hills", "ground")],
)  # fmt: skip
def test_manner(prompt: str, place: str, manner: str) -> None:
    """Things move as they do where they are."""
    assert composed(prompt, place)[0].manner == manner


@pytest.mark.parametrize("size", FRAMES)
@pytest.mark.parametrize(
    "prompt",
    ["a fox", "a giraffe wearing a top hat", "six sheep", "a mouse and a castle", "two dragons over a city",
     "a car", "a robot, a cat, a dog and a tree", "nine birds"],
)  # fmt: skip
def test_everything_is_in_the_frame(prompt: str, size: tuple[int, int]) -> None:
    """The middle of every figure lies on the canvas, whatever its shape, and most of its height."""
    width, height = size
    frame = Frame(width, height, 0.6 * height)
    for figure in arrange(composed(prompt), frame, Random(4)):
        assert 0 <= figure.x <= width
        assert figure.y <= 1.05 * height
        assert figure.y - figure.cluster.height * figure.scale >= -0.12 * height


def test_mouse_is_smaller_than_elephant() -> None:
    """What stands together keeps its order of size."""
    mouse, elephant = composed("a mouse and an elephant")
    assert mouse.height < 0.5 * elephant.height


def test_castle_stands_behind_the_knight() -> None:
    """A landmark is put farther away than who is in front of it."""
    frame = Frame(1000, 1000, 600)
    figures = arrange(composed("a knight and a castle"), frame, Random(1))
    assert [figure.cluster.name for figure in figures] == ["castle", "knight"]
    assert figures[0].y < figures[1].y


def test_panda_has_no_tail() -> None:
    """Bodies follow the species: a fox reaches farther to the right than a panda, by its tail."""
    fox, panda = animals.animal("fox"), animals.animal("panda")
    assert fox.box[2] - 64 > 64 - fox.box[0]
    assert panda.box[2] - 64 == 64 - panda.box[0]


def test_every_head_has_a_body() -> None:
    """All animals of which there is only a head are in the table, and all of the table exist."""
    for kind in ("sitting", "standing"):
        for name in animals.bodies()[kind]:
            assert icons.known(name)
            assert animals.animal(name).height > 150


def test_people_have_bodies() -> None:
    """A man is drawn from head to foot; what he does may bring a figure of its own."""
    assert people.person("man").height > 2 * people.person("man").width
    assert people.posed("woman", "running") == "woman-running"
    assert people.posed("robot", "running") is None


def test_recolouring_leaves_other_colours() -> None:
    """Only the family of the main colour moves."""
    body = '<path fill="#e03030"/><path fill="#20a040"/><path fill="#ffffff"/>'
    blue = recoloured(body, "#e03030", "#2b6cff")
    assert "#e03030" not in blue
    assert "#20a040" in blue
    assert "#ffffff" in blue


def test_mixing() -> None:
    """Half of white in black is grey."""
    assert mix("#000", "#ffffff", 0.5) == "#808080"
    assert rgb("#f00") == (1.0, 0.0, 0.0)


def test_vocabulary_names_known_drawings() -> None:
    """Every place's props, and every trait's and home's drawings that are meant, can be drawn."""
    for place in vocabulary.places().values():
        assert all(icons.known(name) for name in place.props)
    unknown = [name for name in lexicon.homes() if not icons.known(name)]
    assert len(unknown) < 0.1 * len(lexicon.homes())


def test_all_drawings_can_be_read() -> None:
    """Each drawing has a body and lies inside its grid."""
    for name in icons.document("icons.json.gz"):
        known = icons.icon(name)
        assert icons.body(name)
        assert 0 <= known.box[0] < known.box[2] <= icons.GRID


def test_chance_depends_on_its_part() -> None:
    """A change in one part of a picture moves no other."""
    assert dice("a", "sky").random() == dice("a", "sky").random()
    assert dice("a", "sky").random() != dice("a", "ground").random()


def test_wave_spans_the_canvas() -> None:
    """A line of hills runs from edge to edge."""
    drawing = paint(Commission(parse("a hill"), "k", "k", 300, 200))
    place = vocabulary.places()["hills"]
    from pinxit_providers.illustrator.palettes import palette

    scene = Scene(parse(""), place, "day", palette(place, "day", frozenset()), drawing, "k", 1.0)
    line = scene.wave(100, 10, "x")
    assert (line[0][0], line[-1][0]) == (0, 300)
    assert all(85 < y < 115 for _, y in line)
