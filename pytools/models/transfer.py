"""Learning from few labels: features off the shelf, fine-tuning, visual words.

Sources: Donahue et al. (2014), DeCAF, and Razavian et al. (2014), CNN features off-the-shelf:
features of a trained net serve other tasks; Sivic & Zisserman (2003), Video Google, and Csurka et
al. (2004), Visual categorization with bags of keypoints: visual words.
"""

import difflib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pytools.models.dag import layer_outputs

BATCH = 32
HELD_OUT = 0.05  # of the rows choose among the classifiers


def extract_features(model: nn.Module, images: Any, layer: str) -> Tensor:
    """What a layer of a trained net makes of each image: features (N, D).

    images (N, ...), a tensor or an array, as the model takes them; layer: a name as in
    model.named_modules(). An output (N, C, H, W) is averaged over its places, to (N, C). The model
    runs in evaluation mode, without gradients and in batches; afterwards it is in the mode that it
    was in, and holds no hook. The result is detached. Raises ValueError for a layer that is not
    there, or that did not run.
    """
    _layer(model, layer)
    was_training, features = model.training, []
    model.eval()
    try:
        with torch.no_grad():
            for batch in torch.as_tensor(images).split(BATCH):
                output = layer_outputs(model, [layer], batch).get(layer)
                if output is None:
                    raise ValueError(f"layer {layer!r} did not run on these images")
                features.append(output.mean(dim=(2, 3)) if output.ndim == 4 else output)
    finally:
        model.train(was_training)
    return torch.cat(features)


def best_classifier(
    features: Any, labels: Any, candidates: Mapping[str, Any], rng: np.random.Generator
) -> tuple[str, dict[str, float]]:
    """The candidate that is best on 5 % of the rows, held out at random for all of them.

    features (N, D), labels (N,); candidates: name -> an unfitted classifier of scikit-learn's kind,
    which stays unfitted: copies are trained. Held out are 5 % of N, rounded, at least one row.
    Returns the best name, the first one of equals, and a dict of all names to their accuracies on
    the held-out rows. Raises ValueError for fewer than two rows, labels that do not fit, labels of
    one class only, or no candidates.
    """
    from sklearn.base import clone  # here, since it takes a second to import

    features, labels = np.asarray(features), np.asarray(labels)
    if len(features) != len(labels) or len(labels) < 2:
        raise ValueError(
            "features and labels must have one row for each image, at least two, but have "
            f"{len(features)} and {len(labels)}"
        )
    if len(np.unique(labels)) == 1:
        raise ValueError(
            f"labels must be of two classes or more, but all {len(labels)} are {labels[0]}"
        )
    if not candidates:
        raise ValueError("candidates must hold at least one classifier, but is empty")
    rows = rng.permutation(len(labels))
    num_held_out = max(1, round(HELD_OUT * len(labels)))
    held_out, train = rows[:num_held_out], rows[num_held_out:]
    scores = {}
    for name, candidate in candidates.items():
        fitted = clone(candidate).fit(features[train], labels[train])
        scores[name] = float(np.mean(fitted.predict(features[held_out]) == labels[held_out]))
    return max(scores, key=scores.get), scores


def finetune_groups(
    model: nn.Module, head: str, base_lr: float, body_factor: float
) -> list[dict[str, Any]]:
    """Parameter groups for an optimiser: the new head learns fast, the trained body slowly.

    head: the name of the head's module, as in model.named_modules(). Returns [{"params": body,
    "lr": base_lr * body_factor}, {"params": head, "lr": base_lr}], for torch.optim. Each parameter
    with requires_grad is in one group, once, also where layers share it; one that head and body
    share is the head's. Raises ValueError for a head that is not there.
    """
    of_head = {id(parameter) for parameter in _layer(model, head).parameters()}
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {
            "params": [parameter for parameter in learned if id(parameter) not in of_head],
            "lr": base_lr * body_factor,
        },
        {
            "params": [parameter for parameter in learned if id(parameter) in of_head],
            "lr": base_lr,
        },
    ]


def bag_of_words(descriptors: Any, codebook: Any) -> Tensor:
    """How often each visual word occurs among an image's descriptors: a histogram (K,), of sum 1.

    descriptors (M, D), codebook (K, D): tensors or arrays. Each descriptor counts for its nearest
    word, Euclidean. Without descriptors all entries are 0. Raises ValueError for other shapes.
    """
    descriptors, codebook = torch.as_tensor(descriptors), torch.as_tensor(codebook)
    if descriptors.ndim != 2 or codebook.ndim != 2 or descriptors.shape[1] != codebook.shape[1]:
        raise ValueError(
            "descriptors and codebook must be (M, D) and (K, D), but have shapes "
            f"{tuple(descriptors.shape)} and {tuple(codebook.shape)}"
        )
    nearest = torch.cdist(descriptors, codebook.to(descriptors)).argmin(dim=1)
    counts = torch.bincount(nearest, minlength=len(codebook))
    return counts.to(descriptors) / max(1, len(descriptors))


def _layer(model: nn.Module, name: str) -> nn.Module:
    """The layer of this name; ValueError with the nearest name where there is none."""
    layers = dict(model.named_modules())
    if name not in layers:
        near = difflib.get_close_matches(str(name), layers, n=1, cutoff=0.3)
        guess = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"the model has no layer {name!r}{guess}")
    return layers[name]
