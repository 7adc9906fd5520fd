"""Generated faces: the same each time, scored by details alone, rated with the promised noise."""

import importlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytools.data import annotate, draw_faces, face_scores, faces, sample_faces

room = importlib.import_module("pytools.data.faces")


def one_face(**changes):
    """A face of the middle of all ranges, with some numbers of its own."""
    middles = {name: sum(ends) / 2 for name, ends in (room.DETAILS | room.SCENE).items()}
    unknown = changes.keys() - middles.keys()
    assert not unknown
    return {n: np.array([changes.get(n, v)], np.float32) for n, v in middles.items()}


@pytest.mark.parametrize("side", [8, 32, 48])
def test_shapes_types_and_ranges(side):
    images, ratings, scores = faces("train", side=side, size=70)
    assert images.shape == (70, 3, side, side) and images.dtype == np.float32
    assert images.min() >= 0 and images.max() <= 1 and np.isfinite(images).all()
    assert ratings.shape == (70, 2) and ratings.dtype == np.int64
    assert ratings.min() >= 0 and ratings.max() <= 9
    assert scores.shape == (70,) and scores.min() >= 0 and scores.max() <= 9


def test_sizes_of_the_splits():
    assert len(faces("test")[0]) == 1200
    assert room.SIZES["train"] == 2000


def test_the_same_seed_gives_the_same_set_and_another_seed_or_split_another():
    first, again = faces("train", size=20), faces("train", size=20)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    for other in (faces("train", size=20, seed=1), faces("test", size=20)):
        assert not np.array_equal(first[0], other[0])


def test_chunks_do_not_show():
    """A face is drawn the same, whichever are drawn with it."""
    parameters = sample_faces(room.CHUNK + 9, np.random.default_rng(0))
    last = {name: values[-9:] for name, values in parameters.items()}
    np.testing.assert_allclose(
        draw_faces(parameters, 16)[-9:], draw_faces(last, 16), rtol=0, atol=1e-5
    )


@given(seed=st.integers(0, 2**20))
@settings(max_examples=20, deadline=None)
def test_every_detail_shows_and_moves_the_score_as_promised(seed):
    rng = np.random.default_rng(seed)
    scene = {name: float(rng.uniform(*ends)) for name, ends in room.SCENE.items()}
    plain = one_face(**scene)
    better = {"mouth_curve": 1, "eye_size": 0.9, "asymmetry": 0}
    worse = {"mouth_curve": -1, "eye_size": 0.1, "asymmetry": 0.95, "eye_spacing": 1}
    for changes, sign in [({n: v}, 1) for n, v in better.items()] + [
        ({n: v}, -1) for n, v in worse.items()
    ]:
        face = plain | {n: np.array([v], np.float32) for n, v in changes.items()}
        assert sign * (face_scores(face) - face_scores(plain))[0] > 0.3
        assert np.abs(draw_faces(face, 32) - draw_faces(plain, 32)).max() > 0.02


def test_the_scene_does_not_move_the_score():
    rng = np.random.default_rng(0)
    details = {name: 0.3 for name in room.DETAILS}
    scenes = [
        one_face(**details, **{name: rng.uniform(*ends) for name, ends in room.SCENE.items()})
        for _ in range(5)
    ]
    assert len({float(face_scores(face)[0]) for face in scenes}) == 1


def test_a_face_without_tilt_turn_and_asymmetry_is_symmetric():
    still = {"x": 0, "tilt": 0, "turn": 0, "asymmetry": 0, "gaze": 0, "light_x": 0, "disc_size": -1}
    face = one_face(**still, bar_width=-1, stripes_angle=np.pi / 2)
    image = draw_faces(face, 32)
    np.testing.assert_allclose(image, image[..., ::-1], atol=1e-4)


def test_annotators_are_off_by_as_much_as_promised():
    scores = np.full(40_000, 4.5)
    ratings = annotate(scores, np.random.default_rng(0))
    off = ratings - 4.5
    far = np.abs(off) > 4  # of wrong ones, 0 and 9; of right ones hardly any
    assert abs(far.mean() - room.WRONG * 0.2) < 0.002
    right = np.abs(off) < 4
    np.testing.assert_allclose(off.mean(axis=0), [-0.25, 0.25], atol=0.05)
    assert abs(off[right].std() - 1.1) < 0.15
    assert abs(np.corrcoef(off.T)[0, 1]) < 0.03


def test_the_ceiling_of_the_correlation():
    scores = face_scores(sample_faces(20_000, np.random.default_rng(1)))
    mean = annotate(scores, np.random.default_rng(2)).mean(axis=1)
    assert 0.88 < np.corrcoef(scores, mean)[0, 1] < 0.92


@pytest.mark.parametrize("split", ["valid", "Train", None])
def test_another_split_is_refused(split):
    with pytest.raises(ValueError, match="must be 'train' or 'test', but is"):
        faces(split)


def test_a_picture_too_small_for_a_face_is_refused():
    with pytest.raises(ValueError, match="side must be at least 8 pixels, to show a face, but is"):
        faces("train", side=4)
