"""Figures in the house style, and interactive ones."""

from pytools.widgets.figures import PALETTE, STYLE, show
from pytools.widgets.graph_stepper import describe_step, draw_step, step_through
from pytools.widgets.graph_steps import example_graph
from pytools.widgets.stepper import Stepper

__all__ = [
    "PALETTE",
    "STYLE",
    "Stepper",
    "describe_step",
    "draw_step",
    "example_graph",
    "show",
    "step_through",
]
