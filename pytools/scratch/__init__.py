"""Reference implementations from scratch, in NumPy and SciPy only."""

from pytools.scratch.activations import (
    activation,
    activation_grad,
    dead_relu_fraction,
    init_weights,
)
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
from pytools.scratch.conv import (
    alexnet_shapes,
    conv2d_backward_loops,
    conv2d_forward_loops,
    conv_num_params,
    conv_output_size,
)
from pytools.scratch.conv_blocks import conv2d_backward, conv2d_forward
from pytools.scratch.images import gaussian_kernel, upsample
from pytools.scratch.lenet import Conv, Linear, MaxPool, Net, lenet5, small_lenet, train_net
from pytools.scratch.linear import mean_center, softmax_cross_entropy
from pytools.scratch.neighbours import knn_predict, pairwise_distance
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
from pytools.scratch.pool import max_pool_backward, max_pool_forward
from pytools.scratch.tape import Tensor, cross_entropy

__all__ = [
    "Conv",
    "Linear",
    "MaxPool",
    "Net",
    "Tensor",
    "activation",
    "activation_grad",
    "adagrad",
    "adam",
    "alexnet_shapes",
    "check_gradient",
    "conv2d_backward",
    "conv2d_backward_loops",
    "conv2d_forward",
    "conv2d_forward_loops",
    "conv_num_params",
    "conv_output_size",
    "cross_entropy",
    "dead_relu_fraction",
    "gaussian_kernel",
    "graph_gradients",
    "init_weights",
    "knn_predict",
    "layer_learning_rates",
    "lbfgs_direction",
    "lenet5",
    "matmul_backward",
    "max_pool_backward",
    "max_pool_forward",
    "mean_center",
    "minimize",
    "momentum",
    "nesterov",
    "numerical_gradient",
    "pairwise_distance",
    "relative_error",
    "rmsprop",
    "sgd",
    "small_lenet",
    "softmax_cross_entropy",
    "topological_order",
    "train_net",
    "train_two_layer",
    "two_layer_loss",
    "unbroadcast",
    "upsample",
]
