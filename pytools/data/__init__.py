"""Data sets, all behind one call style: `<set>(split, root=None)` returns arrays."""

from pytools.data.digits import digits
from pytools.data.registry import DataSet, catalogue, data_root

__all__ = ["DataSet", "catalogue", "data_root", "digits"]
