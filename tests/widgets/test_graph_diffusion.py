"""The diffusing graph: right values at every layer, edges as wide as they weigh, buttons."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgba

from pytools.data import karate_club
from pytools.scratch import normalize_adjacency
from pytools.widgets import GraphDiffusion, describe_diffusion, draw_diffusion
from pytools.widgets.figures import check_labels, mimebundle
from pytools.widgets.graph_diffusion import diffused

PATH = np.array([[0.5, 0.5, 0, 0], [0.5, 0.3, 0.2, 0], [0, 0.2, 0.4, 0.4], [0, 0, 0.4, 0.6]])
START = np.array([1.0, 0, 0, -1.0])


def club():
    adjacency = karate_club("train")[0].toarray()
    sides = 1 - 2 * np.maximum(karate_club("train")[1], karate_club("test")[1])
    start = np.zeros(34)
    start[[0, 33]] = 1, -1
    mean = (adjacency + np.eye(34)) / (adjacency.sum(axis=1, keepdims=True) + 1)
    ways = {"Â": normalize_adjacency(adjacency), "mean": mean}
    return GraphDiffusion(ways, start, truth=sides)


def alt(graph):
    return re.search('alt="([^"]*)"', graph.picture.value).group(1)


def lines(fig, panel=0):
    return [c for c in fig.axes[panel].collections if isinstance(c, LineCollection)]


def nodes(fig, panel=0):
    (points,) = (c for c in fig.axes[panel].collections if isinstance(c, PathCollection))
    return points


@given(n=st.integers(2, 8), layers=st.integers(1, 5), seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_each_layer_is_a_product_and_the_start_stays(n, layers, seed):
    rng = np.random.default_rng(seed)
    weights, start = rng.random((n, n)), np.where(np.arange(n) < n // 2, rng.uniform(-1, 1, n), 0)
    values = diffused(weights, start, layers)
    assert values.shape == (layers + 1, n)
    np.testing.assert_array_equal(values[0], start)
    for before, after in pairwise(values):
        for i in range(n):
            expected = start[i] or sum(weights[i, j] * before[j] for j in range(n))
            assert after[i] == pytest.approx(expected)


def test_colour_comes_one_node_further_with_each_layer():
    graph = GraphDiffusion({"path": PATH}, np.array([1.0, 0, 0, 0]), layers=3)
    for layer in range(4):
        assert f"{layer + 1} of 4 nodes reached" in describe_diffusion(graph, layer)
        colours = nodes(draw_diffusion(graph, layer))
        values = colours.get_array()
        np.testing.assert_array_equal(values > 0, np.arange(4) <= layer)


def test_colours_tell_the_sides():
    graph = GraphDiffusion({"path": PATH}, START, truth=np.array([1, 1, -1, 1]), layers=2)
    assert "path: 3 of 4 nodes show their side" in describe_diffusion(graph, 2)
    fig = draw_diffusion(graph, 2)
    fig.draw_without_rendering()
    red, _, blue, _ = np.array(nodes(fig).get_facecolors()).T
    np.testing.assert_array_equal(blue > red, [True, True, False, False])
    np.testing.assert_array_equal(
        [tuple(rim) == to_rgba("black") for rim in nodes(fig).get_edgecolors()], START != 0
    )


def test_edges_are_as_wide_as_they_weigh():
    graph = GraphDiffusion({"path": PATH}, START)
    (all_edges,) = lines(draw_diffusion(graph, 0))
    widths = np.array(all_edges.get_linewidths())
    np.testing.assert_allclose(widths / widths.max(), [1, 0.4, 0.8])
    thin, of_one = lines(draw_diffusion(graph, 0, node=1))
    assert len(thin.get_segments()) == 3 and len(of_one.get_segments()) == 2
    widths = np.array(of_one.get_linewidths())
    np.testing.assert_allclose(widths / widths.max(), [1, 0.4])
    for segment in of_one.get_segments():
        np.testing.assert_allclose(segment[0], graph.places[1])


def test_a_node_names_whom_it_listens_to():
    graph = GraphDiffusion({"path": PATH}, START)
    described = describe_diffusion(graph, 1, node=3)
    assert described.endswith("node 3 takes most from 3 (0.60), 2 (0.40).")
    assert "node" not in describe_diffusion(graph, 1).split("nodes reached")[1]


def test_the_club_of_the_notebook():
    graph = club()
    for layer in range(7):
        described = describe_diffusion(graph, layer, node=8)
        assert "\n" not in described and described.count("of 34 nodes show their side") == 2
    assert "Â: 2 of 34 nodes show" in describe_diffusion(graph, 0)
    figures = [draw_diffusion(graph, layer, node) for layer, node in [(0, -1), (3, 8), (6, -1)]]
    for fig in figures:
        check_labels(fig)
        fig.draw_without_rendering()
        for ax in fig.axes:
            assert len(ax.texts) == 34
            for text in (ax.title, *ax.texts):
                extent = text.get_window_extent()
                assert fig.bbox.x0 <= extent.x0 and extent.x1 <= fig.bbox.x1
                assert fig.bbox.y0 <= extent.y0 and extent.y1 <= fig.bbox.y1
            extents = [text.get_window_extent() for text in ax.texts]
            assert not any(a.overlaps(b) for i, a in enumerate(extents) for b in extents[:i])
    assert len({tuple(fig.get_size_inches()) for fig in figures}) == 1
    assert len({mimebundle(fig, "A graph.")[0]["image/png"] for fig in figures}) == 3
    np.testing.assert_array_equal(club().places, graph.places)


def test_buttons_slider_and_choice_move_it():
    graph = GraphDiffusion({"path": PATH}, START, layers=2)
    assert alt(graph) == describe_diffusion(graph, 0)
    assert graph.back.disabled and not graph.next.disabled
    graph.next.click()
    assert alt(graph) == describe_diffusion(graph, 1) and not graph.back.disabled
    graph.node.value = 2
    assert alt(graph) == describe_diffusion(graph, 1, 2)
    graph.layer.value = 2
    assert alt(graph) == describe_diffusion(graph, 2, 2) and graph.next.disabled
    graph.back.click()
    assert alt(graph) == describe_diffusion(graph, 1, 2)
    assert [value for _, value in graph.node.options] == [-1, 0, 1, 2, 3]
    assert graph._repr_mimebundle_()["text/html"] == graph.picture.value


@pytest.mark.parametrize("weights", [np.eye(3), np.zeros((3, 3)), np.eye(1)])
def test_graphs_without_edges(weights):
    graph = GraphDiffusion({"alone": weights}, np.eye(len(weights))[0], layers=1)
    assert f"1 of {len(weights)} nodes reached" in describe_diffusion(graph, 1, 0)
    looks = "0 (1.00)" if weights.any() else "nobody"
    assert describe_diffusion(graph, 1, 0).endswith(f"node 0 takes most from {looks}.")
    check_labels(draw_diffusion(graph, 1, 0))
    assert not lines(draw_diffusion(graph, 1))[0].get_segments()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (({}, START), "ways must hold matrices"),
        (({"a": PATH[:3]}, START), r"ways must hold matrices \(4, 4\), .* \[\(3, 4\)\]"),
        (({"a": PATH, "b": np.eye(5)}, START), r"\[\(4, 4\), \(5, 5\)\]"),
        (({"a": PATH}, START, None, 0), "layers is 0"),
        (({"a": PATH}, START, [1, -1]), r"truth must hold 4 values, but has shape \(2,\)"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        GraphDiffusion(*arguments)
    assert "\n" not in str(error.value)
