"""Generated scenes: the same each time, pairs held out, pictures and captions that are true."""

import importlib

import numpy as np
import pytest

from pytools.data import Scene, SceneObject, captions, draw_scenes, relation, sample_scenes, scenes

room = importlib.import_module("pytools.data.scenes")


def pairs(found):
    return {(thing.colour, thing.shape) for scene in found for thing in scene.objects}


@pytest.mark.parametrize("split", ["train", "test", "new"])
@pytest.mark.parametrize("side", [16, 32, 48])
def test_shapes_types_and_ranges(split, side):
    images, found = scenes(split, side=side, size=70)
    assert images.shape == (70, 3, side, side) and images.dtype == np.float32
    assert images.min() >= 0 and images.max() <= 1 and np.isfinite(images).all()
    assert len(found) == 70 and {len(scene.objects) for scene in found} == {2, 3}


def test_the_same_seed_gives_the_same_set_and_another_seed_or_split_another():
    images, found = scenes("train", size=20)
    again = scenes("train", size=20)
    np.testing.assert_array_equal(images, again[0])
    assert found == again[1]
    for _, other in (scenes("train", size=20, seed=1), scenes("test", size=20)):
        assert found != other


def test_held_out_pairs_are_in_new_scenes_alone_but_all_colours_and_shapes_are_everywhere():
    held_out = set(room.HELD_OUT)
    for split in ("train", "test"):
        _, found = scenes(split, size=2000)
        assert pairs(found) == set(room.KNOWN)
    assert {c for c, _ in room.KNOWN} == set(room.COLOURS)
    assert {s for _, s in room.KNOWN} == set(room.SHAPES)
    _, found = scenes("new", size=500)
    assert held_out <= pairs(found)
    assert all(len(pairs([scene]) & held_out) == 1 for scene in found)


def test_objects_stand_apart_within_the_picture_and_no_two_are_alike():
    for scene in sample_scenes(500, np.random.default_rng(0)):
        for i, a in enumerate(scene.objects):
            assert max(abs(a.x), abs(a.y)) + room.RADIUS[a.size] <= 0.98 + 1e-9
            for b in scene.objects[:i]:
                touch = room.RADIUS[a.size] + room.RADIUS[b.size]
                assert np.hypot(a.x - b.x, a.y - b.y) > touch + room.GAP
                assert str(a) != str(b)


@pytest.mark.parametrize(
    "x, y, says", [(-1, 0.5, "left of"), (1, -0.5, "right of"), (0.5, -1, "above"), (0, 1, "below")]
)
def test_a_relation_is_that_of_the_larger_distance(x, y, says):
    a, b = (
        SceneObject("ring", "red", "small", x / 2, y / 2),
        SceneObject("ring", "red", "large", 0, 0),
    )
    assert relation(a, b) == says and relation(b, a) == room.OPPOSITE[says]


def test_captions_of_two_and_of_three_objects():
    red = SceneObject("ring", "red", "small", -0.5, 0.1)
    blue = SceneObject("cross", "blue", "large", 0.5, 0.2)
    white = SceneObject("circle", "white", "small", -0.4, 0.8)
    assert captions(Scene((blue, red))) == [
        "a small red ring is left of a large blue cross",
        "a large blue cross is right of a small red ring",
    ]
    three = captions(Scene((white, blue, red)))
    assert three[0] == (
        "a small red ring is above a small white circle and left of a large blue cross"
    )
    assert (
        "a large blue cross is right of a small red ring and right of a small white circle" in three
    )
    assert len(set(three)) == 6


def test_a_scene_has_a_sentence_for_each_order_and_two_scenes_rarely_share_one():
    found = sample_scenes(300, np.random.default_rng(0))
    for scene in found:
        assert len(set(captions(scene))) == (2 if len(scene.objects) == 2 else 6)
    assert len({captions(scene)[0] for scene in found}) > 280


def test_each_object_shows_its_colour_in_the_middle_and_nothing_where_nothing_is():
    found = sample_scenes(60, np.random.default_rng(3))
    images = draw_scenes(found, 48)
    for image, scene in zip(images, found, strict=True):
        for thing in scene.objects:
            radius = room.RADIUS[thing.size] if thing.shape == "ring" else 0
            column = int((thing.x + 0.73 * radius + 1) * 24)  # a ring has a hole
            pixel = image[:, int((thing.y + 1) * 24), column]
            np.testing.assert_allclose(pixel, room.COLOURS[thing.colour], atol=0.15)
    empty = draw_scenes([Scene(())], 16)
    np.testing.assert_allclose(empty, empty[0, 0, 0, 0])


@pytest.mark.parametrize("size, low, high", [("small", 0.018, 0.04), ("large", 0.05, 0.11)])
def test_shapes_differ_in_their_pictures_and_large_ones_cover_more(size, low, high):
    def mask(shape, x=0.0):
        scene = Scene((SceneObject(shape, "white", size, x, 0.0),))
        image = draw_scenes([scene], 32)[0, 0]
        return (image - 0.3) / 0.65

    masks = [mask(shape) for shape in room.SHAPES]
    for i, one in enumerate(masks):
        assert low < one.mean() < high
        for other in masks[:i]:
            assert np.abs(one - other).sum() > 0.1 * one.sum()
    np.testing.assert_allclose(mask("cross", x=0.25), np.roll(mask("cross"), 4, axis=1), atol=1e-5)


def test_chunks_do_not_show():
    found = sample_scenes(room.CHUNK + 9, np.random.default_rng(0))
    np.testing.assert_array_equal(draw_scenes(found, 16)[-9:], draw_scenes(found[-9:], 16))


@pytest.mark.parametrize("split", ["valid", "Train", None])
def test_another_split_is_refused(split):
    with pytest.raises(ValueError, match="must be 'train' or 'test' or 'new', but is"):
        scenes(split)


def test_a_picture_too_small_for_shapes_is_refused():
    with pytest.raises(ValueError, match="side must be at least 16 pixels, to tell shapes apart"):
        scenes("train", side=8, size=1)
