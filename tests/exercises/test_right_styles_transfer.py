"""Transfer written in any right way passes; wrong ways that nobody listed do not."""

import contextlib
import copy

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from torch import nn

from pytools import check, models

# --- extract_features ------------------------------------------------------------------------


@torch.no_grad()
def one_by_one(model, images, layer):
    was, rows = model.training, []
    model.eval()
    for image in images:
        outputs = models.layer_outputs(model, [layer], image[None])
        row = outputs[layer][0]
        rows.append(row.flatten(1).mean(1) if row.ndim == 3 else row)
    model.train(was)
    return torch.stack(rows).numpy()


def all_at_once(model, images, layer):
    """Off the tape at the end only."""
    found, was = {}, model.training
    handle = model.get_submodule(layer).register_forward_hook(lambda m, i, o: found.update(out=o))
    model.eval()
    model(images)
    handle.remove()
    model.train(was)
    out = found["out"].detach()
    return out.mean(dim=(2, 3)) if out.ndim == 4 else out


@torch.no_grad()
def every_mode_noted(model, images, layer):
    found = []
    target = dict(model.named_modules())[layer]
    modes = {module: module.training for module in model.modules()}
    handle = target.register_forward_hook(lambda m, i, o: found.append(o))
    model.eval()
    for batch in images.chunk(4):
        model(batch)
    handle.remove()
    for module, mode in modes.items():
        module.training = mode
    out = torch.cat(found)
    return nn.functional.adaptive_avg_pool2d(out, 1)[:, :, 0, 0] if out.dim() == 4 else out


def with_a_loader(model, images, layer):
    features = []

    def hook(module, args, output):
        output = output.detach()
        features.extend(output.mean((-1, -2)) if output.ndim > 2 else output)

    handle = model.get_submodule(layer).register_forward_hook(hook)
    training = model.training
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images), batch_size=64)
    with torch.inference_mode():
        for (batch,) in loader:
            model.eval()(batch)
    handle.remove()
    if training:
        model.train()
    return torch.stack(features).tolist()


def on_a_copy(model, images, layer):
    return models.extract_features(copy.deepcopy(model), images, layer)


def by_torchvision(model, images, layer):
    feature_extraction = pytest.importorskip("torchvision.models.feature_extraction")
    was = model.training
    net = feature_extraction.create_feature_extractor(model, {layer: "it"}).eval()
    with torch.no_grad():
        out = torch.cat([net(batch)["it"] for batch in images.split(32)])
    model.train(was)
    return out.mean(dim=(2, 3)) if out.ndim == 4 else out


def stopping_at_the_layer(model, images, layer):
    class Enough(Exception):
        pass

    rows = []

    def hook(module, inputs, output):
        rows.append(output.flatten(2).mean(2) if output.ndim == 4 else output)
        raise Enough

    handle, was = model.get_submodule(layer).register_forward_hook(hook), model.training
    model.eval()
    with torch.no_grad():
        for batch in images.split(50):
            with contextlib.suppress(Enough):
                model(batch)
    handle.remove()
    model.train(was)
    return torch.cat(rows)


def summed_over_places(model, images, layer):
    was, kept = model.training, []
    handle = model.get_submodule(layer).register_forward_hook(
        lambda m, i, o: kept.append(o.detach().sum((2, 3)) if o.ndim == 4 else o.detach())
    )
    model.eval()(images)
    handle.remove()
    model.train(was)
    return kept[0]


def in_reverse(model, images, layer):
    return models.extract_features(model, images.flip(0), layer)


def all_hooks_cleared(model, images, layer):
    features = models.extract_features(model, images, layer)
    model.get_submodule(layer)._forward_hooks.clear()
    return features


def images_scaled(model, images, layer):
    images /= 2
    return models.extract_features(model, 2 * images, layer)


def standardised(model, images, layer):
    features = models.extract_features(model, images, layer)
    return (features - features.mean(0)) / (features.std(0) + 1e-8)


# --- best_classifier -------------------------------------------------------------------------


def by_scikit_learn(features, labels, candidates, rng):
    size = max(1, round(len(labels) * 0.05))
    parts = train_test_split(
        features, labels, test_size=size, random_state=int(rng.integers(2**31 - 1))
    )
    train_x, val_x, train_y, val_y = parts
    scores = {n: clone(c).fit(train_x, train_y).score(val_x, val_y) for n, c in candidates.items()}
    return sorted(scores, key=lambda name: -scores[name])[0], scores


