"""The computational graph: right numbers, steps that read well, buttons that move."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from pytools.scratch import Tensor, graph_gradients
from pytools.widgets import describe_step, draw_step, example_graph, step_through
from pytools.widgets.figures import check_labels, mimebundle
from pytools.widgets.graph_layout import lay_out
from pytools.widgets.graph_steps import parents_of, steps, text

GRAPHS = {
    "example": example_graph(),
    "used twice": {
        "x": [3.0, -1.0],
        "y": [2.0, 5.0],
        "product": ("*", "x", "y"),
        "total": ("+", "product", "x"),
        "square": ("*", "total", "total"),
        "c": ("sum", "square"),
    },
    "numbers": {"a": 2.0, "b": -0.125, "ab": ("*", "a", "b"), "c": ("+", "ab", "a")},
    "long numbers": {
        "weights": [-1234.567, 0.001, 99.125],
        "inputs": [1 / 3, -2 / 3, 12345.678],
        "product": ("*", "weights", "inputs"),
        "score": ("sum", "product"),
    },
    "a node alone": {"c": 3.0},
}
ON_TAPE = {"+": lambda a, b: a + b, "*": lambda a, b: a * b, "sum": lambda a: a.sum()}
EVERY_STEP = [(name, i) for name, graph in GRAPHS.items() for i in range(len(steps(graph)))]


def test_values_and_gradients_of_the_example():
    last = steps(example_graph())[-1]
    x, y, z = (last.values[name] for name in "xyz")
    expected = graph_gradients(x, y, z)
    for ours, theirs in zip(
        (last.values["c"], *(last.grads[name] for name in "xyz")), expected, strict=True
    ):
        np.testing.assert_allclose(ours, theirs)


@st.composite
def graphs(draw):
    """Random graphs: two or three inputs of one length, some operations, a sum."""
    numbers = st.floats(-2, 2).map(lambda value: round(value, 2))
    length = draw(st.integers(1, 3))
    names = [f"x{i}" for i in range(draw(st.integers(2, 3)))]
    graph = {name: draw(st.lists(numbers, min_size=length, max_size=length)) for name in names}
    for i in range(draw(st.integers(1, 5))):
        pick = st.sampled_from(list(graph))
        graph[f"n{i}"] = (draw(st.sampled_from("+*")), draw(pick), draw(pick))
    graph["c"] = ("sum", list(graph)[-1])
    return graph


@given(graphs())
@settings(max_examples=50, deadline=None)
def test_random_graphs_agree_with_the_tape(graph):
    tensors = {}
    for name, node in graph.items():
        if isinstance(node, tuple):
            kind, *parents = node
            tensors[name] = ON_TAPE[kind](*(tensors[parent] for parent in parents))
        else:
            tensors[name] = Tensor(node)
    tensors["c"].backward()
    last = steps(graph)[-1]
    for name, value in last.values.items():
        np.testing.assert_allclose(value, tensors[name].data, atol=1e-9)
    for name, grad in last.grads.items():
        np.testing.assert_allclose(grad, tensors[name].grad, atol=1e-9)


def test_values_appear_forward_and_gradients_backward_one_at_a_time():
    every = steps(example_graph())
    assert [step.phase for step in every] == ["inputs"] + 3 * ["forward"] + 6 * ["backward"]
    assert [len(step.values) for step in every] == [3, 4, 5, 6, 6, 6, 6, 6, 6, 6]
    assert [len(step.grads) for step in every] == [0, 0, 0, 0, 1, 2, 3, 4, 5, 6]
    forward = [step.node for step in every if step.phase == "forward"]
    assert forward == ["product", "total", "c"]
    backward = [(step.child, step.node) for step in every if step.child]
    assert backward == [
        ("c", "total"),
        ("total", "product"),
        ("total", "z"),
        ("product", "x"),
        ("product", "y"),
    ]


def test_the_rule_is_said_in_words_and_in_numbers():
    every = steps(example_graph())
    assert (every[1].words, every[1].numbers) == ("product = x · y", "[1, −2] · [3, 4] = [3, −8]")
    assert every[8].words == "grad of x += grad of product · y"
    assert every[8].numbers == "[0, 0] + [1, 1] · [3, 4] = [3, 4]"


def test_a_node_used_twice_collects_both_gradients():
    onto_total = [step for step in steps(GRAPHS["used twice"]) if step.child == "square"]
    assert [step.numbers for step in onto_total] == [
        "[0, 0] + [1, 1] · [9, −6] = [9, −6]",
        "[9, −6] + [1, 1] · [9, −6] = [18, −12]",
    ]


def test_numbers_are_short():
    assert text(np.array(-0.0)) == "0"
    assert text(np.array([1.0, -2.5, 1 / 3])) == "[1, −2.5, 0.333]"


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        ({}, "no nodes"),
        ({"x": [1, 2, 3, 4]}, "input 'x' must be a number or a list of at most 3 numbers"),
        ({"x": [[1]]}, "input 'x' must be"),
        ({"x": "one"}, "input 'x' must be .* but is 'one'"),
        ({"x": 1, "c": ("%", "x", "x")}, "operation '%' of node 'c' must be one of"),
        ({"x": 1, "c": ("+", "x")}, r"'\+' of node 'c' takes 2 parents, not 1"),
        ({"x": 1, "c": ("*",)}, r"'\*' of node 'c' takes 2 parents, not 0"),
        ({"x": (1.0, 2.0)}, "operation 1.0 of node 'x' must be one of"),
        ({"c": ("sum", "x"), "x": 1}, "node 'c' uses 'x', which is no node above it"),
        ({"x": 1, "y": [1, 2], "c": ("+", "x", "y")}, "parents of node 'c' must be of one length"),
        ({"x": [1, 2]}, r"last node, 'x', must be a single number, but is \[1, 2\]: end"),
    ],
)
def test_a_graph_that_cannot_be_worked_through_is_refused(graph, message):
    with pytest.raises(ValueError, match=message):
        step_through(graph)


@pytest.mark.parametrize(("name", "step"), EVERY_STEP)
def test_texts_do_not_overlap_and_stay_where_they_belong(name, step):
    fig = draw_step(GRAPHS[name], step)
    check_labels(fig)
    fig.canvas.draw()
    [ax] = fig.axes
    texts = [t for t in (*ax.texts, fig._suptitle) if t.get_text()]
    extents = [t.get_window_extent() for t in texts]
    boxes = [p.get_window_extent() for p in ax.patches if isinstance(p, FancyBboxPatch)]
    assert len(boxes) == len(GRAPHS[name])
    assert all(t.get_fontsize() >= 11 for t in texts)
    for i, extent in enumerate(extents):
        assert inside(extent, fig.bbox), texts[i]
        assert not any(extent.overlaps(other) for other in extents[:i]), texts[i]
        around = [box for box in boxes if box.overlaps(extent)]
        assert all(inside(extent, box) for box in around), texts[i]
    for i, box in enumerate(boxes):
        assert inside(box, fig.bbox)
        assert not any(box.overlaps(other) for other in boxes[:i])


def inside(inner, outer):
    return (
        outer.x0 <= inner.x0
        and outer.y0 <= inner.y0
        and inner.x1 <= outer.x1
        and inner.y1 <= outer.y1
    )


@given(graphs())
@settings(max_examples=25, deadline=None)
def test_arrows_run_between_boxes_and_never_through_one(graph):
    [ax] = draw_step(graph, 0).axes
    boxes = [patch.get_bbox() for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    arrows = [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]
    edges = {(parent, child) for child in graph for parent in parents_of(graph, child)}
    assert len(arrows) == len(edges)
    for arrow in arrows:
        corners = arrow._path_original.vertices
        for start, end in pairwise(corners):
            x, y = (start + np.linspace(0.01, 0.99, 50)[:, None] * (end - start)).T
            for box in boxes:
                within = (box.x0 < x) & (x < box.x1) & (box.y0 < y) & (y < box.y1)
                assert not within.any()


@given(graphs())
@settings(max_examples=50, deadline=None)
def test_every_node_stands_to_the_right_of_its_parents_on_a_place_of_its_own(graph):
    places, ways = lay_out(graph)
    assert len(set(places.values())) == len(graph)
    for (parent, child), way in ways.items():
        assert (way[0], way[-1]) == (places[parent], places[child])
        assert [column for column, _ in way] == list(range(way[0][0], way[-1][0] + 1))


def test_each_step_has_one_size_and_a_look_of_its_own():
    figures = [draw_step(example_graph(), step) for step in range(10)]
    assert len({tuple(fig.get_size_inches()) for fig in figures}) == 1
    assert len({mimebundle(fig, "A graph.")[0]["image/png"] for fig in figures}) == 10


def test_steps_count_from_the_end_too_and_end():
    title = draw_step(example_graph(), -1).get_suptitle()
    assert title == draw_step(example_graph(), 9).get_suptitle() == "Step 9 of 9: backward"
    with pytest.raises(IndexError):
        draw_step(example_graph(), 10)


def test_buttons_and_slider_move_the_picture():
    widget = step_through(example_graph())

    def alt():
        return re.search('alt="([^"]*)"', widget.picture.value).group(1)

    assert alt() == describe_step(example_graph(), 0)
    assert (widget.back.disabled, widget.next.disabled) == (True, False)

    widget.next.click()
    assert widget.slider.value == 1
    assert alt() == describe_step(example_graph(), 1)
    assert (widget.back.disabled, widget.next.disabled) == (False, False)

    widget.slider.value = widget.slider.max
    assert widget.slider.value == 9
    assert alt() == describe_step(example_graph(), 9)
    assert (widget.back.disabled, widget.next.disabled) == (False, True)

    widget.next.click()  # there is nothing after the last step
    assert widget.slider.value == 9
    widget.back.click()
    assert alt() == describe_step(example_graph(), 8)


def test_the_alt_text_says_what_is_known():
    described = describe_step(example_graph(), 5)
    assert "grad of total += grad of c · ones: [0, 0] + 1 · [1, 1] = [1, 1]" in described
    assert "c = 0.5" in described
    assert "Gradients: c 1, total [1, 1]." in described
    assert "\n" not in described


def test_without_a_kernel_there_is_the_picture():
    widget = step_through(example_graph())
    bundle = widget._repr_mimebundle_()
    assert bundle["text/html"] == widget.picture.value
    assert "application/vnd.jupyter.widget-view+json" in bundle
