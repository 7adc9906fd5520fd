"""Net2Net: a layer made wider, or a layer more, and the net still computes the same function.

Weights as torch lays them out: linear (out, in), convolution (out, in, F, F). Source: Chen,
Goodfellow & Shlens (2016), Net2Net: accelerating learning via knowledge transfer.
"""

import numpy as np

Weights = tuple[np.ndarray, np.ndarray, np.ndarray]


def copy_units(width: int, new_width: int, rng: np.random.Generator) -> tuple:
    """Which old unit each new one copies, and the share of its outgoing weights that it gets.

    Returns source (new_width,), ints, where the first `width` are 0, 1, 2, … and the others drawn,
    each old unit being equally likely; and share (new_width,), 1 over the number of units with the
    same source. Raises ValueError where new_width is below width.
    """
    if new_width < width:
        raise ValueError(
            f"new_width must be at least the old width, {width}, but is {new_width}: "
            "units can be added, not taken away"
        )
    source = np.concatenate([np.arange(width), rng.integers(width, size=new_width - width)])
    return source, 1 / np.bincount(source)[source]


def widen_linear(
    w1: np.ndarray,
    b1: np.ndarray,
    w2: np.ndarray,
    new_width: int,
    rng: np.random.Generator,
    noise: float = 0.0,
) -> Weights:
    """A linear layer with more units, and the next linear layer made to fit.

    w1 (H, D), b1 (H,): the layer; w2 (O, H): the next one; any activation between them that works
    unit by unit. Old units keep their place. New ones copy random old ones; noise from
    N(0, noise²) is added to their rows of w1. What a unit sends on is shared by all its copies.
    Returns w1 (new_width, D), b1 (new_width,), w2 (O, new_width), new arrays of the inputs' dtypes.
    Raises ValueError where the shapes do not fit, or new_width is below H.
    """
    return _widen(w1, b1, w2, new_width, rng, noise, axes=(2,))


def widen_conv(
    w1: np.ndarray,
    b1: np.ndarray,
    w2: np.ndarray,
    new_width: int,
    rng: np.random.Generator,
    noise: float = 0.0,
) -> Weights:
    """A convolution with more channels, and the next layer made to fit.

    w1 (K, C, F, F), b1 (K,); w2 is the next convolution, (O, K, G, G), or a linear layer that sees
    the flattened maps, (O, K·P), NCHW: channel 0's P places first, then channel 1's. Otherwise as
    widen_linear, a channel being a unit.
    """
    return _widen(w1, b1, w2, new_width, rng, noise, axes=(2, 4))


def _widen(w1, b1, w2, new_width, rng, noise, axes) -> Weights:
    width = len(w1)
    _check(w1, b1, w2, axes)
    source, share = copy_units(width, new_width, rng)
    wide1, wide_b1 = w1[source], b1[source]  # copies: the caller's arrays stay
    added = noise * rng.standard_normal(wide1[width:].shape)
    wide1[width:] += added.astype(w1.dtype)
    by_unit = w2.reshape(len(w2), width, -1)  # (O, H, what one unit sends)
    wide2 = by_unit[:, source] * share[:, None].astype(w2.dtype)
    return wide1, wide_b1, wide2.reshape(len(w2), -1, *w2.shape[2:])


def _check(w1: np.ndarray, b1: np.ndarray, w2: np.ndarray, axes: tuple[int, ...]) -> None:
    width = len(w1)
    if w1.ndim != axes[-1] or b1.shape != (width,):
        kind = "(H, D)" if axes[-1] == 2 else "(K, C, F, F)"
        raise ValueError(
            f"w1 must be {kind} and b1 have one entry a row of it, "
            f"but they have shapes {w1.shape} and {b1.shape}"
        )
    flattened = w2.ndim == 2 and len(axes) == 2
    fits = w2.ndim in axes and (w2.shape[1] % width == 0 if flattened else w2.shape[1] == width)
    if not fits:
        raise ValueError(
            f"w2 must take what the {width} units of w1 send, but has shape {w2.shape}: "
            "is it the layer right after w1?"
        )


def deepen_linear(width: int) -> tuple[np.ndarray, np.ndarray]:
    """A linear layer that changes nothing: w (width, width), the identity, and b (width,), zeros.

    Between a ReLU and another one the net stays what it was, since relu(relu(h)) = relu(h).
    Float64. Raises ValueError for a width below 1.
    """
    if width < 1:
        raise ValueError(f"width must be at least 1, but is {width}")
    return np.eye(width), np.zeros(width)


def deepen_conv(channels: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """A convolution that changes nothing, with stride 1 and padding k // 2.

    w (channels, channels, k, k): 1 in the middle of each channel's filter for itself (a Dirac
    kernel), 0 elsewhere; b (channels,), zeros. Float64. Raises ValueError for channels below 1 and
    for an even k, which has no middle.
    """
    if channels < 1:
        raise ValueError(f"channels must be at least 1, but is {channels}")
    if k < 1 or k % 2 == 0:
        raise ValueError(f"k must be odd, so that the filter has a middle, but is {k}")
    w = np.zeros((channels, channels, k, k))
    w[range(channels), range(channels), k // 2, k // 2] = 1.0
    return w, np.zeros(channels)
