"""What the checks of 10_training know: the references, and the wrong solutions people write."""

from __future__ import annotations

import difflib
import math

import torch
from torch import nn

from pytools import models
from pytools.exercise import Answer, Misconception

# --- accuracy --------------------------------------------------------------------------------


def percent(logits, labels):
    return 100 * models.accuracy(logits, labels)


def count(logits, labels):
    return (logits.argmax(dim=1) == labels).sum().item()


def share_of_errors(logits, labels):
    return 1 - models.accuracy(logits, labels)


def share_of_entries(logits, labels):
    return (logits.argmax(dim=1) == labels).sum().item() / logits.numel()


def down_the_columns(logits, labels):
    best = logits.argmax(dim=0)
    n = min(len(best), len(labels))
    return (best[:n] == labels[:n]).double().mean().item()


def smallest_logit(logits, labels):
    return (logits.argmin(dim=1) == labels).double().mean().item()


def cut_to_a_whole_number(logits, labels):
    return (logits.argmax(dim=1) == labels).sum().item() // len(labels)


def above_zero(logits, labels):
    rows = torch.arange(len(labels))
    return (logits[rows, labels] > 0).double().mean().item()


# --- confusion_matrix ------------------------------------------------------------------------


def _matrix(pred, true, size, dtype=torch.int64):
    counts = torch.zeros(size, size, dtype=dtype)
    for p, t in zip(pred.tolist(), true.tolist(), strict=True):
        counts[t, p] += 1
    return counts


def predictions_in_rows(pred, true, num_classes):
    return _matrix(true, pred, num_classes)


def each_pair_once(pred, true, num_classes):
    counts = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    counts[true, pred] += 1
    return counts


def shares_of_rows(pred, true, num_classes):
    counts = _matrix(pred, true, num_classes, torch.float64)
    return counts / counts.sum(dim=1, keepdim=True).clamp(min=1)


def float_counts(pred, true, num_classes):
    return _matrix(pred, true, num_classes, torch.float64)


def classes_that_occur(pred, true, num_classes):
    return _matrix(pred, true, int(max(pred.max(), true.max())) + 1)


def small_integers(pred, true, num_classes):
    return _matrix(pred, true, num_classes, torch.uint8)


def diagonal_left_out(pred, true, num_classes):
    counts = _matrix(pred, true, num_classes)
    return counts - torch.diag(counts.diag())


# --- step_lr ---------------------------------------------------------------------------------


def without_floor(base_lr, gamma, stepsize, it):
    return base_lr * gamma ** (it / stepsize)


def rounded(base_lr, gamma, stepsize, it):
    return base_lr * gamma ** round(it / stepsize)


def once(base_lr, gamma, stepsize, it):
    return base_lr * gamma if it >= stepsize else base_lr


def every_iteration(base_lr, gamma, stepsize, it):
    return base_lr * gamma**it


def times_the_steps(base_lr, gamma, stepsize, it):
    steps = it // stepsize
    return base_lr * gamma * steps if steps else base_lr


