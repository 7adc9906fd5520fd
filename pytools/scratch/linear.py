"""A linear classifier's parts: centred data in, softmax cross-entropy out."""

import numpy as np

from pytools.scratch.inputs import class_labels, finite_batch


def mean_center(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both sets, minus the mean of the training set over axis 0.

    train (N, ...), test (M, ...) of equal shape behind axis 0, real numbers. Returns train_c and
    test_c, of these shapes, float32 where the input is float32, else float64; train_c has mean 0
    in every entry, test_c hardly ever: its statistics are not looked at. Raises ValueError for
    shapes that do not fit, an empty or non-finite array. Source: LeCun, Bottou, Orr & Müller
    (1998), Efficient BackProp, section 4.3.
    """
    train, test = finite_batch("train", train), finite_batch("test", test)
    if train.shape[1:] != test.shape[1:]:
        raise ValueError(
            f"train and test must have one shape behind axis 0, "
            f"but have {train.shape} and {test.shape}"
        )
    mean = train.mean(axis=0, dtype=np.float64)  # float32 would lose digits over many rows

    def centered(x: np.ndarray) -> np.ndarray:
        return x - mean.astype(x.dtype if x.dtype.kind == "f" else np.float64)

    return centered(train), centered(test)


def softmax_cross_entropy(scores: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Softmax cross-entropy, mean over the batch, and its gradient for the scores.

    scores (N, C), floats of any size; labels (N,), integers in [0, C). With s = scores,
    loss = 1/N Σ_n (log Σ_c exp s_nc - s_n,label) and grad (N, C) = (softmax(s) - one-hot) / N.
    Taking each row's largest score off first changes neither, and nothing can overflow. Raises
    ValueError for shapes that do not fit, labels out of range, an empty or non-finite batch.
    Source: Bridle (1990), Training stochastic model recognition algorithms as networks.
    """
    scores = finite_batch("scores", scores, ndim=2)
    n, num_classes = scores.shape
    labels = class_labels("labels", labels, n)
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(
            f"labels must be 0 to {num_classes - 1}, one of the {num_classes} columns of scores, "
            f"but reach from {labels.min()} to {labels.max()}"
        )
    shifted = scores - scores.max(axis=1, keepdims=True)
    exps = np.exp(shifted)
    sums = exps.sum(axis=1, keepdims=True)
    rows = np.arange(n)
    loss = np.mean(np.log(sums[:, 0]) - shifted[rows, labels])
    grad = exps / sums
    grad[rows, labels] -= 1
    return loss, grad / n
