"""PyTorch models, losses and training."""

from pytools.models import scoring_study, scoring_table
from pytools.models.batches import ShuffledBatches, augment, loader
from pytools.models.checkpoints import Snapshots, resume
from pytools.models.dag import GatedSum, layer_outputs, share_weights
from pytools.models.devices import (
    best_device,
    describe_device,
    gflops,
    halve_until_it_fits,
    seconds_of,
    synchronize,
    time_matmul,
    train_step,
)
from pytools.models.elu_net import EluNet
from pytools.models.embedding import (
    EmbeddingNet,
    embed,
    pairs_loss,
    ratio_loss,
    train_embedding,
    triplets_loss,
)
from pytools.models.fast_path import images_per_second, published_peak, stored_table
from pytools.models.feature_cache import cached_features
from pytools.models.flops import forward_flops, training_flops
from pytools.models.huber import HuberFunction
from pytools.models.image_data import ImageData, load_data
from pytools.models.lenet import LeNet5
from pytools.models.levels import autograd_step, module_step, tensor_step
from pytools.models.metrics import accuracy, confusion_matrix
from pytools.models.net2net import Shift, deepen, grow, widen
from pytools.models.net_config import LAYERS, build_net
from pytools.models.no_code import train_from_files
from pytools.models.parallel import average_gradients, torchrun
from pytools.models.pretrained import EfficientNetLite0, efficientnet_lite0
from pytools.models.report import write_report
from pytools.models.roofline import Roof, Work, measure_roof, measure_work
from pytools.models.schedules import EarlyStopping, learning_rate, step_lr
from pytools.models.siamese import distance_ratio, hinge_embedding, l1_distance, triplet_loss
from pytools.models.solver_config import Solver
from pytools.models.static_graph import Graph, Node, StaticGraph
from pytools.models.training import Trainer
from pytools.models.transfer import (
    bag_of_words,
    best_classifier,
    extract_features,
    finetune_groups,
)
from pytools.models.visual_words import dense_descriptors, learn_codebook

__all__ = [
    "LAYERS",
    "EarlyStopping",
    "EfficientNetLite0",
    "EluNet",
    "EmbeddingNet",
    "GatedSum",
    "Graph",
    "HuberFunction",
    "ImageData",
    "LeNet5",
    "Node",
    "Roof",
    "Shift",
    "ShuffledBatches",
    "Snapshots",
    "Solver",
    "StaticGraph",
    "Trainer",
    "Work",
    "accuracy",
    "augment",
    "autograd_step",
    "average_gradients",
    "bag_of_words",
    "best_classifier",
    "best_device",
    "build_net",
    "cached_features",
    "confusion_matrix",
    "deepen",
    "dense_descriptors",
    "describe_device",
    "distance_ratio",
    "efficientnet_lite0",
    "embed",
    "extract_features",
    "finetune_groups",
    "forward_flops",
    "gflops",
    "grow",
    "halve_until_it_fits",
    "hinge_embedding",
    "images_per_second",
    "l1_distance",
    "layer_outputs",
    "learn_codebook",
    "learning_rate",
    "load_data",
    "loader",
    "measure_roof",
    "measure_work",
    "module_step",
    "pairs_loss",
    "published_peak",
    "ratio_loss",
    "resume",
    "scoring_study",
    "scoring_table",
    "seconds_of",
    "share_weights",
    "step_lr",
    "stored_table",
    "synchronize",
    "tensor_step",
    "time_matmul",
    "torchrun",
    "train_embedding",
    "train_from_files",
    "train_step",
    "training_flops",
    "triplet_loss",
    "triplets_loss",
    "widen",
    "write_report",
]
