"""Convolutional nets from the layers beside this file: LeNet-5, and a small one for 8 × 8 digits.

A layer has forward(x), which remembers what backward(grad) needs; backward fills `grads` and
returns the gradient for x. A net is layers with names, one after the other. Source: LeCun, Bottou,
Bengio & Haffner (1998), Gradient-based learning applied to document recognition, here with ReLU and
max-pooling in place of tanh and trained means, and a softmax in place of radial basis functions.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from pytools.scratch.conv_blocks import conv2d_backward, conv2d_forward
from pytools.scratch.inputs import class_labels, finite_batch
from pytools.scratch.linear import softmax_cross_entropy
from pytools.scratch.optimizers import momentum
from pytools.scratch.pool import max_pool_backward, max_pool_forward


class Layer:
    """A layer without weights. params and grads: arrays by name, of equal shapes."""

    def __init__(self) -> None:
        self.params: dict[str, np.ndarray] = {}
        self.grads: dict[str, np.ndarray] = {}
        self.cache: Any = None


class Conv(Layer):
    """`filters` filters of f × f over `depth` channels, stride 1; float32, He's initialisation.

    input_grad: False for the first layer, where nobody asks for the images' gradient.
    """

    def __init__(
        self,
        filters: int,
        depth: int,
        f: int,
        pad: int,
        rng: np.random.Generator,
        input_grad: bool = True,
    ) -> None:
        super().__init__()
        self.pad, self.input_grad = pad, input_grad
        self.params = _weights((filters, depth, f, f), depth * f * f, rng)

    def forward(self, x: np.ndarray) -> np.ndarray:
        out, self.cache = conv2d_forward(x, self.params["w"], self.params["b"], 1, self.pad)
        return out

    def backward(self, grad: np.ndarray) -> np.ndarray | None:
        grad_x, self.grads["w"], self.grads["b"] = conv2d_backward(
            grad, self.cache, self.input_grad
        )
        return grad_x


class MaxPool(Layer):
    """The largest pixel of every 2 × 2, then ReLU.

    The order of the two does not matter, but this one takes the ReLU of a quarter of the numbers.
    """

    def forward(self, x: np.ndarray) -> np.ndarray:
        out, cache = max_pool_forward(x, 2, 2)
        np.maximum(out, 0, out=out)
        self.cache = cache, out
        return out

    def backward(self, grad: np.ndarray) -> np.ndarray:
        cache, out = self.cache
        return max_pool_backward(grad * (out > 0), cache)


class Linear(Layer):
    """x (N, ...) as rows (N, n_in), times w (n_in, n_out), plus b; then ReLU, but for the last."""

    def __init__(self, n_in: int, n_out: int, rng: np.random.Generator, relu: bool = True) -> None:
        super().__init__()
        self.relu = relu
        self.params = _weights((n_in, n_out), n_in, rng)

    def forward(self, x: np.ndarray) -> np.ndarray:
        rows = x.reshape(len(x), -1)
        n_in = len(self.params["w"])
        if rows.shape[1] != n_in:
            raise ValueError(
                f"x must bring {n_in} numbers an image to this layer, but its shape is {x.shape}: "
                "are the images of the size that the net was made for?"
            )
        out = rows @ self.params["w"] + self.params["b"]
        if self.relu:
            np.maximum(out, 0, out=out)
        self.cache = x.shape, rows, out
        return out

    def backward(self, grad: np.ndarray) -> np.ndarray:
        shape, rows, out = self.cache
        if self.relu:
            grad = grad * (out > 0)
        self.grads = {"w": rows.T @ grad, "b": grad.sum(axis=0)}
        return (grad @ self.params["w"].T).reshape(shape)


class Net:
    """Layers with names, in order, from images (N, C, H, W) to scores (N, 10)."""

    def __init__(self, layers: dict[str, Any]) -> None:
        self.layers = layers

    def outputs(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """What each layer gives for the images x, by its name; the last ones are the scores."""
        found = {}
        for name, layer in self.layers.items():
            x = found[name] = layer.forward(x)
        return found

    def scores(self, x: np.ndarray) -> np.ndarray:
        """The scores (N, 10) for images x (N, C, H, W)."""
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    def loss(self, x: np.ndarray, labels: np.ndarray) -> float:
        """Softmax cross-entropy, mean over the batch; its gradients go to each layer's `grads`."""
        loss, grad = softmax_cross_entropy(self.scores(x), labels)
        for layer in reversed(self.layers.values()):
            grad = layer.backward(grad)
        return loss

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The digit with the highest score for each image, (N,), a few hundred at a time."""
        x = finite_batch("x", x, 4)
        parts = np.array_split(x, -(-len(x) // 256))
        return np.concatenate([self.scores(part).argmax(axis=1) for part in parts])

    def num_params(self) -> int:
        """How many weights and biases there are."""
        return sum(p.size for layer in self.layers.values() for p in layer.params.values())


def lenet5(rng: np.random.Generator) -> Net:
    """LeNet-5 for 28 × 28: 1→6 5×5 (pad 2), pool, 6→16 5×5, pool, 400→120→84→10; 61,706 weights.

    The padding makes 32 × 32 of the image, as in the paper, whose c5 is the layer fc1 here.
    """
    return Net(
        {
            "c1": Conv(6, 1, 5, 2, rng, input_grad=False),
            "s2": MaxPool(),
            "c3": Conv(16, 6, 5, 0, rng),
            "s4": MaxPool(),
            "c5": Linear(400, 120, rng),
            "f6": Linear(120, 84, rng),
            "out": Linear(84, 10, rng, relu=False),
        }
    )


def small_lenet(rng: np.random.Generator) -> Net:
    """The same plan for 8 × 8: 1→16 3×3 (pad 1), pool, 16→32 3×3 (pad 1), pool, 128→64→10."""
    return Net(
        {
            "c1": Conv(16, 1, 3, 1, rng, input_grad=False),
            "s2": MaxPool(),
            "c3": Conv(32, 16, 3, 1, rng),
            "s4": MaxPool(),
            "f5": Linear(128, 64, rng),
            "out": Linear(64, 10, rng, relu=False),
        }
    )


def train_net(
    net: Net,
    x: np.ndarray,
    labels: np.ndarray,
    epochs: int,
    rng: np.random.Generator,
    lr: float = 0.04,
    batch: int = 64,
    decay: float = 1e-3,
) -> Iterator[float]:
    """Train a net in place; after each epoch, yield the mean loss of its batches.

    x (N, C, H, W) float32, labels (N,), integers below 10, epochs >= 1. Momentum 0.9; the learning
    rate rises to lr over the first tenth of all steps and falls to 0 from there on, in straight
    lines (Smith, 2018, has such a cycle). decay: weights, not biases, get this part of themselves
    added to their gradient (Krogh & Hertz, 1992). The order of the images comes from rng. Raises
    ValueError for images or labels that the net cannot take.
    """
    x = finite_batch("x", x, 4)
    labels = class_labels("labels", labels, len(x))
    if epochs < 1 or batch < 1:
        raise ValueError(f"epochs and batch must be at least 1, but are {epochs} and {batch}")
    per_epoch = -(-len(x) // batch)
    states: dict[tuple[str, str], dict] = {}
    step = 0
    for _ in range(epochs):
        losses = []
        for rows in np.array_split(rng.permutation(len(x)), per_epoch):
            done = step / (epochs * per_epoch)
            rate = lr * min(done / 0.1, (1 - done) / 0.9)
            losses.append(net.loss(x[rows], labels[rows]))
            for layer_name, layer in net.layers.items():
                for name, value in layer.params.items():
                    key = layer_name, name
                    grad = layer.grads[name] + (decay * value if name == "w" else 0)
                    layer.params[name], states[key] = momentum(
                        value, grad, states.get(key, {}), rate
                    )
            step += 1
        yield float(np.mean(losses))


def _weights(shape: tuple[int, ...], n_in: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """w with standard deviation √(2 / n_in) (He et al., 2015), and a bias 0 for each unit."""
    w = np.sqrt(2 / n_in) * rng.standard_normal(shape)
    units = shape[0] if len(shape) == 4 else shape[1]
    return {"w": w.astype(np.float32), "b": np.zeros(units, np.float32)}
