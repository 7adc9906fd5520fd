"""Figures in the house style, and interactive ones."""

from pytools.widgets.figures import PALETTE, STYLE, show
from pytools.widgets.graph_stepper import describe_step, draw_step, step_through
from pytools.widgets.graph_steps import example_graph
from pytools.widgets.landscapes import LANDSCAPES
from pytools.widgets.optimizer_race import describe_race, draw_race, race
from pytools.widgets.stepper import Stepper

__all__ = [
    "LANDSCAPES",
    "PALETTE",
    "STYLE",
    "Stepper",
    "describe_race",
    "describe_step",
    "draw_race",
    "draw_step",
    "example_graph",
    "race",
    "show",
    "step_through",
]
