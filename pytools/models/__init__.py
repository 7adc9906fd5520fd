"""PyTorch models, losses and training."""

from pytools.models import (
    captioning_study,
    matching,
    ocr_study,
    recogniser,
    scoring_runs,
    scoring_study,
    scoring_table,
    vqa,
)
from pytools.models.attention import attend, caption_loss
from pytools.models.batches import ShuffledBatches, augment, loader
from pytools.models.caption_writing import (
    backwards,
    beam,
    log_probability,
    looks,
    rescored,
)
from pytools.models.captioner import (
    Captioner,
    WordDetectors,
    features_of,
    train_captioner,
    train_detectors,
)
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
from pytools.models.flops import forward_flops, parameters_of, training_flops
from pytools.models.huber import HuberFunction, huber_loss
from pytools.models.image_data import ImageData, load_data
from pytools.models.lenet import LeNet5
from pytools.models.levels import autograd_step, module_step, tensor_step
from pytools.models.matching import ranking_loss
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
from pytools.models.stored import trained
from pytools.models.stored_study import keep_study, kept_study
from pytools.models.training import Trainer
from pytools.models.transfer import (
    bag_of_words,
    best_classifier,
    extract_features,
    finetune_groups,
)
from pytools.models.visual_words import dense_descriptors, learn_codebook
from pytools.models.vqa import fuse

__all__ = [
    "LAYERS",
    "Captioner",
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
    "WordDetectors",
    "Work",
    "accuracy",
    "attend",
    "augment",
    "autograd_step",
    "average_gradients",
    "backwards",
    "bag_of_words",
    "beam",
    "best_classifier",
    "best_device",
    "build_net",
    "cached_features",
    "caption_loss",
    "captioning_study",
    "confusion_matrix",
    "deepen",
    "dense_descriptors",
    "describe_device",
    "distance_ratio",
    "efficientnet_lite0",
    "embed",
    "extract_features",
    "features_of",
    "finetune_groups",
    "forward_flops",
    "fuse",
    "gflops",
    "grow",
    "halve_until_it_fits",
    "hinge_embedding",
    "huber_loss",
    "images_per_second",
    "keep_study",
    "kept_study",
    "l1_distance",
    "layer_outputs",
    "learn_codebook",
    "learning_rate",
    "load_data",
    "loader",
    "log_probability",
    "looks",
    "matching",
    "measure_roof",
    "measure_work",
    "module_step",
    "ocr_study",
    "pairs_loss",
    "parameters_of",
    "published_peak",
    "ranking_loss",
    "ratio_loss",
    "recogniser",
    "rescored",
    "resume",
    "scoring_runs",
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
    "train_captioner",
    "train_detectors",
    "train_embedding",
    "train_from_files",
    "train_step",
    "trained",
    "training_flops",
    "triplet_loss",
    "triplets_loss",
    "vqa",
    "widen",
    "write_report",
]
