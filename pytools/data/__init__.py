"""Data sets, all behind one call style: `<set>(split, root=None)` returns arrays."""

from pytools.data.digits import digits
from pytools.data.registry import DataSet, catalogue, data_root
from pytools.data.vision import cifar10, fashion_mnist, mnist

__all__ = ["DataSet", "catalogue", "cifar10", "data_root", "digits", "fashion_mnist", "mnist"]
