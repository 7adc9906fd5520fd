"""Data sets, all behind one call style: `<set>(split, root=None)` returns arrays."""

from pytools.data.digits import digits
from pytools.data.faces import annotate, draw_faces, face_scores, faces, sample_faces
from pytools.data.graphs import citeseer, cora, digits_graph, karate_club, mutag
from pytools.data.omniglot import omniglot, omniglot_runs
from pytools.data.patches import patches
from pytools.data.rated_photos import rated_photos
from pytools.data.registry import DataSet, catalogue, data_root
from pytools.data.text import makemore_names, names, python_text, tiny_shakespeare
from pytools.data.vision import cifar10, fashion_mnist, mnist

__all__ = [
    "DataSet",
    "annotate",
    "catalogue",
    "cifar10",
    "citeseer",
    "cora",
    "data_root",
    "digits",
    "digits_graph",
    "draw_faces",
    "face_scores",
    "faces",
    "fashion_mnist",
    "karate_club",
    "makemore_names",
    "mnist",
    "mutag",
    "names",
    "omniglot",
    "omniglot_runs",
    "patches",
    "python_text",
    "rated_photos",
    "sample_faces",
    "tiny_shakespeare",
]
