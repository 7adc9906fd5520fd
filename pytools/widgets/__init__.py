"""Figures in the house style, and interactive ones."""

from pytools.widgets.feature_maps import FeatureMaps, describe_maps, draw_maps
from pytools.widgets.figures import PALETTE, STYLE, show
from pytools.widgets.filter_walk import FilterWalk, describe_place, draw_misfit, draw_place
from pytools.widgets.gate_reader import GateReader, describe_reading, draw_reading
from pytools.widgets.graph_and_tape import (
    describe_graph_and_tape,
    draw_graph_and_tape,
    graph_against_tape,
)
from pytools.widgets.graph_diffusion import GraphDiffusion, describe_diffusion, draw_diffusion
from pytools.widgets.graph_stepper import describe_step, draw_step, step_through
from pytools.widgets.graph_steps import example_graph
from pytools.widgets.landscapes import LANDSCAPES
from pytools.widgets.layers_stepper import describe_layer, draw_layer, watch_layers
from pytools.widgets.optimizer_race import describe_race, draw_race, race
from pytools.widgets.pictures import draw_pictures, mosaic
from pytools.widgets.rbm_stepper import describe_rbm, draw_rbm, watch_rbm
from pytools.widgets.stepper import Stepper
from pytools.widgets.views_stepper import Readers, compare_views, describe_view, draw_view

__all__ = [
    "LANDSCAPES",
    "PALETTE",
    "STYLE",
    "FeatureMaps",
    "FilterWalk",
    "GateReader",
    "GraphDiffusion",
    "Readers",
    "Stepper",
    "compare_views",
    "describe_diffusion",
    "describe_graph_and_tape",
    "describe_layer",
    "describe_maps",
    "describe_place",
    "describe_race",
    "describe_rbm",
    "describe_reading",
    "describe_step",
    "describe_view",
    "draw_diffusion",
    "draw_graph_and_tape",
    "draw_layer",
    "draw_maps",
    "draw_misfit",
    "draw_pictures",
    "draw_place",
    "draw_race",
    "draw_rbm",
    "draw_reading",
    "draw_step",
    "draw_view",
    "example_graph",
    "graph_against_tape",
    "mosaic",
    "race",
    "show",
    "step_through",
    "watch_layers",
    "watch_rbm",
]
