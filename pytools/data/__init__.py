"""Data sets, all behind one call style: `<set>(split, root=None)` returns arrays."""

from pytools.data.digits import digits
from pytools.data.graphs import citeseer, cora, digits_graph, karate_club, mutag
from pytools.data.registry import DataSet, catalogue, data_root
from pytools.data.text import makemore_names, names, python_text, tiny_shakespeare
from pytools.data.vision import cifar10, fashion_mnist, mnist

__all__ = [
    "DataSet",
    "catalogue",
    "cifar10",
    "citeseer",
    "cora",
    "data_root",
    "digits",
    "digits_graph",
    "fashion_mnist",
    "karate_club",
    "makemore_names",
    "mnist",
    "mutag",
    "names",
    "python_text",
    "tiny_shakespeare",
]
