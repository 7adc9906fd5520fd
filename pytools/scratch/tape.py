"""Reverse-mode automatic differentiation over NumPy arrays, on a tape.

Every operation returns a new Tensor that remembers its parents and its rule: how a gradient for
the result becomes gradients for the parents. `backward` walks the graph once, from the result to
the inputs, and applies each rule (reverse mode; Baydin, Pearlmutter, Radul & Siskind, 2018,
Automatic differentiation in machine learning: a survey). The shape of the code follows micrograd
(Karpathy, 2020), with arrays in the place of numbers.

    >>> x, y, z = Tensor([1.0, 2.0]), Tensor([3.0, 4.0]), Tensor([5.0, 6.0])
    >>> c = (x * y + z).sum()
    >>> c.backward()
    >>> x.grad
    array([3., 4.])
"""

from collections.abc import Callable, Sequence

import numpy as np

from pytools.scratch.backprop import matmul_backward, topological_order, unbroadcast


class Tensor:
    """An array that remembers how it was computed.

    data: array of any shape, not copied; float32 stays float32, float64 stays float64, integers
    become float64. A number or an array that meets a Tensor takes the Tensor's dtype.
    grad: None, then, after root.backward(), ∂root/∂data, with the shape and dtype of data.
    parents: the Tensors that this one was computed from.
    rule: maps the gradient for this Tensor to a gradient for each parent, in their order.

    Operations, with NumPy's broadcasting, axes and keepdims: + - * / between Tensors, numbers and
    arrays; ** with a number; @ between matrices; relu, exp, log, sum, mean.
    """

    __array_ufunc__ = None  # so that `array * tensor` is ours: NumPy would go entry by entry

    def __init__(
        self,
        data: np.ndarray,
        parents: Sequence["Tensor"] = (),
        rule: Callable[[np.ndarray], Sequence[np.ndarray]] = lambda grad: (),
    ):
        data = np.asarray(data)
        self.data = data if data.dtype.kind == "f" else data.astype(np.float64)
        self.grad = None
        self.parents = parents
        self.rule = rule

    def backward(self) -> None:
        """Set `.grad` of every Tensor that this number came from; old gradients are forgotten."""
        if self.data.size != 1:
            raise ValueError(
                f"backward starts from a single number, but this Tensor has shape "
                f"{self.data.shape}: take .sum() or .mean() first"
            )
        order = topological_order(self)
        for node in order:
            node.grad = np.zeros_like(node.data)
        self.grad = np.ones_like(self.data)
        for node in reversed(order):
            for parent, grad in zip(node.parents, node.rule(node.grad), strict=True):
                parent.grad += unbroadcast(grad, parent.data.shape)

    def _lift(self, other) -> "Tensor":
        """`other` as a Tensor; numbers and arrays are constants of this Tensor's dtype."""
        return other if isinstance(other, Tensor) else Tensor(np.asarray(other, self.data.dtype))

    def __add__(self, other) -> "Tensor":
        other = self._lift(other)
        out = self.data + other.data
        return Tensor(out, (self, other), lambda grad: (grad, grad))

    def __mul__(self, other) -> "Tensor":
        other = self._lift(other)
        out = self.data * other.data
        return Tensor(out, (self, other), lambda grad: (grad * other.data, grad * self.data))

    def __pow__(self, power: float) -> "Tensor":
        out = self.data**power
        return Tensor(out, (self,), lambda grad: (grad * power * self.data ** (power - 1),))

    def __matmul__(self, other) -> "Tensor":
        other = self._lift(other)
        out = self.data @ other.data
        return Tensor(out, (self, other), lambda grad: matmul_backward(grad, self.data, other.data))

    def relu(self) -> "Tensor":
        out = np.maximum(self.data, 0)
        return Tensor(out, (self,), lambda grad: (grad * (self.data > 0),))

    def exp(self) -> "Tensor":
        out = np.exp(self.data)
        return Tensor(out, (self,), lambda grad: (grad * out,))

    def log(self) -> "Tensor":
        out = np.log(self.data)
        return Tensor(out, (self,), lambda grad: (grad / self.data,))

    def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> "Tensor":
        total = self.data.sum(axis=axis, keepdims=True)
        out = total if keepdims else total.squeeze(axis)
        spread = np.ones_like(self.data)
        return Tensor(out, (self,), lambda grad: (grad.reshape(total.shape) * spread,))

    def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> "Tensor":
        total = self.sum(axis, keepdims)
        return total * (total.data.size / self.data.size)

    # The other operations are made of these.
    def __neg__(self) -> "Tensor":
        return self * -1

    def __sub__(self, other) -> "Tensor":
        return self + -self._lift(other)

    def __truediv__(self, other) -> "Tensor":
        return self * self._lift(other) ** -1.0

    def __rsub__(self, other) -> "Tensor":
        return -self + other

    def __rtruediv__(self, other) -> "Tensor":
        return self**-1.0 * other

    def __rmatmul__(self, other) -> "Tensor":
        return self._lift(other) @ self

    __radd__ = __add__
    __rmul__ = __mul__


def cross_entropy(scores: Tensor, labels: np.ndarray) -> Tensor:
    """Softmax cross-entropy, mean over the batch: a Tensor holding one number.

    scores: Tensor (N, C); labels: integers (N,) in [0, C). With s = scores,
    1/N Σ_n (log Σ_c exp s_nc - s_n,label). The largest score of each row is taken off first,
    which changes nothing but keeps exp from overflowing.
    """
    shifted = scores - scores.data.max(axis=1, keepdims=True)
    one_hot = np.eye(scores.data.shape[1])[labels]
    return (shifted.exp().sum(axis=1).log() - (shifted * one_hot).sum(axis=1)).mean()
