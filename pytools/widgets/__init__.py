"""Figures in the house style, and interactive ones."""

from pytools.widgets.ask_scene import AskScene, describe_answers, draw_answers
from pytools.widgets.attention_maps import AttentionMaps, describe_attention, draw_attention
from pytools.widgets.budget import Study, budget_slider, describe_budget, draw_budget
from pytools.widgets.confusion import ConfusionImages, describe_confusion, draw_confusion
from pytools.widgets.ctc_lattice import LineReading, describe_lattice, draw_lattice, watch_lattice
from pytools.widgets.embedding import (
    PlaneExplorer,
    describe_plane,
    draw_plane,
    explore_plane,
    learn_plane,
)
from pytools.widgets.face_sliders import FaceSliders, describe_face, draw_face, judged
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
from pytools.widgets.growing_net import describe_growth, draw_growth, watch_growth
from pytools.widgets.landscapes import LANDSCAPES
from pytools.widgets.layers_stepper import describe_layer, draw_layer, watch_layers
from pytools.widgets.optimizer_race import describe_race, draw_race, race
from pytools.widgets.pictures import draw_pictures, mosaic
from pytools.widgets.rbm_stepper import describe_rbm, draw_rbm, watch_rbm
from pytools.widgets.readings import describe_readings, draw_readings
from pytools.widgets.roofline import describe_roofline, draw_roofline, watch_roofline
from pytools.widgets.stepper import Stepper
from pytools.widgets.views_stepper import Readers, compare_views, describe_view, draw_view

__all__ = [
    "LANDSCAPES",
    "PALETTE",
    "STYLE",
    "AskScene",
    "AttentionMaps",
    "ConfusionImages",
    "FaceSliders",
    "FeatureMaps",
    "FilterWalk",
    "GateReader",
    "GraphDiffusion",
    "LineReading",
    "PlaneExplorer",
    "Readers",
    "Stepper",
    "Study",
    "budget_slider",
    "compare_views",
    "describe_answers",
    "describe_attention",
    "describe_budget",
    "describe_confusion",
    "describe_diffusion",
    "describe_face",
    "describe_graph_and_tape",
    "describe_growth",
    "describe_lattice",
    "describe_layer",
    "describe_maps",
    "describe_place",
    "describe_plane",
    "describe_race",
    "describe_rbm",
    "describe_reading",
    "describe_readings",
    "describe_roofline",
    "describe_step",
    "describe_view",
    "draw_answers",
    "draw_attention",
    "draw_budget",
    "draw_confusion",
    "draw_diffusion",
    "draw_face",
    "draw_graph_and_tape",
    "draw_growth",
    "draw_lattice",
    "draw_layer",
    "draw_maps",
    "draw_misfit",
    "draw_pictures",
    "draw_place",
    "draw_plane",
    "draw_race",
    "draw_rbm",
    "draw_reading",
    "draw_readings",
    "draw_roofline",
    "draw_step",
    "draw_view",
    "example_graph",
    "explore_plane",
    "graph_against_tape",
    "judged",
    "learn_plane",
    "mosaic",
    "race",
    "show",
    "step_through",
    "watch_growth",
    "watch_lattice",
    "watch_layers",
    "watch_rbm",
    "watch_roofline",
]
