"""A static graph against a tape: right numbers, code that is true, pictures that can be read."""

import re

import pytest
import torch

from pytools.models import StaticGraph
from pytools.widgets import describe_graph_and_tape, draw_graph_and_tape, graph_against_tape
from pytools.widgets.figures import check_labels, mimebundle
from pytools.widgets.graph_and_tape import BATCHES, GRAPH, GRAPH_CODE, TAPE, TAPE_CODE

STEPS = range(len(GRAPH))


def test_both_sides_have_the_same_number_of_steps():
    assert len(GRAPH) == len(TAPE) == 12


def test_the_code_on_the_left_runs_and_ends_on_the_weight_that_is_shown():
    names = {"graph": StaticGraph(), "torch": torch}
    exec("\n".join(GRAPH_CODE), names)
    assert names["w"].value == pytest.approx(GRAPH[-1].boxes["w"])


def test_the_code_on_the_right_runs_and_ends_on_the_weight_that_is_shown():
    names = {"torch": torch}
    exec("\n".join(TAPE_CODE), names)
    assert names["w"].item() == pytest.approx(TAPE[-1].boxes["w"])
    assert names["w"].grad is None


def test_both_sides_show_the_same_numbers_and_they_are_autograds():
    w = torch.tensor(1.0, requires_grad=True)
    for round_, (x, t) in enumerate(BATCHES):
        loss = (w * x - t) ** 2
        (grad,) = torch.autograd.grad(loss, w)
        left, right = GRAPH[7 + 3 * round_].boxes, TAPE[4 + 5 * round_].boxes
        for boxes in (left, right):
            assert boxes["loss"] == pytest.approx(loss.item(), rel=1e-6)
            assert boxes["grad"] == pytest.approx(grad.item(), rel=1e-6)
        w = (w - 0.1 * grad).detach().requires_grad_()


def test_the_graph_is_built_without_numbers_and_stays_and_the_tape_comes_and_goes():
    for moment in GRAPH[:6]:
        assert [name for name, value in moment.boxes.items() if value is not None] in ([], ["w"])
    assert all(len(moment.boxes) == 7 for moment in GRAPH[5:])
    assert [len(moment.boxes) for moment in TAPE] == [1, 3, 4, 5, 6, 1, 3, 4, 5, 6, 1, 1]
    assert all(value is not None for moment in TAPE for value in moment.boxes.values())


def test_the_alt_text_says_what_runs_and_what_is_known():
    described = describe_graph_and_tape(2)
    assert described.startswith("Step 3 of 12. Static graph: error = w * x - t. A node says how.")
    assert "w = 1; without a number: x, t, error." in described
    assert "Tape: error = w * x - t. Computed at once" in described and "error = −3" in described
    assert all("\n" not in describe_graph_and_tape(step) for step in STEPS)


@pytest.mark.parametrize("step", STEPS)
def test_texts_lie_inside_and_do_not_overlap(step):
    fig = draw_graph_and_tape(step)
    check_labels(fig)
    fig.canvas.draw()
    [ax] = fig.axes
    texts = [t for t in (*ax.texts, fig._suptitle) if t.get_text()]
    extents = [t.get_window_extent() for t in texts]
    middle = fig.bbox.width / 2
    for i, extent in enumerate(extents):
        assert fig.bbox.x0 <= extent.x0 and extent.x1 <= fig.bbox.x1, texts[i]
        assert fig.bbox.y0 <= extent.y0 and extent.y1 <= fig.bbox.y1, texts[i]
        assert not any(extent.overlaps(other) for other in extents[:i]), texts[i]
        if texts[i] is not fig._suptitle:
            assert extent.x1 < middle or extent.x0 > middle, texts[i]


def test_each_step_has_one_size_and_a_look_of_its_own():
    figures = [draw_graph_and_tape(step) for step in STEPS]
    assert len({tuple(fig.get_size_inches()) for fig in figures}) == 1
    assert len({mimebundle(fig, "Two ways.")[0]["image/png"] for fig in figures}) == len(figures)
    with pytest.raises(IndexError):
        draw_graph_and_tape(len(GRAPH))


def test_buttons_move_the_picture():
    widget = graph_against_tape()

    def alt():
        return re.search('alt="([^"]*)"', widget.picture.value).group(1)

    assert alt().startswith("Step 1 of 12.")
    widget.next.click()
    assert alt().startswith("Step 2 of 12.")
    assert widget.slider.max == 11
