"""The walking filter: right numbers at every place, sliders that choose, texts that fit."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate2d

from pytools.widgets import FilterWalk, Stepper, describe_place, draw_misfit, draw_place
from pytools.widgets.figures import check_labels, mimebundle

IMAGE = np.array(
    [[0, 0, 1, 2, 0], [0, 1, 3, 1, 0], [0, 2, 2, 0, 0], [1, 3, 1, 0, 0], [2, 2, 0, 0, 1]]
)
FILTER = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
FITTING = [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2), (3, 2)]


def alt(walk):
    return re.search('alt="([^"]*)"', walk.picture.value).group(1)


def texts(fig):
    return [text.get_text() for text in fig.axes[0].texts]


def number(text):
    return int(text.replace("−", "-"))


@pytest.mark.parametrize("stride, pad", FITTING)
def test_every_place_shows_its_sum(stride, pad):
    padded = np.pad(IMAGE, pad)
    expected = correlate2d(padded, FILTER, "valid")[::stride, ::stride]
    for step, result in enumerate(expected.ravel()):
        described = describe_place(IMAGE, FILTER, stride, pad, step)
        assert f"Place {step + 1} of {expected.size}, " in described and "\n" not in described
        assert number(re.search(r"(?:= |: )([−\d]+)\.$", described).group(1)) == result
        terms = re.findall(r"(−?\d+)·\(?(−?\d+)\)?", described)
        assert sum(number(a) * number(b) for a, b in terms) == result

        if step % 6 not in (0, 1):
            continue  # drawing takes its time
        shown = texts(draw_place(IMAGE, FILTER, stride, pad, step))
        image, rest = shown[: padded.size], shown[padded.size + 1 :]
        assert sorted(map(number, image)) == sorted(padded.ravel())
        assert [number(text) for text in rest[:9]] == list(FILTER.ravel())
        seen = [text for text in rest[10:-2] if text]
        assert [number(text) for text in seen] == list(expected.ravel()[: step + 1])


@given(data=st.data(), n=st.integers(1, 6), f=st.integers(1, 4), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_texts_stay_inside_and_apart(data, n, f, seed):
    rng = np.random.default_rng(seed)
    f = min(f, n)
    image, filter_ = rng.integers(-9, 10, (n, n)), rng.integers(-9, 10, (f, f))
    pad = data.draw(st.integers(0, 2))
    stride = data.draw(st.sampled_from([s for s in (1, 2, 3) if (n - f + 2 * pad) % s == 0]))
    places = ((n - f + 2 * pad) // stride + 1) ** 2
    fig = draw_place(image, filter_, stride, pad, data.draw(st.integers(0, places - 1)))
    check_labels(fig)
    fig.draw_without_rendering()
    extents = [t.get_window_extent() for t in fig.axes[0].texts if t.get_text()]
    *grids, line = extents
    for i, extent in enumerate(grids):
        assert fig.bbox.x0 <= extent.x0 and extent.x1 <= fig.bbox.x1
        assert fig.bbox.y0 <= extent.y0 and extent.y1 <= fig.bbox.y1
        assert not any(extent.overlaps(other) for other in grids[:i])
    assert not any(line.overlaps(extent) for extent in grids) and line.x1 <= fig.bbox.x1


def test_sums_of_four_digits_stay_in_their_cells():
    image, filter_ = np.full((6, 6), 9), np.full((4, 4), -9)
    fig = draw_place(image, filter_, 1, 0, 8)
    fig.draw_without_rendering()
    *grids, line = [t.get_window_extent() for t in fig.axes[0].texts if t.get_text()]
    assert "−1296" in texts(fig) and line.x1 <= fig.bbox.x1
    assert not any(a.overlaps(b) for i, a in enumerate(grids) for b in grids[:i])


def test_the_longest_line_of_the_notebook_fits():
    for stride, pad in FITTING:
        for step in range(0, ((5 - 3 + 2 * pad) // stride + 1) ** 2, 3):
            fig = draw_place(IMAGE, FILTER, stride, pad, step)
            fig.draw_without_rendering()
            for text in (fig._suptitle, fig.axes[0].texts[-1]):
                assert text.get_window_extent().x1 < fig.bbox.x1


def test_all_pictures_have_one_size():
    figures = [draw_place(IMAGE, FILTER, stride, pad, 0) for stride, pad in FITTING]
    figures.append(draw_misfit(IMAGE, FILTER, 3, 0))
    assert len({tuple(fig.get_size_inches()) for fig in figures}) == 1
    assert len({mimebundle(fig, "A place.")[0]["image/png"] for fig in figures}) == len(figures)


def test_buttons_and_sliders_move_it():
    walk = FilterWalk(IMAGE, FILTER, pad=1)
    assert alt(walk) == describe_place(IMAGE, FILTER, 1, 1, 0)
    (stepper,) = walk.place.children
    assert isinstance(stepper, Stepper) and stepper.slider.max == 24
    stepper.next.click()
    assert alt(walk) == describe_place(IMAGE, FILTER, 1, 1, 1)
    walk.stride.value = 2
    assert alt(walk) == describe_place(IMAGE, FILTER, 2, 1, 0)
    assert walk.place.children[0].slider.max == 8
    walk.pad.value = 0
    assert alt(walk) == describe_place(IMAGE, FILTER, 2, 0, 0)
    assert walk._repr_mimebundle_()["text/html"] == walk.picture.value


def test_a_stride_that_does_not_divide_is_explained():
    walk = FilterWalk(IMAGE, FILTER, stride=3)
    assert alt(walk) == "Stride 3 does not divide 5 − 3 = 2."
    fig = draw_misfit(IMAGE, FILTER, 3, 0)
    check_labels(fig)
    marked = [p for p in fig.axes[0].patches if p.get_linewidth() > 1]
    assert len(marked) == 25 - 9  # all but the one window
    walk.pad.value = 1
    assert alt(walk) == "Stride 3 does not divide 5 − 3 + 2·1 = 4."
    walk.pad.value = 2
    assert alt(walk) == describe_place(IMAGE, FILTER, 3, 2, 0)


@pytest.mark.parametrize(
    "image, filter_, message",
    [
        ([[1, 2]], FILTER, r"image must be a square of whole numbers, but is \[\[1, 2\]\]"),
        (IMAGE, [[0.5]], r"filter_ must be a square of whole numbers, but is \[\[0.5\]\]"),
        (FILTER, IMAGE, "filter_ must not be larger than image, but they have 5 and 3 rows"),
    ],
)
def test_bad_input_is_named(image, filter_, message):
    with pytest.raises(ValueError, match=message):
        FilterWalk(image, filter_)