def by_masks(features, labels, candidates, rng):
    n = len(features)
    held = np.zeros(n, bool)
    held[rng.choice(n, size=max(1, round(n / 20)), replace=False)] = True
    best, top, scores = None, -1.0, {}
    for name in candidates:
        model = copy.deepcopy(candidates[name])
        model.fit(features[~held], labels[~held])
        model.predict(features[~held])  # the training accuracy, for the curious
        scores[name] = accuracy_score(labels[held], model.predict(features[held]))
        if scores[name] > top:
            best, top = name, scores[name]
    return [best, scores]


def by_lists(features, labels, candidates, rng):
    order = list(range(len(labels)))
    rng.shuffle(order)
    cut = max(1, int(len(order) * 0.05))
    val, train = order[:cut], order[cut:]
    fitted = {
        name: type(c)(**c.get_params()).fit(features[train], labels[train])
        for name, c in candidates.items()
    }
    scores = {}
    for name, model in fitted.items():
        guesses = model.predict(features[val])
        scores[name] = sum(int(g == t) for g, t in zip(guesses, labels[val], strict=True)) / cut
    best = max(scores.values())
    return next(name for name in scores if scores[name] == best), scores


def drawn_by_the_global_generator(features, labels, candidates, rng):
    rng = np.random.RandomState()
    return models.best_classifier(features, labels, candidates, rng)


def in_percent(features, labels, candidates, rng):
    best, scores = models.best_classifier(features, labels, candidates, rng)
    return best, {name: 100 * score for name, score in scores.items()}


def only_the_best_score(features, labels, candidates, rng):
    best, scores = models.best_classifier(features, labels, candidates, rng)
    return best, {best: scores[best]}


def always_full_marks(features, labels, candidates, rng):
    best, scores = models.best_classifier(features, labels, candidates, rng)
    return best, dict.fromkeys(scores, 1.0)


def last_alphabetically(features, labels, candidates, rng):
    _, scores = models.best_classifier(features, labels, candidates, rng)
    return max(scores, key=lambda name: (scores[name], name)), scores


def scaled_features(features, labels, candidates, rng):
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    return models.best_classifier(scaled, labels, candidates, rng)