def one_early(base_lr, gamma, stepsize, it):
    return base_lr * gamma ** ((it + 1) // stepsize)


def one_late(base_lr, gamma, stepsize, it):
    return base_lr * gamma ** (max(it - 1, 0) // stepsize)


def divided(base_lr, gamma, stepsize, it):
    return base_lr / gamma ** (it // stepsize)


# --- EarlyStopping ---------------------------------------------------------------------------


def _stopper(
    better=lambda value, best: value < best,
    best=float("inf"),
    reset=True,
    stop=lambda waited, patience: waited >= patience,
    keep=lambda value, best: value,
    after=lambda value, better: better,
):
    """A class that is right but for one of its parts."""

    class EarlyStopping:
        def __init__(self, patience):
            self.patience, self.best, self.waited = patience, best, 0

        def update(self, value):
            if better(value, self.best):
                self.best = keep(value, self.best)
                self.waited = 0 if reset else self.waited
            else:
                self.waited += 1
                if after(value, False):
                    self.best = value
            return stop(self.waited, self.patience)

    return EarlyStopping


higher_is_better = _stopper(lambda value, best: value > best, best=-float("inf"))
compared_with_the_last = _stopper(after=lambda value, better: True)
never_reset = _stopper(reset=False)
one_look_late = _stopper(stop=lambda waited, patience: waited > patience)
one_look_early = _stopper(stop=lambda waited, patience: waited >= patience - 1 and waited > 0)
best_from_zero = _stopper(best=0.0)
best_from_a_thousand = _stopper(best=1000.0)
answer_turned_round = _stopper(stop=lambda waited, patience: waited < patience)
at_the_first = _stopper(stop=lambda waited, patience: waited > 0)
a_least_gain = _stopper(lambda value, best: value < best - 1e-4)
zero_taken_for_nothing = _stopper(lambda value, best: not best or value < best, best=None)
compared_with_the_first = _stopper(keep=lambda value, best: value if math.isinf(best) else best)


class KeptByTheClass:
    best, waited = float("inf"), 0

    def __init__(self, patience):
        self.patience = patience
        type(self).best, type(self).waited = float("inf"), 0

    def update(self, value):
        cls = type(self)
        if value < cls.best:
            cls.best, cls.waited = value, 0
        else:
            cls.waited += 1
        return cls.waited >= self.patience


# --- resume ----------------------------------------------------------------------------------


def _loaded(path, model, optimizer, parts=("model", "optimizer"), weights_only=True):
    state = torch.load(path, weights_only=weights_only)
    if "model" in parts:
        model.load_state_dict(state["model"])
    if "optimizer" in parts:
        optimizer.load_state_dict(state["optimizer"])
    return state["step"]


def optimizer_forgotten(path, model, optimizer):
    return _loaded(path, model, optimizer, ("model",)) if path.exists() else 0


def model_forgotten(path, model, optimizer):
    return _loaded(path, model, optimizer, ("optimizer",)) if path.exists() else 0


def step_forgotten(path, model, optimizer):
    models.resume(path, model, optimizer)
    return 0


def step_after(path, model, optimizer):
    return models.resume(path, model, optimizer) + 1 if path.exists() else 0


def missing_file_raises(path, model, optimizer):
    return _loaded(path, model, optimizer)


def code_allowed(path, model, optimizer):
    return _loaded(path, model, optimizer, weights_only=False) if path.exists() else 0


def weights_exchanged(path, model, optimizer):
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"], assign=True)
    optimizer.load_state_dict(state["optimizer"])
    return state["step"]


def begins_anew(path, model, optimizer):
    if path.exists():
        return _loaded(path, model, optimizer)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for layer in model.modules():
            if hasattr(layer, "reset_parameters"):
                layer.reset_parameters()
    return 0


def optimizer_cleared(path, model, optimizer):
    step = models.resume(path, model, optimizer)
    optimizer.state.clear()
    return step


# --- build_net -------------------------------------------------------------------------------


def _net(config, taken=None, named=True, check=True, strict_keys=True, guess=True, build=None):
    """The right net, with one of its parts replaced."""
    net, x = nn.Sequential(), torch.zeros(1, *config["input"])
    for number, layer in enumerate(config["layers"]):
        kind = layer["type"]
        if kind not in models.LAYERS:
            if not check:
                continue
            raise ValueError(_words(kind, models.LAYERS, guess))
        known = models.LAYERS[kind]
        for key in layer:
            if strict_keys and key not in (*known, "type", "name", "lr_mult", "decay_mult"):
                raise ValueError(_words(key, known, guess))
        sizes = {key: layer[key] for key in known if key in layer}
        sizes = taken(sizes) if taken else sizes
        if kind == "Conv2d":
            sizes["in_channels"] = x.shape[1]
        if kind == "Linear":
            sizes["in_features"] = x.shape[-1]
        try:
            module = build(kind, sizes) if build else getattr(nn, kind)(**sizes)
        except TypeError as error:  # a size is missing
            raise KeyError(str(error)) from None
        x = module(x)
        net.add_module(layer.get("name", str(number)) if named else str(number), module)
    return net


def _words(word, known, guess):
    near = difflib.get_close_matches(word, known, n=1)
    return f"unknown: {word}" + (f"; did you mean {near[0]}?" if guess and near else "")


def names_left_out(config):
    return _net(config, named=False)


def padding_left_out(config):
    return _net(config, lambda sizes: {k: v for k, v in sizes.items() if k != "padding"})


def stride_left_out(config):
    return _net(config, lambda sizes: {k: v for k, v in sizes.items() if k != "stride"})


def dropout_by_default(config):
    return _net(config, lambda sizes: {k: v for k, v in sizes.items() if k != "p"})


def unknown_types_skipped(config):
    return _net(config, check=False)


def unknown_keys_ignored(config):
    return _net(config, strict_keys=False)


def no_guess(config):
    return _net(config, guess=False)


def config_used_up(config):
    net, x = nn.Sequential(), torch.zeros(1, *config["input"])
    for number, layer in enumerate(config["layers"]):
        kind, name = layer.pop("type"), layer.pop("name", str(number))
        if kind not in models.LAYERS:
            raise ValueError(_words(kind, models.LAYERS, True))
        if kind == "Conv2d":
            layer["in_channels"] = x.shape[1]
        if kind == "Linear":
            layer["in_features"] = x.shape[-1]
        layer.pop("lr_mult", None), layer.pop("decay_mult", None)
        module = getattr(nn, kind)(**layer)
        x = module(x)
        net.add_module(name, module)
    return net


def equal_layers_shared(config):
    made = {}

    def build(kind, sizes):
        key = (kind, *sorted(sizes.items()))
        return made.setdefault(key, getattr(nn, kind)(**sizes))

    return _net(config, build=build)


def errors_of_torch(config):
    try:
        return _net(config)
    except ValueError as error:
        raise AttributeError(str(error)) from None


def multipliers_refused(config):
    for layer in config["layers"]:
        for key in layer:
            if key in ("lr_mult", "decay_mult"):
                return nn.Sequential()
    return _net(config)


ANSWERS = {
    "accuracy": Answer(
        models.accuracy,
        [
            Misconception("percent", "A share lies between 0 and 1. Does yours?", percent),
            Misconception("count", "How many are right is not yet how large a part.", count),
            Misconception(
                "share_of_errors", "Is it what is right that you count?", share_of_errors
            ),
            Misconception(
                "share_of_entries",
                "One answer for each image: how many answers are there in all?",
                share_of_entries,
            ),
            Misconception(
                "down_the_columns",
                "A row is an image, a column a class. Along which one do you look for the largest?",
                down_the_columns,
            ),
            Misconception(
                "smallest_logit", "Which class does the net prefer: the one with …?", smallest_logit
            ),
            Misconception(
                "cut_to_a_whole_number",
                "Three of four are right: which kind of division gives you that?",
                cut_to_a_whole_number,
            ),
            Misconception(
                "above_zero",
                "A logit above 0 may still not be the largest of its row.",
                above_zero,
            ),
        ],
    ),
    "confusion_matrix": Answer(
        models.confusion_matrix,
        [
            Misconception(
                "predictions_in_rows",
                "What belongs into the rows: what an image is, or what it was taken for?",
                predictions_in_rows,
            ),
            Misconception(
                "each_pair_once",
                "The same pair may come many times. Does your matrix count all of them?",
                each_pair_once,
            ),
            Misconception(
                "shares_of_rows", "Counts are asked for. Did you divide them?", shares_of_rows
            ),
            Misconception(
                "float_counts", "Which dtype do numbers have that count things?", float_counts
            ),
            Misconception(
                "classes_that_occur",
                "A class may be missing in this batch. How many rows are there all the same?",
                classes_that_occur,
            ),
            Misconception(
                "small_integers",
                "How far can a number of eight bits count?",
                small_integers,
            ),
            Misconception(
                "diagonal_left_out",
                "What was right is to be counted, too. Where does it stand?",
                diagonal_left_out,
            ),
        ],
    ),
    "step_lr": Answer(
        models.step_lr,
        [
            Misconception(
                "without_floor",
                "Between two steps the rate stays. What does the floor sign say?",
                without_floor,
            ),
            Misconception("rounded", "Down, or to the nearest whole number?", rounded),
            Misconception("once", "What happens after twice the stepsize?", once),
            Misconception(
                "every_iteration",
                "Does the rate fall at every iteration, or once in every stepsize?",
                every_iteration,
            ),
            Misconception(
                "times_the_steps",
                "Two steps make it gamma times gamma as large, not two times gamma.",
                times_the_steps,
            ),
            Misconception(
                "one_early", "Iterations count from 0. When are the first ones over?", one_early
            ),
            Misconception("one_late", "What is the rate when it equals stepsize?", one_late),
            Misconception("divided", "With a gamma below 1 the rate falls. Does yours?", divided),
        ],
    ),
    "EarlyStopping": Answer(
        models.EarlyStopping,
        [
            Misconception(
                "higher_is_better", "It watches a loss. Which way is better?", higher_is_better
            ),
            Misconception(
                "compared_with_the_last",
                "A little better than the last, but still worse than the best: is that a gain?",
                compared_with_the_last,
            ),
            Misconception(
                "never_reset",
                "In a row, it says. What becomes of your count when a new best comes?",
                never_reset,
            ),
            Misconception(
                "one_look_late",
                "With a patience of 1, the first value that is no gain ends it. Count again.",
                one_look_late,
            ),
            Misconception(
                "one_look_early",
                "With a patience of 2, may it stop after one value that is no gain?",
                one_look_early,
            ),
            Misconception(
                "best_from_zero",
                "Which value is worse than any loss, so that the first one is a gain?",
                best_from_zero,
            ),
            Misconception(
                "best_from_a_thousand",
                "A loss may be larger than the number that you begin with.",
                best_from_a_thousand,
            ),
            Misconception(
                "answer_turned_round", "Does True mean stop, or go on?", answer_turned_round
            ),
            Misconception("at_the_first", "What is the patience for?", at_the_first),
            Misconception(
                "a_least_gain",
                "Lower by very little is lower. Do you ask for more?",
                a_least_gain,
            ),
            Misconception(
                "zero_taken_for_nothing",
                "A best value can be 0.0. Is that the same to you as having none?",
                zero_taken_for_nothing,
            ),
            Misconception(
                "compared_with_the_first",
                "Which value is a new one compared with, once there has been a better one?",
                compared_with_the_first,
            ),
            Misconception(
                "kept_by_the_class",
                "Two runs have an object each. Do both keep their counts in the same place?",
                KeptByTheClass,
            ),
        ],
    ),
    "resume": Answer(
        models.resume,
        [
            Misconception(
                "optimizer_forgotten",
                "The optimiser has a memory as well. Where is it, after you are done?",
                optimizer_forgotten,
            ),
            Misconception(
                "model_forgotten", "Whose weights does the model have now?", model_forgotten
            ),
            Misconception(
                "step_forgotten", "How does your caller know where to go on?", step_forgotten
            ),
            Misconception(
                "step_after",
                "The checkpoint says how many steps are done. Is one to be left out?",
                step_after,
            ),
            Misconception(
                "missing_file_raises",
                "At the very first start there is no checkpoint. What should happen then?",
                missing_file_raises,
            ),
            Misconception(
                "code_allowed",
                "A pickle can bring code that runs as it is loaded. How do you keep it out?",
                code_allowed,
            ),
            Misconception(
                "weights_exchanged",
                "Whose weights does the optimiser change now: those of the model, or older ones?",
                weights_exchanged,
            ),
            Misconception(
                "begins_anew",
                "Without a file nothing is to be touched: who asked for new weights?",
                begins_anew,
            ),
            Misconception(
                "optimizer_cleared",
                "Momentum is what the optimiser remembers. Do you let it keep that?",
                optimizer_cleared,
            ),
        ],
    ),
    "build_net": Answer(
        models.build_net,
        [
            Misconception(
                "names_left_out",
                "A layer may bring its own name. Can it be found by it?",
                names_left_out,
            ),
            Misconception(
                "padding_left_out",
                "Which keys may a convolution have, and which of them do you hand on?",
                padding_left_out,
            ),
            Misconception(
                "stride_left_out",
                "A layer may say how far its window moves. Do you hand that on?",
                stride_left_out,
            ),
            Misconception(
                "dropout_by_default",
                "How many units does this dropout layer leave out, and how many should it?",
                dropout_by_default,
            ),
            Misconception(
                "unknown_types_skipped",
                "What does your caller read who misspells a layer?",
                unknown_types_skipped,
            ),
            Misconception(
                "unknown_keys_ignored",
                "What does your caller read who misspells a key?",
                unknown_keys_ignored,
            ),
            Misconception(
                "no_guess",
                "Which known word did your caller mean? Your message could say so.",
                no_guess,
            ),
            Misconception(
                "config_used_up",
                "Whose dicts are these? Could your caller build a second net of them?",
                config_used_up,
            ),
            Misconception(
                "equal_layers_shared",
                "Two equal lines are two layers. Do yours have weights of their own?",
                equal_layers_shared,
            ),
            Misconception(
                "errors_of_torch",
                "Which kind of error is asked for where a word is not known?",
                errors_of_torch,
            ),
            Misconception(
                "multipliers_refused",
                "Two keys are for the optimiser. What do you make of a layer that has them?",
                multipliers_refused,
            ),
        ],
    ),
}
