"""Reference implementations from scratch, in NumPy and SciPy only."""

from pytools.scratch.activations import (
    activation,
    activation_grad,
    dead_relu_fraction,
    init_weights,
)
from pytools.scratch.augmentation import augment
from pytools.scratch.autoencoder import (
    autoencoder_loss,
    deep_autoencoder,
    deep_code,
    deep_loss,
    deep_outputs,
    train_autoencoder,
    untied_loss,
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
from pytools.scratch.beam import beam_search
from pytools.scratch.bleu import bleu
from pytools.scratch.class_rbm import (
    class_cd1_gradients,
    class_free_energy,
    class_log_posterior,
    class_loss,
    train_class_rbm,
)
from pytools.scratch.conv import (
    alexnet_shapes,
    conv2d_backward_loops,
    conv2d_forward_loops,
    conv_num_params,
    conv_output_size,
)
from pytools.scratch.conv_blocks import conv2d_backward, conv2d_forward
from pytools.scratch.ctc import ctc_loss, ctc_loss_batch
from pytools.scratch.ctc_align import ctc_align, ctc_posterior
from pytools.scratch.ctc_decode import beam_decode, greedy_decode
from pytools.scratch.edit_distance import edit_alignment, edit_distance, error_rates
from pytools.scratch.gat import gat_attention, gat_backward, gat_forward
from pytools.scratch.gcn import Gcn, gcn_backward, gcn_forward, masked_cross_entropy, train_gcn
from pytools.scratch.graphs import (
    graph_readout,
    link_probability,
    neighbour_update,
    normalize_adjacency,
)
from pytools.scratch.images import gaussian_kernel, upsample
from pytools.scratch.lenet import Conv, Linear, MaxPool, Net, lenet5, small_lenet, train_net
from pytools.scratch.linear import mean_center, softmax_cross_entropy
from pytools.scratch.lstm import lstm_step, lstm_step_backward
from pytools.scratch.lstm_sequence import lstm_backward, lstm_forward
from pytools.scratch.neighbours import knn_predict, pairwise_distance
from pytools.scratch.net2net import copy_units, deepen_conv, deepen_linear, widen_conv, widen_linear
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
from pytools.scratch.padding import reverse_padded
from pytools.scratch.pairs import hardest_negatives, sample_pairs, sample_triplets
from pytools.scratch.plateau import is_stalled
from pytools.scratch.pool import max_pool_backward, max_pool_forward
from pytools.scratch.ranking import pearson, recall_at_k, spearman
from pytools.scratch.rbm import (
    cd1_gradients,
    gibbs,
    hidden_probability,
    log_partition,
    rbm_free_energy,
    reconstruct,
    start_rbm,
    train_rbm,
    visible_probability,
)
from pytools.scratch.reach import gradient_norms, lstm_reach, rnn_reach
from pytools.scratch.retrieval import answer_accuracy, recall_at_k_retrieval
from pytools.scratch.rnn import rnn_backward, rnn_forward, rnn_step, rnn_step_backward
from pytools.scratch.sampling import balanced_batch
from pytools.scratch.tape import Tensor, cross_entropy
from pytools.scratch.vocabulary import build_vocab, decode, encode
from pytools.scratch.writing import (
    Alphabet,
    Writer,
    bits_per_id,
    clip_gradients,
    sample,
    text_batches,
    train_writer,
)

__all__ = [
    "Alphabet",
    "Conv",
    "Gcn",
    "Linear",
    "MaxPool",
    "Net",
    "Tensor",
    "Writer",
    "activation",
    "activation_grad",
    "adagrad",
    "adam",
    "alexnet_shapes",
    "answer_accuracy",
    "augment",
    "autoencoder_loss",
    "balanced_batch",
    "beam_decode",
    "beam_search",
    "bits_per_id",
    "bleu",
    "build_vocab",
    "cd1_gradients",
    "check_gradient",
    "class_cd1_gradients",
    "class_free_energy",
    "class_log_posterior",
    "class_loss",
    "clip_gradients",
    "conv2d_backward",
    "conv2d_backward_loops",
    "conv2d_forward",
    "conv2d_forward_loops",
    "conv_num_params",
    "conv_output_size",
    "copy_units",
    "cross_entropy",
    "ctc_align",
    "ctc_loss",
    "ctc_loss_batch",
    "ctc_posterior",
    "dead_relu_fraction",
    "decode",
    "deep_autoencoder",
    "deep_code",
    "deep_loss",
    "deep_outputs",
    "deepen_conv",
    "deepen_linear",
    "edit_alignment",
    "edit_distance",
    "encode",
    "error_rates",
    "gat_attention",
    "gat_backward",
    "gat_forward",
    "gaussian_kernel",
    "gcn_backward",
    "gcn_forward",
    "gibbs",
    "gradient_norms",
    "graph_gradients",
    "graph_readout",
    "greedy_decode",
    "hardest_negatives",
    "hidden_probability",
    "init_weights",
    "is_stalled",
    "knn_predict",
    "layer_learning_rates",
    "lbfgs_direction",
    "lenet5",
    "link_probability",
    "log_partition",
    "lstm_backward",
    "lstm_forward",
    "lstm_reach",
    "lstm_step",
    "lstm_step_backward",
    "masked_cross_entropy",
    "matmul_backward",
    "max_pool_backward",
    "max_pool_forward",
    "mean_center",
    "minimize",
    "momentum",
    "neighbour_update",
    "nesterov",
    "normalize_adjacency",
    "numerical_gradient",
    "pairwise_distance",
    "pearson",
    "rbm_free_energy",
    "recall_at_k",
    "recall_at_k_retrieval",
    "reconstruct",
    "relative_error",
    "reverse_padded",
    "rmsprop",
    "rnn_backward",
    "rnn_forward",
    "rnn_reach",
    "rnn_step",
    "rnn_step_backward",
    "sample",
    "sample_pairs",
    "sample_triplets",
    "sgd",
    "small_lenet",
    "softmax_cross_entropy",
    "spearman",
    "start_rbm",
    "text_batches",
    "topological_order",
    "train_autoencoder",
    "train_class_rbm",
    "train_gcn",
    "train_net",
    "train_rbm",
    "train_two_layer",
    "train_writer",
    "two_layer_loss",
    "unbroadcast",
    "untied_loss",
    "upsample",
    "visible_probability",
    "widen_conv",
    "widen_linear",
]
