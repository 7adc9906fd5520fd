"""Reference implementations from scratch, in NumPy and SciPy only."""

from pytools.scratch.backprop import (
    check_gradient,
    graph_gradients,
    matmul_backward,
    numerical_gradient,
    relative_error,
    topological_order,
    train_two_layer,
    two_layer_loss,
    unbroadcast,
)
from pytools.scratch.optimizers import (
    adagrad,
    adam,
    layer_learning_rates,
    lbfgs_direction,
    minimize,
    momentum,
    nesterov,
    rmsprop,
    sgd,
)
from pytools.scratch.tape import Tensor, cross_entropy

__all__ = [
    "Tensor",
    "adagrad",
    "adam",
    "check_gradient",
    "cross_entropy",
    "graph_gradients",
    "layer_learning_rates",
    "lbfgs_direction",
    "matmul_backward",
    "minimize",
    "momentum",
    "nesterov",
    "numerical_gradient",
    "relative_error",
    "rmsprop",
    "sgd",
    "topological_order",
    "train_two_layer",
    "two_layer_loss",
    "unbroadcast",
]
