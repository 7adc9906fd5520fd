"""The roofline: right heights, an alt text at each step, pictures that can be read."""

import re

import pytest

from pytools.models import Roof, Work
from pytools.widgets import describe_roofline, draw_roofline, watch_roofline
from pytools.widgets.figures import check_labels, mimebundle

ROOF = Roof(bandwidth=20.0, peak=100.0)
WORKS = [
    Work("x + y", flops=1e6, bytes=12e6, seconds=1e-3),
    Work("matmul, n = 32", flops=65536, bytes=12288, seconds=5e-6),
    Work("matmul, n = 512", flops=2.7e8, bytes=3.1e6, seconds=3e-3),
]
STEPS = range(5)


def test_the_roof_is_a_slope_and_then_a_ceiling():
    assert ROOF.ridge == 5.0
    assert ROOF.allows(0.5) == 10.0 and ROOF.allows(5.0) == 100.0 and ROOF.allows(50.0) == 100.0


def test_work_knows_its_place():
    assert WORKS[0].intensity == pytest.approx(1 / 12)
    assert WORKS[0].rate == pytest.approx(1.0)


def test_each_step_adds_one_thing():
    figures = [draw_roofline(ROOF, WORKS, step) for step in STEPS]
    points = [sum(line.get_marker() == "o" for line in fig.axes[0].lines) for fig in figures]
    assert points == [0, 0, 2, 4, 6]  # each in the picture and in the legend
    assert len({(fig.axes[0].get_xlim(), fig.axes[0].get_ylim()) for fig in figures}) == 1
    assert len({mimebundle(fig, "A roofline.")[0]["image/png"] for fig in figures}) == len(STEPS)


def test_the_roof_is_drawn_at_its_height():
    line = draw_roofline(ROOF, WORKS, 1).axes[0].lines[0]
    x, y = line.get_data()
    assert list(y) == [ROOF.allows(value) for value in x]


def test_the_alt_text_says_what_is_measured():
    assert describe_roofline(ROOF, WORKS, 0) == "Step 1 of 5. Memory moves 20 GB/s: a slope."
    last = describe_roofline(ROOF, WORKS, 4)
    assert "arithmetic gives 100 GFLOP/s: a ceiling from 5 FLOP/byte" in last
    assert "matmul, n = 512 at 87 FLOP/byte reaches 90 GFLOP/s" in last
    assert all("\n" not in describe_roofline(ROOF, WORKS, step) for step in STEPS)


@pytest.mark.parametrize("step", STEPS)
def test_labels_and_texts(step):
    fig = draw_roofline(ROOF, WORKS, step)
    check_labels(fig)
    fig.canvas.draw()
    for text in [*fig.axes[0].texts, fig.axes[0].title]:
        extent = text.get_window_extent()
        assert fig.bbox.x0 <= extent.x0 and extent.x1 <= fig.bbox.x1, text


def test_buttons_move_the_picture():
    widget = watch_roofline(ROOF, WORKS)
    alt = re.search('alt="([^"]*)"', widget.picture.value).group(1)
    assert alt.startswith("Step 1 of 5.")
    widget.next.click()
    assert "Step 2 of 5." in widget.picture.value
    assert widget.slider.max == 4


def test_no_such_step_and_no_work():
    with pytest.raises(IndexError, match="0 to 4, but is 5"):
        draw_roofline(ROOF, WORKS, 5)
    with pytest.raises(ValueError, match="works is empty"):
        watch_roofline(ROOF, [])
