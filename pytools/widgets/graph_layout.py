"""Where a computational graph is drawn: in columns, each node to the right of its parents.

A small form of the layered layout of Sugiyama, Tagawa & Toda (1981). An arrow that passes a
column has a place of its own in it, so that no arrow runs through a box.
"""

from itertools import pairwise
from statistics import mean

from pytools.widgets.graph_steps import Graph, parents_of

Place = tuple[int, float]  # column from the left; row, 0 in the middle and growing upward


def lay_out(graph: Graph) -> tuple[dict[str, Place], dict[tuple[str, str], list[Place]]]:
    """The place of each node, and for each (parent, child) the places on the arrow's way."""
    column = columns(graph)
    routes, before = {}, {}
    for child in graph:
        for parent in parents_of(graph, child):
            passed = [(parent, child, i) for i in range(column[parent] + 1, column[child])]
            column |= {stop: stop[2] for stop in passed}
            routes[parent, child] = [parent, *passed, child]
            for stop, following in pairwise(routes[parent, child]):
                before.setdefault(following, []).append(stop)

    place = {}
    for here in range(max(column.values()) + 1):
        stops = [stop for stop in column if column[stop] == here]
        # In the order of the rows that they are fed from, inputs last: arrows seldom cross.
        stops.sort(key=lambda stop: -mean([place[s][1] for s in before.get(stop, [])] or [-99]))
        for index, stop in enumerate(stops):
            place[stop] = (here, (len(stops) - 1) / 2 - index)
    ways = {edge: [place[stop] for stop in route] for edge, route in routes.items()}
    return {name: place[name] for name in graph}, ways


def columns(graph: Graph) -> dict:
    """The column of each node: just after its last parent; an input just before its first child."""
    column = {}
    for name in graph:
        column[name] = 1 + max((column[parent] for parent in parents_of(graph, name)), default=-1)
    for name in graph:
        if not parents_of(graph, name):
            children = (child for child in graph if name in parents_of(graph, child))
            column[name] = min((column[child] for child in children), default=1) - 1
    return column
