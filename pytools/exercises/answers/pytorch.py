"""What the checks of 08_pytorch know: the references, and the wrong solutions people write."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from pytools import models
from pytools.exercise import Answer, Misconception

# --- tensor_step -----------------------------------------------------------------------------


def _by_hand(
    divisor=lambda pred: len(pred),
    slope=2.0,
    mask=lambda hidden: hidden > 0,
    sign=1.0,
    mean_of_gradient=True,
    w2_first=False,
    w1_moves=True,
    rate=lambda lr: lr,
):
    """The right step, with one of its parts replaced."""

    def tensor_step(x, y, w1, w2, lr):
        before = x @ w1
        hidden = before.clamp(min=0)
        error, lr = hidden @ w2 - y, rate(lr)
        loss = (error**2).sum().item() / divisor(error)
        grad_pred = sign * slope * error / (divisor(error) if mean_of_gradient else 1)
        grad_w2 = hidden.T @ grad_pred
        if w2_first:
            w2 -= lr * grad_w2
        grad_w1 = x.T @ ((grad_pred @ w2.T) * mask(before))
        if w1_moves:
            w1 -= lr * grad_w1
        if not w2_first:
            w2 -= lr * grad_w2
        return loss

    return tensor_step


mean_over_entries = _by_hand(divisor=lambda error: error.numel())
sum_over_batch = _by_hand(divisor=lambda error: 1)
factor_two_forgotten = _by_hand(slope=1.0)
relu_not_passed_back = _by_hand(mask=lambda before: 1.0)
slope_one_at_zero = _by_hand(mask=lambda before: before >= 0)
uphill = _by_hand(sign=-1.0)
gradient_of_sum = _by_hand(mean_of_gradient=False)
w2_moved_first = _by_hand(w2_first=True)
hidden_for_mask = _by_hand(mask=lambda before: before.clamp(min=0))
lr_forgotten = _by_hand(rate=lambda lr: 1.0)
w1_stays = _by_hand(w1_moves=False)


def names_rebound(x, y, w1, w2, lr):
    w1, w2 = w1.clone(), w2.clone()
    return models.tensor_step(x, y, w1, w2, lr)


def loss_after(x, y, w1, w2, lr):
    models.tensor_step(x, y, w1, w2, lr)
    return models.tensor_step(x, y, w1, w2, 0.0)


# --- autograd_step ---------------------------------------------------------------------------


def _two_layers(x, y, w1, w2):
    return ((torch.relu(x @ w1) @ w2 - y) ** 2).sum() / len(x)


def _by_tape(loss_of=_two_layers, sign=-1.0, cleared=(True, True), moves=(True, True)):
    """The right step, with one of its parts replaced."""

    def autograd_step(x, y, w1, w2, lr):
        weights = [w1, w2]
        for weight, clear in zip(weights, cleared, strict=True):
            if clear:
                weight.grad = None
        loss = loss_of(x, y, w1, w2)
        loss.backward()
        with torch.no_grad():
            for weight, move in zip(weights, moves, strict=True):
                if move:
                    weight += sign * lr * weight.grad
        return loss.item()

    return autograd_step


grad_not_zeroed = _by_tape(cleared=(False, False))
one_grad_not_zeroed = _by_tape(cleared=(True, False))
tape_mean_over_entries = _by_tape(lambda x, y, w1, w2: F.mse_loss(torch.relu(x @ w1) @ w2, y))
tape_sum_over_batch = _by_tape(lambda x, y, w1, w2: _two_layers(x, y, w1, w2) * len(x))
tape_uphill = _by_tape(sign=1.0)
relu_left_out = _by_tape(lambda x, y, w1, w2: ((x @ w1 @ w2 - y) ** 2).sum() / len(x))
first_weight_stays = _by_tape(moves=(False, True))
second_weight_stays = _by_tape(moves=(True, False))


def weights_not_moved(x, y, w1, w2, lr):
    return _two_layers(x, y, w1, w2).item()


def tape_loss_after(x, y, w1, w2, lr):
    models.autograd_step(x, y, w1, w2, lr)
    return _two_layers(x, y, w1, w2).item()


# --- module_step -----------------------------------------------------------------------------


def _squared(model, x, y):
    return ((model(x) - y) ** 2).sum() / len(x)


def _by_module(loss_of=_squared, sign=-1.0, zero_before=True, moved=lambda name, p: True):
    """The right step, with one of its parts replaced."""

    def module_step(model, x, y, lr):
        if zero_before:
            model.zero_grad()
        loss = loss_of(model, x, y)
        loss.backward()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if parameter.grad is not None and moved(name, parameter):
                    parameter += sign * lr * parameter.grad
        return loss.item()

    return module_step


module_grad_not_zeroed = _by_module(zero_before=False)
module_mean_over_entries = _by_module(lambda model, x, y: F.mse_loss(model(x), y))
module_sum_over_batch = _by_module(lambda model, x, y: _squared(model, x, y) * len(x))
module_uphill = _by_module(sign=1.0)
biases_stay = _by_module(moved=lambda name, parameter: "weight" in name)


def frozen_moved(model, x, y, lr):
    model.requires_grad_(True)
    return models.module_step(model, x, y, lr)


def moved_for_each_layer(model, x, y, lr):
    """A weight that two layers share is moved twice."""
    model.zero_grad()
    loss = _squared(model, x, y)
    loss.backward()
    with torch.no_grad():
        for layer in model.modules():
            for parameter in layer.parameters(recurse=False):
                if parameter.grad is not None:
                    parameter -= lr * parameter.grad
    return loss.item()


def module_not_moved(model, x, y, lr):
    return _squared(model, x, y).item()


def module_loss_after(model, x, y, lr):
    models.module_step(model, x, y, lr)
    return _squared(model, x, y).item()


def other_optimizer(model, x, y, lr):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    loss = _squared(model, x, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


# --- GatedSum --------------------------------------------------------------------------------


def _gated(forward, bias=True):
    """A module with the right layer, and another forward: x1, x2, x3, gate -> z."""

    class GatedSum(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate = nn.Linear(20, 10, bias=bias)

        def forward(self, x1, x2, x3):
            return forward(x1, x2, x3, self.gate)

    return GatedSum


squashed_gate = _gated(lambda x1, x2, x3, gate: x1 + x2 * torch.sigmoid(gate(x3)))
rectified_gate = _gated(lambda x1, x2, x3, gate: x1 + x2 * torch.relu(gate(x3)))
gate_on_the_sum = _gated(lambda x1, x2, x3, gate: (x1 + x2) * gate(x3))
roles_exchanged = _gated(lambda x1, x2, x3, gate: x2 + x1 * gate(x3))
added_up = _gated(lambda x1, x2, x3, gate: x1 + x2 + gate(x3))
inner_product = _gated(lambda x1, x2, x3, gate: x1 + (x2 * gate(x3)).sum(-1, keepdim=True))
bias_left_out = _gated(lambda x1, x2, x3, gate: x1 + x2 * gate(x3), bias=False)
gate_detached = _gated(lambda x1, x2, x3, gate: x1 + x2 * gate(x3).detach())


# --- share_weights ---------------------------------------------------------------------------


def _layers(model, names):
    return [model.get_submodule(name) for name in names]


def values_copied(model, names):
    first, *others = _layers(model, names)
    for layer in others:
        layer.load_state_dict(first.state_dict())


def storage_shared(model, names):
    first, *others = _layers(model, names)
    for layer in others:
        for name, parameter in first.named_parameters():
            getattr(layer, name).data = parameter.data


def bias_not_shared(model, names):
    first, *others = _layers(model, names)
    for layer in others:
        for name, parameter in first.named_parameters():
            if "bias" not in name:
                setattr(layer, name, parameter)


def last_one_rules(model, names):
    models.share_weights(model, names[::-1])


def only_two_shared(model, names):
    models.share_weights(model, names[:2])


def shared_in_a_copy(model, names):
    import copy

    model = copy.deepcopy(model)
    models.share_weights(model, names)
    return model


def first_frozen(model, names):
    models.share_weights(model, names)
    model.get_submodule(names[0]).requires_grad_(False)


# --- layer_outputs ---------------------------------------------------------------------------


def _hooked(model, names, x, store, clear=True, late=False):
    """Outputs by hooks; store(outputs, name, inputs, output) keeps something of each."""
    outputs, handles = {}, []

    def hook_for(name):
        return lambda layer, inputs, output: store(outputs, name, inputs, output)

    for name in names:
        handles.append(model.get_submodule(name).register_forward_hook(hook_for(name)))
    model(x)
    if clear:
        for handle in handles:
            handle.remove()
    return outputs


def _keep(outputs, name, inputs, output):
    outputs[name] = output.clone()


def hooks_left(model, names, x):
    return _hooked(model, names, x, _keep, clear=False)


def hooks_left_after_an_error(model, names, x):
    return _hooked(model, names, x, _keep)


def inputs_kept(model, names, x):
    def keep(outputs, name, inputs, output):
        outputs[name] = inputs[0].clone()

    try:
        return _hooked(model, names, x, keep)
    finally:
        _clear_own(model, names)


def _clear_own(model, names):
    """Removes what _hooked leaves behind where the model raises."""
    for layer in _layers(model, names):
        for key, hook in list(layer._forward_hooks.items()):
            if hook.__module__ == __name__:
                del layer._forward_hooks[key]


def written_over(model, names, x):
    def keep(outputs, name, inputs, output):
        outputs[name] = output

    try:
        return _hooked(model, names, x, keep)
    finally:
        _clear_own(model, names)


def last_hook_removed(model, names, x):
    outputs = {}
    for name in names:
        layer = model.get_submodule(name)
        handle = layer.register_forward_hook(
            lambda layer, inputs, output, name=name: _keep(outputs, name, inputs, output)
        )
    try:
        model(x)
    finally:
        if names:
            handle.remove()
    return outputs


def error_swallowed(model, names, x):
    try:
        return models.layer_outputs(model, names, x)
    except RuntimeError:
        return {}


def every_layer_kept(model, names, x):
    return models.layer_outputs(model, [name for name, _ in model.named_modules() if name], x)


def name_bound_late(model, names, x):
    outputs, handles = {}, []
    try:
        for name in names:
            layer = model.get_submodule(name)
            keep = lambda layer, i, o: outputs.__setitem__(name, o)  # noqa: B023, E731
            handles.append(layer.register_forward_hook(keep))
        model(x)
    finally:
        for handle in handles:
            handle.remove()
    return outputs


def all_hooks_cleared(model, names, x):
    outputs = {}
    try:
        for name in names:
            layer = model.get_submodule(name)
            layer.register_forward_hook(
                lambda layer, inputs, output, name=name: _keep(outputs, name, inputs, output)
            )
        model(x)
    finally:
        for layer in model.modules():
            layer._forward_hooks.clear()
    return outputs


def children_in_a_row(model, names, x):
    outputs = {}
    for name, layer in model.named_children():
        x = layer(x)
        outputs[name] = x
    return {name: outputs[name] for name in names}


# --- HuberFunction ---------------------------------------------------------------------------


def _huber(
    slope_of=lambda r, delta: r.clamp(-delta, delta),
    loss_of=lambda r, slope, delta: slope * (r - slope / 2),
    reduce=torch.mean,
    count=lambda slope: slope.numel(),
    arrives=lambda grad: grad,
    target_sign=-1.0,
):
    """The right operation, with one of its parts replaced."""

    class HuberFunction(torch.autograd.Function):
        @staticmethod
        def forward(ctx, pred, target, delta):
            residual = pred - target
            ctx.save_for_backward(slope_of(residual, delta))
            return reduce(loss_of(residual, residual.clamp(-delta, delta), delta))

        @staticmethod
        def backward(ctx, grad):
            (slope,) = ctx.saved_tensors
            grad_pred = arrives(grad) * slope / count(slope)
            grad_target = None if target_sign is None else target_sign * grad_pred
            return grad_pred, grad_target, None

    return HuberFunction


upstream_ignored = _huber(arrives=lambda grad: 1.0)
target_forgotten = _huber(target_sign=None)
target_same_sign = _huber(target_sign=1.0)
sum_for_mean = _huber(reduce=torch.sum, count=lambda slope: 1)
mean_not_passed_back = _huber(count=lambda slope: 1)
slope_not_cut = _huber(slope_of=lambda r, delta: r)
slope_one_outside = _huber(
    slope_of=lambda r, delta: torch.where(r.abs() <= delta, r, r.sign()),
)
sign_forgotten = _huber(slope_of=lambda r, delta: torch.where(r.abs() <= delta, r, delta))
abs_forgotten = _huber(
    slope_of=lambda r, delta: torch.where(r <= delta, r, delta),
    loss_of=lambda r, slope, delta: torch.where(r <= delta, r**2 / 2, delta * (r - delta / 2)),
)
delta_ignored = _huber(
    slope_of=lambda r, delta: r.clamp(-1, 1),
    loss_of=lambda r, slope, delta: r.clamp(-1, 1) * (r - r.clamp(-1, 1) / 2),
)
half_forgotten = _huber(
    slope_of=lambda r, delta: torch.where(r.abs() <= delta, 2 * r, delta * r.sign()),
    loss_of=lambda r, slope, delta: torch.where(
        r.abs() <= delta, r**2, delta * (r.abs() - delta / 2)
    ),
)
step_at_delta = _huber(
    loss_of=lambda r, slope, delta: torch.where(r.abs() <= delta, r**2 / 2, delta * r.abs()),
)
divided_by_delta = _huber(
    slope_of=lambda r, delta: r.clamp(-delta, delta) / delta,
    loss_of=lambda r, slope, delta: slope * (r - slope / 2) / delta,
)


# --- StaticGraph -----------------------------------------------------------------------------


class _Parts(models.Graph):
    """The right function in pieces, one of which a wrong one replaces."""

    def refuse(self, order, inputs):
        missing = [node.name for node in order if node.name and node not in inputs]
        if missing:
            raise ValueError(f"not among the inputs: {', '.join(missing)}")

    def known(self, inputs, values):
        if len(values) != len(inputs):
            names = [node.name for node in inputs[len(values) :]]
            raise ValueError(f"{len(values)} values for {len(inputs)} inputs, missing: {names}")
        return dict(zip(inputs, values, strict=True))

    def compute(self, order, known):
        for node in order:
            if node.operation:
                known[node] = node.operation(*(known[parent] for parent in node.parents))
            elif node not in known:
                known[node] = node.value
        return known

    def update(self, updates, known):
        for shared, node in updates.items():
            shared.value = known[node]

    def function(self, inputs, outputs, updates):
        order = self.needed([*outputs, *updates.values()])
        self.refuse(order, inputs)

        def call(*values):
            known = self.compute(order, self.known(inputs, values))
            self.update(updates, known)
            return [known[node] for node in outputs]

        return call


class UpdatedOneByOne(_Parts):
    """Each update sees those before it; the outputs are computed first."""

    def function(self, inputs, outputs, updates):
        order = self.needed([*outputs, *updates.values()])
        self.refuse(order, inputs)

        def call(*values):
            known = self.compute(self.needed(outputs), self.known(inputs, values))
            for shared, node in updates.items():
                again = self.compute(self.needed([node]), self.known(inputs, values))
                shared.value = again[node]
            return [known[node] for node in outputs]

        return call


class OutputsAfterUpdates(_Parts):
    def function(self, inputs, outputs, updates):
        order = self.needed([*outputs, *updates.values()])
        self.refuse(order, inputs)

        def call(*values):
            self.update(updates, self.compute(order, self.known(inputs, values)))
            known = self.compute(order, self.known(inputs, values))
            return [known[node] for node in outputs]

        return call


class UpdatedInPlace(_Parts):
    def update(self, updates, known):
        for shared, node in updates.items():
            if isinstance(shared.value, torch.Tensor):
                shared.value.copy_(known[node])
            else:
                shared.value = known[node]


class UpdatesLeftOut(_Parts):
    def update(self, updates, known):
        pass


class WholeGraphComputed(_Parts):
    def function(self, inputs, outputs, updates):
        order = self.needed([*outputs, *updates.values()])
        self.refuse(order, inputs)

        def call(*values):
            known = self.known(inputs, values)
            for node in self.nodes:
                if node.operation and all(parent in known for parent in node.parents):
                    known[node] = node.operation(*(known[parent] for parent in node.parents))
                elif node not in known and not node.operation and not node.name:
                    known[node] = node.value
            self.update(updates, known)
            return [known[node] for node in outputs]

        return call


class ComputedAtEachUse(_Parts):
    def function(self, inputs, outputs, updates):
        self.refuse(self.needed([*outputs, *updates.values()]), inputs)

        def call(*values):
            given = self.known(inputs, values)

            def value(node):
                if node in given:
                    return given[node]
                if node.operation:
                    return node.operation(*(value(parent) for parent in node.parents))
                return node.value

            results = [value(node) for node in outputs]
            self.update(updates, {node: value(node) for node in updates.values()})
            return results

        return call


class ComputedOnce(_Parts):
    """What was computed at the first call is never computed again."""

    def function(self, inputs, outputs, updates):
        order = self.needed([*outputs, *updates.values()])
        self.refuse(order, inputs)
        known = {}

        def call(*values):
            known.update(self.known(inputs, values))
            self.compute([node for node in order if node not in known], known)
            self.update(updates, known)
            return [known[node] for node in outputs]

        return call


class FrozenWeights(_Parts):
    """Weights are looked up when the function is made."""

    def function(self, inputs, outputs, updates):
        order = self.needed([*outputs, *updates.values()])
        self.refuse(order, inputs)
        frozen = {n: n.value for n in order if not n.operation and n not in inputs}

        def call(*values):
            known = self.compute(order, frozen | self.known(inputs, values))
            self.update(updates, known)
            return [known[node] for node in outputs]

        return call


class ReadWhileUpdating(_Parts):
    """Values are computed when they are asked for, those of the updates one by one."""

    def function(self, inputs, outputs, updates):
        self.refuse(self.needed([*outputs, *updates.values()]), inputs)

        def call(*values):
            known = self.known(inputs, values)

            def value(node):
                if node not in known:
                    parents = [value(parent) for parent in node.parents]
                    known[node] = node.operation(*parents) if node.operation else node.value
                return known[node]

            results = [value(node) for node in outputs]
            for shared, node in updates.items():
                shared.value = value(node)
            return results

        return call


class NothingRefused(_Parts):
    def refuse(self, order, inputs):
        pass

    def known(self, inputs, values):
        return dict(zip(inputs, values, strict=False))


class RefusedAtTheCall(_Parts):
    def function(self, inputs, outputs, updates):
        def call(*values):
            return models.StaticGraph.function(self, inputs, outputs, updates)(*values)

        return call


class UpdatesNotLookedAt(_Parts):
    """Placeholders that only updates need are not missed."""

    def function(self, inputs, outputs, updates):
        self.refuse(self.needed(outputs), inputs)
        return RefusedAtTheCall.function(self, inputs, outputs, updates)


class CallNamesNothing(_Parts):
    def known(self, inputs, values):
        return dict(zip(inputs, values, strict=True))


class NothingNamed(CallNamesNothing):
    def refuse(self, order, inputs):
        if any(node.name and node not in inputs for node in order):
            raise ValueError("an input is missing")


class OneTooManyTaken(_Parts):
    def known(self, inputs, values):
        return super().known(inputs, values[: len(inputs)])


class OrderOfMaking(_Parts):
    """Values are handed out in the order in which the placeholders were made."""

    def known(self, inputs, values):
        super().known(inputs, values)
        made = [node for node in self.nodes if node in inputs]
        return dict(zip(made, values, strict=True))


MEAN = "A mean over the batch divides by the number of rows, whatever a row holds. What is yours?"
MEAN_FORGOTTEN = "Repeat every row of the batch: should the step become twice as long?"
WHEN = "At which moment do you look at the loss: before or after the weights have moved?"
MOVED = (
    "After the call, your caller's own tensors hold what they held. Did you move others under "
    "the same names, or forget to move any?"
)
CLEARED = "The second call moves further than its own gradient says. What does .grad hold by then?"
ALL_MOVE = "How many weights does the net have, and how many of them have moved?"
RATE = "How far should a step go whose lr is 0?"
EXCHANGED = "Two shared variables exchange their values. What does the second update see?"
WHICH_INPUT = "Your caller has many inputs. Which one does your message mean?"
DOWNHILL = "A gradient points uphill. Does your loss fall from one call to the next?"

ANSWERS = {
    "tensor_step": Answer(
        models.tensor_step,
        [
            Misconception(
                "names_rebound",
                "Your caller's w1 is the same as before. Which of your lines writes into it, and "
                "which makes a new tensor and gives it the old name?",
                names_rebound,
            ),
            Misconception("loss_after", WHEN, loss_after),
            Misconception("mean_over_entries", MEAN, mean_over_entries),
            Misconception("sum_over_batch", MEAN_FORGOTTEN, sum_over_batch),
            Misconception(
                "w2_moved_first",
                "Which w2 does the gradient of w1 pass through: that of this step, or the next?",
                w2_moved_first,
            ),
            Misconception(
                "relu_not_passed_back",
                "What does a hidden unit that the ReLU has set to 0 send back?",
                relu_not_passed_back,
            ),
            Misconception(
                "slope_one_at_zero",
                "The slope of the ReLU at exactly 0 is taken as 0 here.",
                slope_one_at_zero,
            ),
            Misconception("uphill", DOWNHILL, uphill),
            Misconception(
                "factor_two_forgotten", "What is the slope of a square?", factor_two_forgotten
            ),
            Misconception(
                "gradient_of_sum",
                "The loss is a mean over the batch. Is your gradient that of a mean?",
                gradient_of_sum,
            ),
            Misconception(
                "hidden_for_mask",
                "The bracket [h > 0] is 1 or 0. What is yours for a hidden unit of 3?",
                hidden_for_mask,
            ),
            Misconception("lr_forgotten", RATE, lr_forgotten),
            Misconception("w1_stays", ALL_MOVE, w1_stays),
        ],
    ),
    "autograd_step": Answer(
        models.autograd_step,
        [
            Misconception("grad_not_zeroed", CLEARED, grad_not_zeroed),
            Misconception(
                "one_grad_not_zeroed",
                "One weight goes where it should, the other too far. What do the two .grad hold "
                "when the second call begins?",
                one_grad_not_zeroed,
            ),
            Misconception("weights_not_moved", MOVED, weights_not_moved),
            Misconception("loss_after", WHEN, tape_loss_after),
            Misconception("mean_over_entries", MEAN, tape_mean_over_entries),
            Misconception("sum_over_batch", MEAN_FORGOTTEN, tape_sum_over_batch),
            Misconception("uphill", DOWNHILL, tape_uphill),
            Misconception(
                "relu_left_out",
                "Two matrices with nothing between them are one matrix. What stands between yours?",
                relu_left_out,
            ),
            Misconception("first_weight_stays", ALL_MOVE, first_weight_stays),
            Misconception("second_weight_stays", ALL_MOVE, second_weight_stays),
        ],
    ),
    "module_step": Answer(
        models.module_step,
        [
            Misconception("grad_not_zeroed", CLEARED, module_grad_not_zeroed),
            Misconception("weights_not_moved", MOVED, module_not_moved),
            Misconception("loss_after", WHEN, module_loss_after),
            Misconception("mean_over_entries", MEAN, module_mean_over_entries),
            Misconception("sum_over_batch", MEAN_FORGOTTEN, module_sum_over_batch),
            Misconception("uphill", DOWNHILL, module_uphill),
            Misconception(
                "biases_stay",
                "Print the names of all parameters of a layer. Do you move each of them?",
                biases_stay,
            ),
            Misconception(
                "other_optimizer",
                "How long is a step: the gradient times the learning rate, or nearly the learning "
                "rate whatever the gradient?",
                other_optimizer,
            ),
            Misconception(
                "frozen_moved",
                "Some weights are frozen on purpose. Are they still, after your call?",
                frozen_moved,
            ),
            Misconception(
                "moved_for_each_layer",
                "Two layers may hold one and the same parameter. How often do you move it?",
                moved_for_each_layer,
            ),
        ],
    ),
    "GatedSum": Answer(
        models.GatedSum,
        [
            Misconception(
                "squashed_gate",
                "The formula has no sigmoid: what the layer puts out is the factor itself.",
                squashed_gate,
            ),
            Misconception(
                "rectified_gate",
                "The formula has no ReLU: may the factor be negative?",
                rectified_gate,
            ),
            Misconception(
                "gate_on_the_sum",
                "Which of the two, x1 or x2, has the layer's output as a factor?",
                gate_on_the_sum,
            ),
            Misconception(
                "roles_exchanged",
                "One of x1 and x2 goes straight through. Which one?",
                roles_exchanged,
            ),
            Misconception(
                "added_up",
                "The small circle is a product, entry by entry.",
                added_up,
            ),
            Misconception(
                "inner_product",
                "Ten products for each row: do they stay ten, or become one sum?",
                inner_product,
            ),
            Misconception(
                "bias_left_out",
                "A linear layer has two parameters. Which one has yours not got?",
                bias_left_out,
            ),
            Misconception(
                "gate_detached",
                "z is right, but no gradient comes through the layer. Where is the tape cut?",
                gate_detached,
            ),
        ],
    ),
    "share_weights": Answer(
        models.share_weights,
        [
            Misconception(
                "values_copied",
                "Equal numbers now, but after one step of training? Count the parameters.",
                values_copied,
            ),
            Misconception(
                "storage_shared",
                "The numbers lie in one place, yet the model counts two parameters, each with a "
                "gradient of its own.",
                storage_shared,
            ),
            Misconception(
                "bias_not_shared",
                "Print the names of all parameters of a layer. Do you share each of them?",
                bias_not_shared,
            ),
            Misconception(
                "last_one_rules",
                "Whose numbers do the layers have now: those of the first name, or of the last?",
                last_one_rules,
            ),
            Misconception("only_two_shared", "How many names may the list have?", only_two_shared),
            Misconception(
                "shared_in_a_copy",
                "Your caller goes on with the model that it gave you. Has that one changed?",
                shared_in_a_copy,
            ),
            Misconception(
                "first_frozen",
                "Shared weights learn too, from all the places where they are used.",
                first_frozen,
            ),
        ],
    ),
    "layer_outputs": Answer(
        models.layer_outputs,
        [
            Misconception(
                "hooks_left",
                "Run the model again after your function: are your hooks still called?",
                hooks_left,
            ),
            Misconception(
                "hooks_left_after_an_error",
                "The model may raise. Which of your lines are never reached then?",
                hooks_left_after_an_error,
            ),
            Misconception(
                "inputs_kept",
                "A hook is handed what went in and what came out. Which one do you keep?",
                inputs_kept,
            ),
            Misconception(
                "written_over",
                "The next layer may write into what it is given. What do you hold then?",
                written_over,
            ),
            Misconception(
                "last_hook_removed",
                "How many hooks do you hang up, and how many of them can you still take down?",
                last_hook_removed,
            ),
            Misconception(
                "error_swallowed",
                "The model failed. How does your caller hear of it?",
                error_swallowed,
            ),
            Misconception(
                "every_layer_kept",
                "Your caller asked for some layers by name. How many did it get?",
                every_layer_kept,
            ),
            Misconception(
                "name_bound_late",
                "All hooks use one variable for the name. What does it hold when they are called?",
                name_bound_late,
            ),
            Misconception(
                "all_hooks_cleared",
                "Some of the hooks that you removed were not yours.",
                all_hooks_cleared,
            ),
            Misconception(
                "children_in_a_row",
                "Does every model run its layers one after the other, in the order in which they "
                "are listed?",
                children_in_a_row,
            ),
        ],
    ),
    "HuberFunction": Answer(
        models.HuberFunction,
        [
            Misconception(
                "upstream_ignored",
                "Your caller may do something with the loss before it goes backward. What arrives?",
                upstream_ignored,
            ),
            Misconception(
                "target_forgotten",
                "Two of the three inputs are tensors, and either may be learned.",
                target_forgotten,
            ),
            Misconception(
                "target_same_sign",
                "When a target grows, does the residual grow or shrink?",
                target_same_sign,
            ),
            Misconception(
                "sum_for_mean", "Is the loss a sum over the batch, or a mean?", sum_for_mean
            ),
            Misconception(
                "mean_not_passed_back",
                "The loss is a mean. How much of it is one entry's?",
                mean_not_passed_back,
            ),
            Misconception(
                "slope_not_cut",
                "How steep is the loss beyond delta: does a wild target pull harder there?",
                slope_not_cut,
            ),
            Misconception(
                "slope_one_outside",
                "Beyond delta the loss is a straight line. How steep is it?",
                slope_one_outside,
            ),
            Misconception(
                "sign_forgotten",
                "Draw the loss far to the left of 0: does it rise or fall there?",
                sign_forgotten,
            ),
            Misconception(
                "abs_forgotten",
                "A residual of minus one million: is it within delta of 0?",
                abs_forgotten,
            ),
            Misconception(
                "delta_ignored", "Your caller chooses delta. Do you use it?", delta_ignored
            ),
            Misconception(
                "half_forgotten",
                "Where the two pieces meet, at delta, is your loss in one piece?",
                half_forgotten,
            ),
            Misconception(
                "step_at_delta",
                "Draw your loss near delta: does it jump?",
                step_at_delta,
            ),
            Misconception(
                "divided_by_delta",
                "Near 0 the loss is half the square, whatever delta is.",
                divided_by_delta,
            ),
        ],
    ),
    "StaticGraph": Answer(
        models.StaticGraph,
        [
            Misconception("updated_one_by_one", EXCHANGED, UpdatedOneByOne),
            Misconception("read_while_updating", EXCHANGED, ReadWhileUpdating),
            Misconception(
                "outputs_after_updates",
                "Is the loss that your caller gets that of the old weights, or of the new ones?",
                OutputsAfterUpdates,
            ),
            Misconception(
                "updated_in_place",
                "An output may be a shared variable itself. Does your caller's list change too?",
                UpdatedInPlace,
            ),
            Misconception(
                "updates_left_out",
                "After a call, what do the shared variables hold?",
                UpdatesLeftOut,
            ),
            Misconception(
                "whole_graph_computed",
                "A graph may hold much that this function does not need. Do you compute it?",
                WholeGraphComputed,
            ),
            Misconception(
                "computed_at_each_use",
                "A node that two others use is one node. How often is it computed?",
                ComputedAtEachUse,
            ),
            Misconception(
                "computed_once",
                "Call it twice with different values. Does the second call start afresh?",
                ComputedOnce,
            ),
            Misconception(
                "frozen_weights",
                "When do you look up what a shared variable holds: once, or at each call?",
                FrozenWeights,
            ),
            Misconception(
                "nothing_refused",
                "What does your caller read who forgets an input?",
                NothingRefused,
            ),
            Misconception(
                "refused_at_the_call",
                "A forgotten input is known before there is a number. When does your caller hear "
                "of it?",
                RefusedAtTheCall,
            ),
            Misconception(
                "updates_not_looked_at",
                "Updates need values too. Which placeholders lead to them?",
                UpdatesNotLookedAt,
            ),
            Misconception("nothing_named", WHICH_INPUT, NothingNamed),
            Misconception("call_names_nothing", WHICH_INPUT, CallNamesNothing),
            Misconception(
                "one_too_many_taken",
                "What becomes of a value for which there is no input?",
                OneTooManyTaken,
            ),
            Misconception(
                "order_of_making",
                "Values come in the order of the list of inputs. In which order do you use them?",
                OrderOfMaking,
            ),
        ],
    ),
}