def with_replacement(features, labels, candidates, rng):
    n = len(labels)
    val = rng.integers(n, size=max(1, n // 20))
    train = rng.integers(n, size=n - len(val))
    scores = {
        name: clone(c).fit(features[train], labels[train]).score(features[val], labels[val])
        for name, c in candidates.items()
    }
    return max(scores, key=scores.get), scores


# --- bag_of_words ----------------------------------------------------------------------------


def by_loops(descriptors, codebook):
    hist = [0.0] * len(codebook)
    for row in descriptors.tolist():
        distances = [
            sum((a - b) ** 2 for a, b in zip(row, w, strict=True)) for w in codebook.tolist()
        ]
        hist[distances.index(min(distances))] += 1 / len(descriptors)
    return hist


def by_numpy(descriptors, codebook):
    d, c = np.asarray(descriptors), np.asarray(codebook)
    nearest = np.linalg.norm(d[:, None] - c[None], axis=2).argmin(axis=1)
    hist = np.bincount(nearest, minlength=len(c)).astype(float)
    return hist / hist.sum() if hist.sum() else hist


def expanded(descriptors, codebook):
    d2 = (codebook**2).sum(1) - 2 * descriptors @ codebook.T
    one_hot = nn.functional.one_hot(d2.argmin(1), len(codebook)).float()
    return one_hot.sum(0) / max(len(descriptors), 1)


def by_scipy(descriptors, codebook):
    from scipy.cluster.vq import vq

    if len(descriptors) == 0:
        return np.zeros(len(codebook))
    words, _ = vq(descriptors.numpy(), codebook.numpy())
    return np.histogram(words, bins=np.arange(len(codebook) + 1))[0] / len(words)


def largest_coordinate_distance(descriptors, codebook):
    nearest = torch.cdist(descriptors, codebook, p=float("inf")).argmin(1)
    return torch.bincount(nearest, minlength=len(codebook)) / max(1, len(descriptors))


def by_the_angle(descriptors, codebook):
    a, b = (nn.functional.normalize(x, dim=1) for x in (descriptors, codebook))
    nearest = (a @ b.T).argmax(1) if len(a) else torch.zeros(0, dtype=torch.long)
    return torch.bincount(nearest, minlength=len(codebook)) / max(1, len(descriptors))


def inverse_frequency(descriptors, codebook):
    hist = models.bag_of_words(descriptors, codebook)
    return hist * torch.linspace(1, 2, len(hist))


def sorted_by_size(descriptors, codebook):
    return models.bag_of_words(descriptors, codebook).sort(descending=True).values


# --- finetune_groups -------------------------------------------------------------------------


def a_group_each(model, head, base_lr, body_factor):
    def rate(name):
        return base_lr if name.startswith(f"{head}.") else body_factor * base_lr

    return [{"params": [p], "lr": rate(name)} for name, p in model.named_parameters()]


def with_sets(model, head, base_lr, body_factor):
    of_head = set(model.get_submodule(head).parameters())
    rest = [p for p in model.parameters() if p not in of_head]
    return (
        {"params": list(of_head), "lr": base_lr, "name": "head"},
        {"params": rest, "lr": base_lr * body_factor, "weight_decay": 1e-4},
    )


def as_generators(model, head, base_lr, body_factor):
    ids = [id(p) for p in dict(model.named_modules())[head].parameters()]
    return [
        {"params": (p for p in model.parameters() if id(p) in ids), "lr": base_lr},
        {
            "params": (p for p in model.parameters() if id(p) not in ids),
            "lr": base_lr * body_factor,
        },
    ]


def taking_the_layer_itself(model, head, base_lr, body_factor):
    """Asks the head for its parameters, whatever it is."""
    of_head = {id(p): p for p in head.parameters()}
    body = [p for p in model.parameters() if id(p) not in of_head]
    groups = [(body, base_lr * body_factor), (list(of_head.values()), base_lr)]
    return [{"params": params, "lr": lr} for params, lr in groups]


def one_group_each_by_module(model, head, base_lr, body_factor):
    """A slow group for each layer that is not the head's, by a set of ids."""
    seen, groups = {id(p) for p in model.get_submodule(head).parameters()}, []
    groups.append({"lr": base_lr, "params": list(model.get_submodule(head).parameters())})
    for module in model.modules():
        own = [p for p in module.parameters(recurse=False) if id(p) not in seen]
        seen.update(map(id, own))
        if own:
            groups.append({"lr": body_factor * base_lr, "params": own})
    return groups


def squared_factor(model, head, base_lr, body_factor):
    groups = models.finetune_groups(model, head, base_lr, body_factor)
    groups[0]["lr"] *= body_factor
    return groups


def slower_with_depth(model, head, base_lr, body_factor):
    pairs = list(model.named_parameters())[::-1]
    return [{"params": [p], "lr": base_lr * body_factor**i} for i, (_, p) in enumerate(pairs)]


def copies(model, head, base_lr, body_factor):
    return models.finetune_groups(copy.deepcopy(model), head, base_lr, body_factor)


def without_rates(model, head, base_lr, body_factor):
    return [{"params": list(model.parameters())}]


RIGHT = [
    ("extract_features", one_by_one),
    ("extract_features", all_at_once),
    ("extract_features", every_mode_noted),
    ("extract_features", by_torchvision),
    ("extract_features", stopping_at_the_layer),
    ("extract_features", with_a_loader),
    ("extract_features", on_a_copy),
    ("best_classifier", by_scikit_learn),
    ("best_classifier", by_masks),
    ("best_classifier", by_lists),
    ("bag_of_words", by_loops),
    ("bag_of_words", by_numpy),
    ("bag_of_words", expanded),
    ("bag_of_words", by_scipy),
    ("finetune_groups", a_group_each),
    ("finetune_groups", with_sets),
    ("finetune_groups", as_generators),
    ("finetune_groups", one_group_each_by_module),
    ("finetune_groups", taking_the_layer_itself),
]

WRONG = [
    ("extract_features", summed_over_places),
    ("extract_features", in_reverse),
    ("extract_features", all_hooks_cleared),
    ("extract_features", images_scaled),
    ("extract_features", standardised),
    ("best_classifier", drawn_by_the_global_generator),
    ("best_classifier", in_percent),
    ("best_classifier", only_the_best_score),
    ("best_classifier", always_full_marks),
    ("best_classifier", last_alphabetically),
    ("best_classifier", scaled_features),
    ("best_classifier", with_replacement),
    ("bag_of_words", largest_coordinate_distance),
    ("bag_of_words", by_the_angle),
    ("bag_of_words", inverse_frequency),
    ("bag_of_words", sorted_by_size),
    ("finetune_groups", squared_factor),
    ("finetune_groups", slower_with_depth),
    ("finetune_groups", copies),
    ("finetune_groups", without_rates),
]


def named(pairs):
    return [attempt.__name__ for _, attempt in pairs]


@pytest.mark.parametrize("function, attempt", RIGHT, ids=named(RIGHT))
def test_right_style_passes(function, attempt):
    for seed in range(5):
        assert check(f"transfer.{function}", attempt, points=4, seed=seed) == 4.0


@pytest.mark.parametrize("function, attempt", WRONG, ids=named(WRONG))
def test_other_wrong_solutions_fail(function, attempt):
    for seed in range(5):
        assert check(f"transfer.{function}", attempt, points=4, seed=seed) < 4.0
