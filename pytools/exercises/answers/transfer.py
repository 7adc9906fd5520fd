"""What the checks of 11_transfer know: the references, and the wrong solutions people write."""

from __future__ import annotations

import copy

import numpy as np
import torch

from pytools import models
from pytools.exercise import Answer, Misconception

# --- extract_features ------------------------------------------------------------------------


def _pooled(output):
    return output.mean(dim=(2, 3)) if output.ndim == 4 else output


def _extracted(
    keep=lambda inputs, output: _pooled(output),
    mode=False,
    restore=lambda model, was_training: model.train(was_training),
    hook_goes=True,
    batches=lambda images: images.split(32),
    join=torch.cat,
):
    """The right extraction, with one of its parts replaced."""

    def extract_features(model, images, layer):
        kept = []
        handle = model.get_submodule(layer).register_forward_hook(
            lambda layer, inputs, output: kept.append(keep(inputs, output))
        )
        was_training = model.training
        if mode is not None:
            model.train(mode)
        with torch.no_grad():
            for batch in batches(images):
                model(batch)
        if hook_goes:
            handle.remove()
        restore(model, was_training)
        return join(kept)

    return extract_features


mode_left_as_it_is = _extracted(mode=None)
mode_not_restored = _extracted(restore=lambda model, was_training: None)
training_afterwards = _extracted(restore=lambda model, was_training: model.train())
hook_left = _extracted(hook_goes=False)
input_kept = _extracted(lambda inputs, output: _pooled(inputs[0]))
maps_flattened = _extracted(lambda inputs, output: output.flatten(1))
maps_as_they_are = _extracted(lambda inputs, output: output)
largest_of_each_map = _extracted(
    lambda inputs, output: output.amax(dim=(2, 3)) if output.ndim == 4 else output
)
averaged_over_channels = _extracted(
    lambda inputs, output: output.mean(dim=1).flatten(1) if output.ndim == 4 else output
)
last_batch_only = _extracted(join=lambda kept: kept[-1])
first_batch_only = _extracted(batches=lambda images: images[:32][None])


def models_output(model, images, layer):
    was_training = model.training
    model.eval()
    with torch.no_grad():
        logits = torch.cat([model(batch) for batch in images.split(32)])
    model.train(was_training)
    return logits


def on_the_tape(model, images, layer):
    kept = []
    handle = model.get_submodule(layer).register_forward_hook(
        lambda layer, inputs, output: kept.append(_pooled(output))
    )
    was_training = model.training
    model.eval()
    for batch in images.split(32):
        model(batch)
    handle.remove()
    model.train(was_training)
    return torch.cat(kept)


def frozen_for_good(model, images, layer):
    model.requires_grad_(False)
    return models.extract_features(model, images, layer)


# --- best_classifier -------------------------------------------------------------------------


def _chosen(
    num_held_out=lambda num: max(1, round(0.05 * num)),
    order=lambda num, rng: rng.permutation(num),
    split=lambda rows, num_held_out: (rows[num_held_out:], rows[:num_held_out]),
    asked=lambda rows, train, held_out: held_out,
    score=lambda predicted, labels: float(np.mean(predicted == labels)),
    copied=copy.deepcopy,
    labels_of=lambda labels, rows: labels[rows],
    choose=lambda scores: max(scores, key=scores.get),
    anew=False,
):
    """The right choice, with one of its parts replaced."""

    def best_classifier(features, labels, candidates, rng):
        def drawn():
            rows = order(len(labels), rng)
            return rows, *split(rows, num_held_out(len(labels)))

        rows, train, held_out = drawn()
        scores = {}
        for name, candidate in candidates.items():
            if anew:
                rows, train, held_out = drawn()
            fitted = copied(candidate)
            fitted.fit(features[train], labels_of(labels, train))
            questions = asked(rows, train, held_out)
            scores[name] = score(fitted.predict(features[questions]), labels[questions])
        return choose(scores), scores

    return best_classifier


