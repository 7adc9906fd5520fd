"""PyTorch models, losses and training."""

from pytools.models.dag import GatedSum, layer_outputs, share_weights
from pytools.models.elu_net import EluNet
from pytools.models.huber import HuberFunction
from pytools.models.lenet import LeNet5
from pytools.models.levels import autograd_step, module_step, tensor_step
from pytools.models.static_graph import Graph, Node, StaticGraph

__all__ = [
    "EluNet",
    "GatedSum",
    "Graph",
    "HuberFunction",
    "LeNet5",
    "Node",
    "StaticGraph",
    "autograd_step",
    "layer_outputs",
    "module_step",
    "share_weights",
    "tensor_step",
]
