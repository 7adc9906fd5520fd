"""Autoencoders: nets that learn to give back what they were given, through a narrow middle.

The loss is the same for all: the mean over the batch of ½‖x̂ - target‖², where target is x itself
unless it is given; a denoising autoencoder gets a spoilt x and the clean one as its target. Every
`*_loss(x, *params, target=None)` returns the loss and then the gradient for each of its params, so
that `train_autoencoder` can train any of them. float32 stays float32.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from scipy.special import expit

from pytools.scratch.inputs import finite_batch
from pytools.scratch.optimizers import adam
from pytools.scratch.shapes import fits

Arrays = tuple[np.ndarray, ...]


# --- one hidden layer ------------------------------------------------------------------------


def autoencoder_loss(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, c: np.ndarray, target: np.ndarray | None = None
) -> Arrays:
    """A tied autoencoder: code = σ(x w + b), x̂ = code wᵀ + c, one w for both ways.

    x (N, D), w (D, H), b (H,), c (D,), target (N, D). Returns loss, grad_w, grad_b, grad_c. Raises
    ValueError for shapes that do not fit, an empty or non-finite batch. Source: Bengio, Lamblin,
    Popovici & Larochelle (2007), Greedy layer-wise training of deep networks.
    """
    loss, grad_w, grad_b, grad_w_out, grad_c = untied_loss(x, w, b, w.T, c, target)
    return loss, grad_w + grad_w_out.T, grad_b, grad_c  # w is used twice: add both gradients


def untied_loss(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    w_out: np.ndarray,
    c: np.ndarray,
    target: np.ndarray | None = None,
) -> Arrays:
    """An autoencoder whose decoder has weights of its own: code = σ(x w + b), x̂ = code w_out + c.

    x (N, D), w (D, H), b (H,), w_out (H, D), c (D,), target (N, D). Returns loss, grad_w, grad_b,
    grad_w_out, grad_c. Raises as autoencoder_loss does. Source: Rumelhart, Hinton & Williams
    (1986), Learning internal representations by error propagation.
    """
    x, target = _batch(x, target)
    hidden = np.shape(w)[-1]
    fits(w=(w, (x.shape[1], hidden)), b=(b, (hidden,)))
    fits(w_out=(w_out, (hidden, x.shape[1])), c=(c, (x.shape[1],)))
    code = expit(x @ w + b)
    error = code @ w_out + c - target
    grad = error / len(x)
    grad_z = grad @ w_out.T * code * (1 - code)
    return _half_square(error), x.T @ grad_z, grad_z.sum(0), code.T @ grad, grad.sum(0)


# --- more layers -----------------------------------------------------------------------------


def deep_autoencoder(
    sizes: Sequence[int], rng: np.random.Generator, dtype: type = np.float64
) -> list[np.ndarray]:
    """Weights and biases for the layers sizes[0] → sizes[1] → …, as [w, b, w, b, …].

    The narrowest layer is the code. w is normal with standard deviation √(1 / n_in) (Glorot &
    Bengio, 2010), b is 0. Raises ValueError for fewer than three sizes, or a last one that is not
    the first.
    """
    if len(sizes) < 3 or sizes[0] != sizes[-1]:
        raise ValueError(f"sizes must be three or more and end as they began, but are {sizes}")
    params = []
    for n_in, n_out in pairwise(sizes):
        params += [rng.standard_normal((n_in, n_out)) / np.sqrt(n_in), np.zeros(n_out)]
    return [p.astype(dtype) for p in params]


def deep_loss(x: np.ndarray, *params: np.ndarray, target: np.ndarray | None = None) -> Arrays:
    """An autoencoder of several layers: tanh between them, the code and the output linear.

    x (N, D), params as from deep_autoencoder. Returns loss and a gradient for each of params.
    Raises ValueError for an empty or non-finite batch, or one whose width is not that of the first
    layer. Source: Hinton & Salakhutdinov (2006), Reducing the dimensionality of data with neural
    networks.
    """
    x, target = _batch(x, target)
    outputs = deep_outputs(x, params)
    error = outputs[-1] - target
    grad, grads, narrow = error / len(x), [], _narrowest(params)
    for layer in reversed(range(len(outputs))):
        if layer not in (narrow, len(outputs) - 1):
            grad = grad * (1 - outputs[layer] ** 2)
        below = outputs[layer - 1] if layer else x
        grads = [below.T @ grad, grad.sum(0), *grads]
        if layer:
            grad = grad @ params[2 * layer].T
    return _half_square(error), *grads


def deep_outputs(x: np.ndarray, params: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What each layer gives for x (N, D); the last is x̂. Raises ValueError where x does not fit."""
    fits(x=(x, (len(x), len(params[0]))))
    outputs, last, narrow = [], len(params) // 2 - 1, _narrowest(params)
    for layer, (w, b) in enumerate(zip(params[::2], params[1::2], strict=True)):
        x = x @ w + b
        outputs.append(x := x if layer in (narrow, last) else np.tanh(x))
    return outputs


def deep_code(x: np.ndarray, params: Sequence[np.ndarray]) -> np.ndarray:
    """The code of x (N, D): what the narrowest layer gives, (N, its size)."""
    return deep_outputs(x, params)[_narrowest(params)]


def _narrowest(params: Sequence[np.ndarray]) -> int:
    widths = [len(b) for b in params[1::2]]
    return widths.index(min(widths))


# --- training --------------------------------------------------------------------------------


def train_autoencoder(
    loss: Callable[..., Arrays],
    params: Sequence[np.ndarray],
    x: np.ndarray,
    epochs: int,
    rng: np.random.Generator,
    lr: float = 0.01,
    batch: int = 64,
    spoil: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Iterator[tuple[list[np.ndarray], float]]:
    """Adam on batches of x (N, D), each epoch in a new order; lr falls to 0 in a straight line.

    loss(x, *params) -> loss, and a gradient for each of params; params are its first weights, and
    stay as they are. spoil turns a batch into what the net is shown instead, new each time, while
    the clean batch goes to loss as its target: a denoising autoencoder (Vincent et al., 2008).
    Yields after each epoch the weights and the mean loss over its batches. Raises ValueError for
    epochs or batch below 1, an empty or non-finite x.
    """
    x = finite_batch("x", x, ndim=2)
    if epochs < 1 or batch < 1:
        raise ValueError(f"epochs and batch must be at least 1, but are {epochs} and {batch}")
    params, states = list(params), [{} for _ in params]
    per_epoch, step = -(-len(x) // batch), 0
    for _ in range(epochs):
        losses = []
        for rows in np.array_split(rng.permutation(len(x)), per_epoch):
            clean = x[rows]
            if spoil is None:
                value, *grads = loss(clean, *params)
            else:
                value, *grads = loss(spoil(clean), *params, target=clean)
            losses.append(value)
            rate = lr * (1 - step / (epochs * per_epoch))
            steps = map(adam, params, grads, states, [rate] * len(params))
            params, states = map(list, zip(*steps, strict=True))
            step += 1
        yield params, float(np.mean(losses))


# --- helpers ---------------------------------------------------------------------------------


def _batch(x: np.ndarray, target: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    x = finite_batch("x", x, ndim=2)
    if target is None:
        return x, x
    fits(target=(target, x.shape))
    return x, np.asarray(target)


def _half_square(error: np.ndarray) -> float:
    return 0.5 * np.sum(error**2) / len(error)
