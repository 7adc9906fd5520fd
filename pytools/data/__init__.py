"""Data sets, all behind one call style: `<set>(split, root=None)` returns arrays."""

from pytools.data.captioned_photos import captioned_photos
from pytools.data.digits import digits
from pytools.data.faces import annotate, draw_faces, face_scores, faces, sample_faces
from pytools.data.graphs import citeseer, cora, digits_graph, karate_club, mutag
from pytools.data.line_images import line_images
from pytools.data.omniglot import omniglot, omniglot_runs
from pytools.data.patches import patches
from pytools.data.rated_photos import rated_photos
from pytools.data.registry import DataSet, catalogue, data_root
from pytools.data.scene_questions import (
    Question,
    parse_question,
    plain_question,
    scene_questions,
    true_answer,
)
from pytools.data.scenes import (
    Scene,
    SceneObject,
    captions,
    draw_scenes,
    relation,
    sample_scenes,
    scenes,
)
from pytools.data.text import makemore_names, names, python_text, tiny_shakespeare
from pytools.data.text_lines import SYMBOLS, draw_line, text_lines, to_numbers, to_text
from pytools.data.vision import cifar10, fashion_mnist, mnist

__all__ = [
    "SYMBOLS",
    "DataSet",
    "Question",
    "Scene",
    "SceneObject",
    "annotate",
    "captioned_photos",
    "captions",
    "catalogue",
    "cifar10",
    "citeseer",
    "cora",
    "data_root",
    "digits",
    "digits_graph",
    "draw_faces",
    "draw_line",
    "draw_scenes",
    "face_scores",
    "faces",
    "fashion_mnist",
    "karate_club",
    "line_images",
    "makemore_names",
    "mnist",
    "mutag",
    "names",
    "omniglot",
    "omniglot_runs",
    "parse_question",
    "patches",
    "plain_question",
    "python_text",
    "rated_photos",
    "relation",
    "sample_faces",
    "sample_scenes",
    "scene_questions",
    "scenes",
    "text_lines",
    "tiny_shakespeare",
    "to_numbers",
    "to_text",
    "true_answer",
]