scored_on_training_rows = _chosen(asked=lambda rows, train, held_out: train)
scored_on_all_rows = _chosen(asked=lambda rows, train, held_out: rows)
trained_on_all_rows = _chosen(split=lambda rows, count: (rows, rows[:count]))
trained_on_the_few = _chosen(split=lambda rows, count: (rows[:count], rows[count:]))
half_held_out = _chosen(num_held_out=lambda num: num // 2)
fifth_held_out = _chosen(num_held_out=lambda num: max(1, num // 5))
nobody_held_out = _chosen(
    num_held_out=lambda num: int(0.05 * num),
    score=lambda predicted, labels: float(np.mean(predicted == labels)) if len(labels) else 0.0,
)
same_rows_each_time = _chosen(order=lambda num, rng: np.arange(num))
rows_anew_for_each = _chosen(anew=True)
candidates_trained = _chosen(copied=lambda candidate: candidate)
labels_not_shuffled = _chosen(labels_of=lambda labels, rows: labels[: len(rows)])
errors_for_scores = _chosen(
    score=lambda predicted, labels: float(np.mean(predicted != labels)),
    choose=lambda scores: min(scores, key=scores.get),
)
worst_one = _chosen(choose=lambda scores: min(scores, key=scores.get))
last_of_equals = _chosen(choose=lambda scores: sorted(scores, key=scores.get)[-1])
first_one = _chosen(choose=lambda scores: next(iter(scores)))


def _better_than_nothing(scores):
    best, highest = "", 0.0
    for name, value in scores.items():
        if value > highest:
            best, highest = name, value
    return best


nobody_is_best = _chosen(choose=_better_than_nothing)


# --- bag_of_words ----------------------------------------------------------------------------


def _bag(
    distances=torch.cdist,
    nearest=lambda d: d.argmin(dim=1),
    count=lambda words, k: torch.bincount(words, minlength=k),
    normalise=lambda counts, descriptors: counts / max(1, len(descriptors)),
):
    """The right histogram, with one of its parts replaced."""

    def bag_of_words(descriptors, codebook):
        words = nearest(distances(descriptors, codebook))
        counts = count(words, len(codebook))
        return normalise(counts.to(codebook), descriptors)

    return bag_of_words


counts_for_shares = _bag(normalise=lambda counts, descriptors: counts)
length_one = _bag(normalise=lambda counts, descriptors: counts / counts.norm().clamp(min=1e-12))
largest_is_one = _bag(normalise=lambda counts, descriptors: counts / counts.max().clamp(min=1))
divided_by_words = _bag(normalise=lambda counts, descriptors: counts / len(counts))
farthest_word = _bag(nearest=lambda d: d.argmax(dim=1))
largest_product = _bag(lambda a, b: -a @ b.T)
city_block = _bag(lambda a, b: torch.cdist(a, b, p=1))
unused_words_left_out = _bag(count=lambda words, k: torch.bincount(words))
present_or_not = _bag(
    count=lambda words, k: (torch.bincount(words, minlength=k) > 0).int(),
    normalise=lambda counts, descriptors: counts / counts.sum().clamp(min=1),
)
empty_is_nan = _bag(normalise=lambda counts, descriptors: counts / counts.sum())


def each_words_descriptor(descriptors, codebook):
    """For each word the nearest descriptor: the wrong way round."""
    if not len(descriptors):
        return torch.zeros(len(codebook))
    nearest = torch.cdist(descriptors, codebook).argmin(dim=0)
    return torch.bincount(nearest, minlength=len(descriptors)) / len(codebook)


def soft_words(descriptors, codebook):
    if not len(descriptors):
        return torch.zeros(len(codebook))
    return torch.softmax(-torch.cdist(descriptors, codebook), dim=1).mean(dim=0)


# --- finetune_groups -------------------------------------------------------------------------


def _grouped(
    is_head=lambda name, head: name == head or name.startswith(head + "."),
    in_body=lambda name: True,
    rates=lambda base_lr, factor: (base_lr * factor, base_lr),
    named=lambda model: list(model.named_parameters()),
):
    """The right groups, with one of their parts replaced."""

    def finetune_groups(model, head, base_lr, body_factor):
        pairs = [(name, p) for name, p in named(model) if p.requires_grad]
        of_head = [p for name, p in pairs if is_head(name, head)]
        of_body = [p for name, p in pairs if not is_head(name, head) and in_body(name)]
        body_lr, head_lr = rates(base_lr, body_factor)
        return [{"params": of_body, "lr": body_lr}, {"params": of_head, "lr": head_lr}]

    return finetune_groups


one_rate_for_all = _grouped(rates=lambda base_lr, factor: (base_lr, base_lr))
rates_exchanged = _grouped(rates=lambda base_lr, factor: (base_lr, base_lr * factor))
factor_is_the_rate = _grouped(rates=lambda base_lr, factor: (factor, base_lr))
divided_by_factor = _grouped(
    rates=lambda base_lr, factor: (base_lr / factor if factor else 0.0, base_lr)
)
names_that_begin_alike = _grouped(is_head=lambda name, head: name.startswith(head))
names_that_hold_it = _grouped(is_head=lambda name, head: head in name.split("."))
biases_forgotten = _grouped(in_body=lambda name: not name.endswith("bias"))
layers_only = _grouped(in_body=lambda name: "." in name)
shared_one_twice = _grouped(
    named=lambda model: list(model.named_parameters(remove_duplicate=False))
)


def compared_by_value(model, head, base_lr, body_factor):
    """A bias of the body that is 0 is taken for the head's."""
    of_head = list(model.get_submodule(head).parameters())
    learned = [p for p in model.parameters() if p.requires_grad]
    same = [any(torch.equal(p, other) for other in of_head) for p in learned]
    return [
        {"params": [p for p, is_head in zip(learned, same, strict=True) if is_head], "lr": base_lr},
        {
            "params": [p for p, is_head in zip(learned, same, strict=True) if not is_head],
            "lr": base_lr * body_factor,
        },
    ]


def head_in_both(model, head, base_lr, body_factor):
    _, of_head = models.finetune_groups(model, head, base_lr, body_factor)
    everything = [p for p in model.parameters() if p.requires_grad]
    return [{"params": everything, "lr": base_lr * body_factor}, of_head]


def head_alone(model, head, base_lr, body_factor):
    return models.finetune_groups(model, head, base_lr, body_factor)[1:]


def body_frozen(model, head, base_lr, body_factor):
    groups = models.finetune_groups(model, head, base_lr, body_factor)
    for parameter in groups[0]["params"]:
        parameter.requires_grad_(False)
    return groups


ANSWERS = {
    "extract_features": Answer(
        models.extract_features,
        [
            Misconception(
                "mode_left_as_it_is",
                "Do batch normalisation and dropout know that you are not training?",
                mode_left_as_it_is,
            ),
            Misconception(
                "mode_not_restored",
                "Your caller was in the middle of training. In which mode do you hand the model "
                "back?",
                mode_not_restored,
            ),
            Misconception(
                "training_afterwards",
                "Not every caller was training. How did the model arrive?",
                training_afterwards,
            ),
            Misconception(
                "hook_left",
                "What happens at your caller's next run, and after ten calls of yours?",
                hook_left,
            ),
            Misconception(
                "input_kept",
                "A hook is told what went into a layer and what came out. Which of them is it?",
                input_kept,
            ),
            Misconception(
                "maps_flattened",
                "How long is a row for a map of 7×7 places, and should it matter where a cat sits?",
                maps_flattened,
            ),
            Misconception(
                "maps_as_they_are",
                "One row for each image is wanted. How many axes does a feature map have?",
                maps_as_they_are,
            ),
            Misconception(
                "largest_of_each_map",
                "Is it the largest place of a map, or all of them together?",
                largest_of_each_map,
            ),
            Misconception(
                "averaged_over_channels",
                "Channels are what the net knows, places are where. Which ones are averaged away?",
                averaged_over_channels,
            ),
            Misconception(
                "last_batch_only",
                "Many images come in several batches. Where do the first ones stay?",
                last_batch_only,
            ),
            Misconception(
                "first_batch_only",
                "How many rows come back for many images?",
                first_batch_only,
            ),
            Misconception(
                "models_output",
                "The model's last word is about its own classes. Which layer was asked for?",
                models_output,
            ),
            Misconception(
                "on_the_tape",
                "Does anyone go backwards from here? What does the tape cost until then?",
                on_the_tape,
            ),
            Misconception(
                "frozen_for_good",
                "Can your caller still train the model afterwards?",
                frozen_for_good,
            ),
        ],
    ),
    "best_classifier": Answer(
        models.best_classifier,
        [
            Misconception(
                "scored_on_training_rows",
                "A tree remembers every row that it was trained on. What does its score say then?",
                scored_on_training_rows,
            ),
            Misconception(
                "scored_on_all_rows",
                "Nineteen of twenty rows that you ask about are known already. Which ones are new?",
                scored_on_all_rows,
            ),
            Misconception(
                "trained_on_all_rows",
                "Which rows has a candidate never seen when you ask it?",
                trained_on_all_rows,
            ),
            Misconception(
                "trained_on_the_few",
                "Which part is the large one: for training, or for choosing?",
                trained_on_the_few,
            ),
            Misconception(
                "half_held_out",
                "Labels are dear. How many of them go into the choice?",
                half_held_out,
            ),
            Misconception("fifth_held_out", "How many rows are 5 % of a hundred?", fifth_held_out),
            Misconception(
                "nobody_held_out", "How many rows are 5 % of ten, at least?", nobody_held_out
            ),
            Misconception(
                "same_rows_each_time",
                "Are rows held out at random, by the generator that came with the call?",
                same_rows_each_time,
            ),
            Misconception(
                "rows_anew_for_each",
                "One candidate gets easy rows, another hard ones. Is that a fair race?",
                rows_anew_for_each,
            ),
            Misconception(
                "candidates_trained",
                "Your caller wants to use the candidates again. Who was trained: they, or copies?",
                candidates_trained,
            ),
            Misconception(
                "labels_not_shuffled",
                "Features were taken in random order. Does each still have its own label?",
                labels_not_shuffled,
            ),
            Misconception(
                "errors_for_scores",
                "Is a score of 1 good or bad?",
                errors_for_scores,
            ),
            Misconception("worst_one", "Which end of the scores is the best?", worst_one),
            Misconception(
                "last_of_equals", "Of two with the same score, which comes first?", last_of_equals
            ),
            Misconception("first_one", "Do the scores have a say in who is best?", first_one),
            Misconception(
                "nobody_is_best",
                "What if nobody is right on a single row: which name comes back?",
                nobody_is_best,
            ),
        ],
    ),
    "bag_of_words": Answer(
        models.bag_of_words,
        [
            Misconception(
                "counts_for_shares",
                "A large picture has more descriptors than a small one. What do the entries add "
                "up to?",
                counts_for_shares,
            ),
            Misconception(
                "length_one",
                "Is it the sum of the entries that is 1, or the length of the vector?",
                length_one,
            ),
            Misconception(
                "largest_is_one", "Is it the sum that is 1, or the largest entry?", largest_is_one
            ),
            Misconception(
                "divided_by_words",
                "A share of what is each entry: of the words, or of the descriptors?",
                divided_by_words,
            ),
            Misconception("farthest_word", "Near is small. Which end do you take?", farthest_word),
            Misconception(
                "largest_product",
                "A long word has a large product with many. Is it near to them for that?",
                largest_product,
            ),
            Misconception(
                "city_block",
                "Euclid goes straight. Does your distance go along the axes?",
                city_block,
            ),
            Misconception(
                "unused_words_left_out",
                "How long is the histogram when nobody uses the last word?",
                unused_words_left_out,
            ),
            Misconception(
                "present_or_not",
                "A word that is there ten times, does it count more than one that is there once?",
                present_or_not,
            ),
            Misconception(
                "empty_is_nan", "What is the share of each word among none?", empty_is_nan
            ),
            Misconception(
                "each_words_descriptor",
                "Who looks for whom: each word for a descriptor, or each descriptor for a word?",
                each_words_descriptor,
            ),
            Misconception(
                "soft_words",
                "Does a descriptor count for its nearest word, or a little for all?",
                soft_words,
            ),
        ],
    ),
    "finetune_groups": Answer(
        models.finetune_groups,
        [
            Misconception("one_rate_for_all", "Where is the factor used?", one_rate_for_all),
            Misconception(
                "rates_exchanged",
                "Which part knows nothing yet and has to learn fast?",
                rates_exchanged,
            ),
            Misconception(
                "factor_is_the_rate",
                "The factor is a share of the head's rate. Is it a rate itself?",
                factor_is_the_rate,
            ),
            Misconception(
                "divided_by_factor",
                "With a factor of a tenth, is the body's rate smaller or larger?",
                divided_by_factor,
            ),
            Misconception(
                "names_that_begin_alike",
                "Another layer's name begins like the head's. Does it belong to the head?",
                names_that_begin_alike,
            ),
            Misconception(
                "names_that_hold_it",
                "A layer inside a block may have the same last name. Is it the head?",
                names_that_hold_it,
            ),
            Misconception(
                "biases_forgotten", "Do biases learn as well as weights?", biases_forgotten
            ),
            Misconception(
                "layers_only",
                "A parameter may lie in the model itself, in no layer. Do you find it?",
                layers_only,
            ),
            Misconception(
                "shared_one_twice",
                "Two layers share a weight. How often may an optimiser move it in one step?",
                shared_one_twice,
            ),
            Misconception(
                "compared_by_value",
                "Two biases are both zeros. Are they the same parameter? What does `id` say?",
                compared_by_value,
            ),
            Misconception(
                "head_in_both",
                "In how many groups is the head now?",
                head_in_both,
            ),
            Misconception(
                "head_alone",
                "Who moves the body, if an optimiser never hears of it?",
                head_alone,
            ),
            Misconception(
                "body_frozen",
                "A slow body still learns. Does yours ask for gradients?",
                body_frozen,
            ),
        ],
    ),
}
