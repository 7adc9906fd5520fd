"""Handwritten digits, 8×8: the small set that ships with scikit-learn."""

import os

import numpy as np

from pytools.data.registry import DataSet, register

DIGITS = register(
    DataSet(
        name="digits",
        what="1,797 handwritten digits, 0 to 9, by 13 writers",
        shape="images float32 (N, 1, 8, 8) in [0, 1], labels int64 (N,); N is 1442 and 355",
        licence="CC BY 4.0",
        source="Alpaydin & Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine "
        "Learning Repository; the test part, as shipped by scikit-learn",
        shipped=True,
    )
)


def digits(split: str, root: str | os.PathLike | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of handwritten digits.

    split: 'train' or 'test'. Every fifth image of each digit is for testing, the other four are
    for training: 20 % and 80 % of each class, the same on every machine.
    root: not used, since the set is shipped; every set takes it.

    Returns images, float32 (N, 1, 8, 8) in [0, 1], 0 being paper and 1 ink, and labels, int64
    (N,). N is 1442 ('train') or 355 ('test'). Raises ValueError for any other split.
    Source: Alpaydin & Kaynak (1998), UCI Machine Learning Repository.
    """
    DIGITS.check_split(split)
    from sklearn.datasets import load_digits  # here, since it takes a second to import

    images, labels = load_digits(return_X_y=True)
    is_test = np.zeros(len(labels), dtype=bool)
    for digit in range(10):
        is_test[np.flatnonzero(labels == digit)[4::5]] = True
    chosen = is_test if split == "test" else ~is_test
    images = (images[chosen] / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    return images, labels[chosen].astype(np.int64)
