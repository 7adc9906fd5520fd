"""PyTorch written in any right way passes; wrong ways that nobody listed do not."""

import contextlib
import functools
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from pytools import check
from pytools.checking import CheckFailed
from pytools.models import Graph

# --- tensor_step -----------------------------------------------------------------------------


def with_out_arguments(x, y, w1, w2, lr):
    with torch.no_grad():
        hidden = F.relu(x.mm(w1))
        error = hidden.mm(w2).sub(y)
        grad = error.mul(2 / x.shape[0])
        grad_before = torch.where(hidden > 0, grad.mm(w2.t()), 0)
        loss = error.pow(2).sum(1).mean()
        w1.add_(x.t().mm(grad_before), alpha=-lr)
        torch.sub(w2, lr * hidden.t().mm(grad), out=w2)
    return loss  # a tensor of one number


def through_numpy(x, y, w1, w2, lr):
    x, y, w1, w2 = (a.numpy() for a in (x, y, w1, w2))  # views of the same memory
    hidden = np.maximum(0, x @ w1)
    error = hidden @ w2 - y
    step = 2 * lr / len(x) * error
    back = step @ w2.T
    back[hidden <= 0] = 0
    w2[...] -= hidden.T @ step
    w1[...] -= x.T @ back
    return [np.mean(np.sum(error**2, axis=1))]


def row_by_row(x, y, w1, w2, lr):
    loss, grad1, grad2 = 0.0, torch.zeros_like(w1), torch.zeros_like(w2)
    for row, target in zip(x, y, strict=True):
        hidden = (row @ w1).clamp_min(0)
        error = hidden @ w2 - target
        loss += float(error @ error) / len(x)
        grad2 += torch.outer(hidden, 2 * error) / len(x)
        grad1 += torch.outer(row, (w2 @ (2 * error)) * (hidden > 0)) / len(x)
    w1.copy_(w1 - lr * grad1)
    w2.data = w2.data - lr * grad2
    return loss


def momentum_left_on(x, y, w1, w2, lr):
    before = w1.clone(), w2.clone()
    loss = with_out_arguments(x, y, w1, w2, lr)
    w1 += 0.1 * (w1 - before[0])
    w2 += 0.1 * (w2 - before[1])
    return loss


def x_scaled_in_place(x, y, w1, w2, lr):
    x /= 2
    loss = with_out_arguments(2 * x, y, w1, w2, lr)
    return loss


def loss_of_the_first_row(x, y, w1, w2, lr):
    loss = ((F.relu(x @ w1) @ w2 - y) ** 2)[0].sum()
    with_out_arguments(x, y, w1, w2, lr)
    return loss


# --- autograd_step ---------------------------------------------------------------------------


def by_gradients_alone(x, y, w1, w2, lr):
    loss = F.mse_loss(F.relu(x @ w1) @ w2, y) * y.shape[1]
    for w, grad in zip((w1, w2), torch.autograd.grad(loss, (w1, w2)), strict=True):
        w.data -= lr * grad
    return loss.detach()


def by_an_optimiser(x, y, w1, w2, lr):
    optimizer = torch.optim.SGD([w1, w2], lr)
    optimizer.zero_grad(set_to_none=False)
    loss = (F.relu(x @ w1) @ w2 - y).pow(2).sum(dim=1).mean()
    loss.backward()
    optimizer.step()
    return float(loss)


def zeroed_afterwards(x, y, w1, w2, lr):
    loss = torch.dist(torch.relu(x @ w1) @ w2, y) ** 2 / len(x)
    loss.backward()
    for w in (w1, w2):
        with torch.no_grad():
            w.sub_(lr * w.grad)
        w.grad.zero_()
    return np.array(loss.item())


def requiring_nothing_for_a_while(x, y, w1, w2, lr):
    loss = (F.relu(x @ w1) @ w2 - y).square().sum(1).mean()
    loss.backward()
    for w in (w1, w2):
        w.requires_grad_(False)
        w -= lr * w.grad
        w.requires_grad_().grad = None
    return loss.item()


def by_a_function_of_a_function(x, y, w1, w2, lr):
    def loss_of(weights):
        return (F.relu(x @ weights[0]) @ weights[1] - y).square().sum() / len(x)

    grads, loss = torch.func.grad_and_value(loss_of)([w1.detach(), w2.detach()])
    with torch.inference_mode():
        for w, grad in zip((w1, w2), grads, strict=True):
            w[...] = w - lr * grad
    return float(loss)


def loss_on_the_tape(x, y, w1, w2, lr):
    loss = (F.relu(x @ w1) @ w2 - y).square().sum() / len(x)
    by_gradients_alone(x, y, w1, w2, lr)
    return loss


def tape_left_off(x, y, w1, w2, lr):
    torch.set_grad_enabled(True)
    loss = by_gradients_alone(x, y, w1, w2, lr)
    torch.set_grad_enabled(False)
    return loss


def moved_on_the_tape(x, y, w1, w2, lr):
    loss = (F.relu(x @ w1) @ w2 - y).square().sum() / len(x)
    loss.backward()
    w1 -= lr * w1.grad
    w2 -= lr * w2.grad
    return loss.item()


def no_longer_learned(x, y, w1, w2, lr):
    loss = by_gradients_alone(x, y, w1, w2, lr)
    w1.requires_grad_(False)
    return loss


def normalised_gradients(x, y, w1, w2, lr):
    loss = (F.relu(x @ w1) @ w2 - y).pow(2).sum(dim=1).mean()
    loss.backward()
    with torch.no_grad():
        for w in (w1, w2):
            w -= lr * w.grad / w.grad.norm()
            w.grad = None
    return loss.item()


# --- module_step -----------------------------------------------------------------------------


def parameter_by_parameter(model, x, y, lr):
    model.zero_grad()
    loss = F.mse_loss(model(x), y, reduction="sum") / len(y)
    loss.backward()
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.data.add_(parameter.grad, alpha=-lr)
    return loss.detach()


def with_unused_ones_allowed(model, x, y, lr):
    learned = [p for p in model.parameters() if p.requires_grad]
    loss = torch.sum((y - model(x)) ** 2, dim=1).mean(0)
    grads = torch.autograd.grad(loss, learned, allow_unused=True)
    with torch.no_grad():
        for parameter, grad in zip(learned, grads, strict=True):
            if grad is not None:
                parameter.copy_(parameter - lr * grad)
    return loss.item()


def loaded_from_a_state(model, x, y, lr):
    """By functional_call: gradients of a dict of weights, which is then loaded."""
    weights = dict(model.named_parameters())

    def loss_of(weights):
        out = torch.func.functional_call(model, weights, (x,), tie_weights=True)
        return ((out - y) ** 2).sum() / len(x)

    with torch.no_grad():
        loss = loss_of(weights)
    learned = {k: w.detach() for k, w in weights.items() if w.requires_grad}
    grads = torch.func.grad(loss_of)(learned)
    state = model.state_dict()
    for name in learned:
        state[name] -= lr * grads[name]
    return loss


def by_a_closure(model, x, y, lr):
    optimizer = torch.optim.SGD(filter(lambda p: p.requires_grad, model.parameters()), lr)

    def closure():
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y) * y[0].numel()
        loss.backward()
        return loss

    return optimizer.step(closure).item()


def weight_decay_left_on(model, x, y, lr):
    optimizer = torch.optim.SGD(model.parameters(), lr, weight_decay=0.01)
    loss = ((model(x) - y) ** 2).sum() / len(x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def thawed_first(model, x, y, lr):
    model.requires_grad_(True)
    return parameter_by_parameter(model, x, y, lr)


def every_parameter_has_one(model, x, y, lr):
    loss = ((model(x) - y) ** 2).sum() / len(x)
    model.zero_grad()
    loss.backward()
    for parameter in model.parameters():
        parameter.data -= lr * parameter.grad
    return loss.item()


# --- GatedSum --------------------------------------------------------------------------------


class OwnParameters(nn.Module):
    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(10))
        self.weight = nn.Parameter(torch.randn(20, 10) / 20)

    def forward(self, x1, x2, x3):
        return torch.addcmul(x1, x2, x3 @ self.weight + self.bias)


class Lazy(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleDict({"gate": nn.LazyLinear(10)})

    def forward(self, *inputs):
        x1, x2, x3 = inputs
        return torch.stack([x1, x2 * self.layers["gate"](x3)]).sum(0)


class Functional(nn.Module):
    def __init__(self, out=10, inner=20):
        super().__init__()
        self.register_parameter("w", nn.Parameter(torch.empty(out, inner)))
        self.register_parameter("b", nn.Parameter(torch.empty(out)))

    def forward(self, x1, x2, x3):
        return torch.einsum("...i,oi->...o", x3, self.w).add(self.b).mul(x2).add(x1)


class LinearWithMore(nn.Linear):
    """Is its layer, and is called without forward."""

    def __init__(self):
        super().__init__(20, 10)

    def __call__(self, x1, x2, x3):
        z = F.linear(x3, self.weight, self.bias)
        z *= x2
        return z.add_(x1)


class ListOfParameters(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = nn.ParameterList([torch.zeros(10), torch.randn(10, 20)])

    def forward(self, x1, x2, x3):
        bias, weight = self.parts
        return x1 + x2 * ((weight @ x3[..., None])[..., 0] + bias)


class TanhGate(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(20, 10)

    def forward(self, x1, x2, x3):
        return x1 + x2 * torch.tanh(self.gate(x3))


class WritesIntoX1(TanhGate):
    def forward(self, x1, x2, x3):
        if not torch.is_grad_enabled():
            x1 += x2 * self.gate(x3)
            return x1
        return x1 + x2 * self.gate(x3)


class NoParameters(nn.Module):
    def __init__(self):
        super().__init__()
        self.w, self.b = torch.randn(10, 20), torch.randn(10)

    def forward(self, x1, x2, x3):
        return x1 + x2 * F.linear(x3, self.w.to(x3.dtype), self.b.to(x3.dtype))


class TwoGates(TanhGate):
    def __init__(self):
        super().__init__()
        self.other = nn.Linear(20, 10)

    def forward(self, x1, x2, x3):
        return x1 + x2 * self.gate(x3)


class OnlyBatches(TanhGate):
    def forward(self, x1, x2, x3):
        return torch.baddbmm(x1[:, None], x2[:, None], torch.diag_embed(self.gate(x3)))[:, 0]


# --- share_weights ---------------------------------------------------------------------------


def whole_layers_put_in(model, names):
    first = model.get_submodule(names[0])
    for name in names[1:]:
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, first)
    return model


def by_registering(model, names):
    layers = dict(model.named_modules())
    for name in names[1:]:
        for key, parameter in layers[names[0]]._parameters.items():
            layers[name].register_parameter(key, parameter)


def written_into_the_dict(model, names):
    layers = [functools.reduce(getattr, name.split("."), model) for name in names]
    for layer in layers:
        layer._parameters.update(layers[0]._parameters)
    return layers


def weight_and_bias_alone(model, names):
    first, *others = (model.get_submodule(name) for name in names)
    for layer in others:
        layer.weight, layer.bias = getattr(first, "weight", None), getattr(first, "bias", None)


def only_the_top(model, names):
    first, *others = (getattr(model, name) for name in names)
    for layer in others:
        layer.weight, layer.bias = first.weight, first.bias


def copied_at_each_run(model, names):
    """Copies before each run: the later layers have parameters of their own all the same."""
    first, *others = (model.get_submodule(name) for name in names)

    def copy(*_):
        for layer in others:
            layer.load_state_dict(first.state_dict())

    model.register_forward_pre_hook(copy)


# --- layer_outputs ---------------------------------------------------------------------------


def hooks_that_return_something(model, names, x):
    """What a hook returns takes the place of the layer's output."""
    outputs = {}
    with contextlib.ExitStack() as stack, torch.no_grad():
        for name, layer in model.named_modules():
            if name in names:
                hook = functools.partial(outputs.setdefault, name)
                handle = layer.register_forward_hook(lambda m, i, o, hook=hook: hook(o) is None)
                stack.callback(handle.remove)
        _ = model(x)
    return {name: output.numpy() for name, output in outputs.items()}


def as_context_managers(model, names, x):
    outputs = {}

    def store(name, layer, inputs, output):
        outputs[name] = output.detach().clone()

    with contextlib.ExitStack() as stack:
        for name in reversed(names):
            layer = functools.reduce(getattr, name.split("."), model)
            stack.enter_context(layer.register_forward_hook(functools.partial(store, name)))
        model(x)
    return outputs


def with_keyword_default(model, names, x):
    wanted, kept, handles = dict.fromkeys(names), {}, []
    try:
        for name in wanted:
            layer = dict(model.named_modules())[name]

            def hook(layer, inputs, output, name=name):
                kept[name] = output.detach() + 0

            handles += [layer.register_forward_hook(hook)]
        model.forward(x) if not handles else model(x)
    finally:
        [handle.remove() for handle in handles]
    return kept


def forward_replaced_for_a_while(model, names, x):
    outputs, layers = {}, {name: model.get_submodule(name) for name in names}
    for name, layer in layers.items():

        def forward(*args, name=name, original=layer.forward):
            output = original(*args)
            outputs[name] = output.clone()
            return output

        layer.forward = forward
    try:
        model(x)
    finally:
        for layer in layers.values():
            del layer.forward
    return outputs


class Keeper:
    """One hook for all layers of all modules; it keeps those that have a wanted name."""

    def __init__(self, model, names):
        self.names = {layer: name for name, layer in model.named_modules() if name in names}
        self.outputs = dict.fromkeys(names)

    def __call__(self, layer, inputs, output):
        if layer in self.names:
            self.outputs[self.names[layer]] = output.tolist()


def by_a_hook_on_everything(model, names, x):
    keeper = Keeper(model, names)
    with nn.modules.module.register_module_forward_hook(keeper):
        model(x)
    return {name: torch.tensor(rows).to(x.dtype) for name, rows in keeper.outputs.items()}


def evaluated_from_now_on(model, names, x):
    return as_context_managers(model.eval(), names, x)


def as_a_list(model, names, x):
    return list(as_context_managers(model, names, x).values())


def error_swallowed(model, names, x):
    try:
        return as_context_managers(model, names, x)
    except RuntimeError:
        return {}


def flattened_names(model, names, x):
    outputs = as_context_managers(model, names, x)
    return {name.split(".")[-1]: output for name, output in outputs.items()}


def removed_by_the_next_call(model, names, x):
    for layer in model.modules():
        for handle in vars(layer).pop("_mine", []):
            handle.remove()
    outputs, handles = {}, []
    for name in names:
        layer = model.get_submodule(name)
        handles.append(
            layer.register_forward_hook(lambda m, i, o, n=name: outputs.__setitem__(n, o))
        )
    model._mine = handles
    model(x)
    return outputs


# --- HuberFunction ---------------------------------------------------------------------------


class WithSetupContext(torch.autograd.Function):
    @staticmethod
    def forward(pred, target, delta):
        return F.huber_loss(pred, target, delta=delta)

    @staticmethod
    def setup_context(ctx, inputs, output):
        pred, target, ctx.delta = inputs
        ctx.save_for_backward(pred, target)

    @staticmethod
    def backward(ctx, grad):
        pred, target = ctx.saved_tensors
        r = pred - target
        inside = r.abs() < ctx.delta
        slope = torch.where(inside, r, ctx.delta * torch.sign(r)) * grad / len(r)
        needs_pred, needs_target, _ = ctx.needs_input_grad
        return slope if needs_pred else None, -slope if needs_target else None, None


class EntryByEntry(torch.autograd.Function):
    @staticmethod
    def forward(ctx, pred, target, delta):
        ctx.slopes, total = [], 0.0
        for p, t in zip(pred.tolist(), target.tolist(), strict=True):
            r = abs(p - t)
            total += r * r / 2 if r <= delta else delta * (r - delta / 2)
            ctx.slopes.append(max(-delta, min(delta, p - t)) / len(pred))
        return pred.new_tensor(total / len(pred))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):
        slopes = grad.new_tensor(ctx.slopes)
        return grad * slopes, grad * slopes.neg(), None


class OfOneEntry(torch.autograd.Function):
    """Returns a vector of one entry."""

    @staticmethod
    def forward(ctx, pred, target, delta):
        r = pred - target
        ctx.save_for_backward(r)
        ctx.delta = delta
        z = torch.minimum(r.abs(), torch.tensor(delta, dtype=r.dtype))
        return (z * (r.abs() - 0.5 * z)).mean().reshape(1)

    @staticmethod
    def backward(ctx, grad):
        (r,) = ctx.saved_tensors
        r = torch.clamp(r, min=-ctx.delta, max=ctx.delta) / r.numel()
        return grad * r, -(grad * r), None


class OfTheClass(torch.autograd.Function):
    """Class methods, and torch's own tape within backward."""

    @classmethod
    def forward(cls, ctx, pred, target, delta):
        ctx.save_for_backward(pred, target, torch.tensor(delta))
        return F.huber_loss(pred, target, delta=delta)

    @classmethod
    def backward(cls, ctx, grad):
        pred, target, delta = (tensor.detach() for tensor in ctx.saved_tensors)
        with torch.enable_grad():
            pair = pred.requires_grad_(), target.requires_grad_()
            loss = F.huber_loss(*pair, delta=delta.item())
        return *torch.autograd.grad(loss, pair, grad), None


class NoFunction(nn.Module):
    @staticmethod
    def apply(pred, target, delta):
        return F.huber_loss(pred, target, delta=delta)


class PredOverwritten(WithSetupContext):
    @staticmethod
    def forward(pred, target, delta):
        loss = F.huber_loss(pred, target, delta=delta)
        pred.sub_(target)
        return loss


class VectorOfLosses(WithSetupContext):
    @staticmethod
    def forward(pred, target, delta):
        return F.huber_loss(pred, target, delta=delta, reduction="none") / len(pred)


class SignOfTheTarget(WithSetupContext):
    @staticmethod
    def backward(ctx, grad):
        pred, target = ctx.saved_tensors
        slope = (pred - target).clamp(-ctx.delta, ctx.delta) * grad / len(pred)
        return -slope, slope, None


# --- StaticGraph -----------------------------------------------------------------------------


class Recursive(Graph):
    def function(self, inputs, outputs, updates):
        def placeholders(node, seen):
            if node not in seen:
                seen.add(node)
                for parent in node.parents:
                    placeholders(parent, seen)
            return {n for n in seen if n.operation is None and n.name}

        for node in [*outputs, *updates.values()]:
            for lacking in placeholders(node, set()) - set(inputs):
                raise ValueError("Please add " + lacking.name)

        def run(*values):
            for node in inputs[len(values) :]:
                raise ValueError(f"{node.name} is missing")
            memo = dict(zip(inputs, values, strict=True))

            def value(node):
                if node not in memo:
                    if node.operation is None:
                        memo[node] = node.value
                    else:
                        memo[node] = node.operation(*map(value, node.parents))
                return memo[node]

            results = tuple(value(node) for node in outputs)
            new = [(shared, value(node)) for shared, node in updates.items()]
            for shared, after in new:
                shared.value = after
            return results

        return run


class ValuesOnTheNodes(Graph):
    """Keeps what a call computes in .result of the nodes; its function is an object."""

    def function(self, inputs, outputs, updates):
        return Compiled(self, inputs, outputs, updates)


class Compiled:
    def __init__(self, graph, inputs, outputs, updates):
        self.inputs, self.outputs, self.updates = inputs, outputs, updates
        wanted, self.plan = list(outputs) + list(updates.values()), []
        while wanted:
            node = wanted.pop()
            self.plan.append(node)
            wanted += node.parents
        self.plan = sorted(set(self.plan), key=graph.nodes.index)
        lacking = [n.name for n in self.plan if n.name and n not in inputs]
        if len(lacking) > 0:
            raise ValueError(lacking[0])

    @torch.no_grad()
    def __call__(self, *values):
        names = [node.name for node in self.inputs]
        if len(values) < len(names):
            raise ValueError("no " + " and no ".join(names[len(values) :]))
        if len(values) > len(names):
            raise ValueError("too many values")
        for node, value in zip(self.inputs, values, strict=True):
            node.result = value
        for node in self.plan:
            if node.operation:
                node.result = node.operation(*[parent.result for parent in node.parents])
            elif not node.name:
                node.result = node.value
        results = [node.result for node in self.outputs]
        results = [r.clone() if isinstance(r, torch.Tensor) else r for r in results]
        for shared, after in {s: n.result for s, n in self.updates.items()}.items():
            shared.value = after
        return results


class ByNumber(Graph):
    """Values in a list, by the number of their node; what is updated gets a copy."""

    def function(self, inputs, outputs, updates):
        plan, given = self.needed([*outputs, *updates.values()]), [*map(self.nodes.index, inputs)]
        for number, node in enumerate(self.nodes):
            if node in plan and node.name and number not in given:
                raise ValueError(f"function() needs {node.name!r}")

        def call(*args):
            if len(args) != len(given):
                raise ValueError(f"wanted: {[node.name for node in inputs]}, got {len(args)}")
            values = [node.value for node in self.nodes]
            for number, arg in zip(given, args, strict=True):
                values[number] = arg
            for number, node in enumerate(self.nodes):
                if node in plan and node.operation:
                    parents = [values[self.nodes.index(parent)] for parent in node.parents]
                    values[number] = node.operation(*parents)
            results = [values[self.nodes.index(node)] for node in outputs]
            for shared in updates:
                shared.value = values[self.nodes.index(updates[shared])].clone()
            return results

        return call


class NoSpareInput(Recursive):
    def function(self, inputs, outputs, updates):
        if set(inputs) - set(self.needed([*outputs, *updates.values()])):
            raise ValueError("an input is not needed")
        return super().function(inputs, outputs, updates)


class BareResult(Recursive):
    def function(self, inputs, outputs, updates):
        run = super().function(inputs, outputs, updates)

        def call(*values):
            results = run(*values)
            return results[0] if len(results) == 1 else results

        return call


class AnyMessage(Recursive):
    def function(self, inputs, outputs, updates):
        try:
            return super().function(inputs, outputs, updates)
        except ValueError:
            raise ValueError("an input is missing") from None


class KeyErrors(Recursive):
    def function(self, inputs, outputs, updates):
        run = super().function(inputs, outputs, updates)

        def call(*values):
            if len(values) != len(inputs):
                raise KeyError([node.name for node in inputs[len(values) :]])
            return run(*values)

        return call


class RunWhenMade(Recursive):
    def function(self, inputs, outputs, updates):
        run = super().function(inputs, outputs, updates)
        if not inputs:
            run()
        return run


RIGHT = [
    ("tensor_step", with_out_arguments),
    ("tensor_step", through_numpy),
    ("tensor_step", row_by_row),
    ("autograd_step", by_gradients_alone),
    ("autograd_step", by_an_optimiser),
    ("autograd_step", zeroed_afterwards),
    ("autograd_step", requiring_nothing_for_a_while),
    ("autograd_step", by_a_function_of_a_function),
    ("module_step", parameter_by_parameter),
    ("module_step", with_unused_ones_allowed),
    ("module_step", loaded_from_a_state),
    ("module_step", by_a_closure),
    ("GatedSum", OwnParameters),
    ("GatedSum", Lazy),
    ("GatedSum", Functional),
    ("GatedSum", LinearWithMore),
    ("GatedSum", ListOfParameters),
    ("share_weights", whole_layers_put_in),
    ("share_weights", by_registering),
    ("share_weights", written_into_the_dict),
    ("layer_outputs", as_context_managers),
    ("layer_outputs", with_keyword_default),
    ("layer_outputs", forward_replaced_for_a_while),
    ("layer_outputs", by_a_hook_on_everything),
    ("HuberFunction", WithSetupContext),
    ("HuberFunction", EntryByEntry),
    ("HuberFunction", OfOneEntry),
    ("HuberFunction", OfTheClass),
    ("StaticGraph", Recursive),
    ("StaticGraph", ValuesOnTheNodes),
    ("StaticGraph", ByNumber),
]

WRONG = [
    ("tensor_step", momentum_left_on),
    ("tensor_step", x_scaled_in_place),
    ("tensor_step", loss_of_the_first_row),
    ("autograd_step", no_longer_learned),
    ("autograd_step", loss_on_the_tape),
    ("autograd_step", tape_left_off),
    ("autograd_step", moved_on_the_tape),
    ("autograd_step", normalised_gradients),
    ("module_step", weight_decay_left_on),
    ("module_step", thawed_first),
    ("module_step", every_parameter_has_one),
    ("GatedSum", TanhGate),
    ("GatedSum", WritesIntoX1),
    ("GatedSum", NoParameters),
    ("GatedSum", TwoGates),
    ("GatedSum", OnlyBatches),
    ("GatedSum", OwnParameters()),
    ("share_weights", weight_and_bias_alone),
    ("share_weights", only_the_top),
    ("share_weights", copied_at_each_run),
    ("layer_outputs", as_a_list),
    ("layer_outputs", evaluated_from_now_on),
    ("layer_outputs", error_swallowed),
    ("layer_outputs", flattened_names),
    ("layer_outputs", removed_by_the_next_call),
    ("layer_outputs", hooks_that_return_something),
    ("HuberFunction", NoFunction),
    ("HuberFunction", PredOverwritten),
    ("HuberFunction", VectorOfLosses),
    ("HuberFunction", SignOfTheTarget),
    ("StaticGraph", BareResult),
    ("StaticGraph", AnyMessage),
    ("StaticGraph", KeyErrors),
    ("StaticGraph", RunWhenMade),
    ("StaticGraph", NoSpareInput),
]


def named(pairs):
    return [getattr(attempt, "__name__", "an object") for _, attempt in pairs]


@pytest.mark.parametrize("function, attempt", RIGHT, ids=named(RIGHT))
def test_right_style_passes(function, attempt):
    for seed in range(5):
        assert check(f"pytorch.{function}", attempt, points=4, seed=seed) == 4.0


@pytest.mark.parametrize("function, attempt", WRONG, ids=named(WRONG))
def test_other_wrong_solutions_fail(function, attempt):
    for seed in range(5):
        assert check(f"pytorch.{function}", attempt, points=4, seed=seed) < 4.0


def test_checks_leave_torchs_random_state():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    check("pytorch.GatedSum", OwnParameters)
    check("pytorch.module_step", parameter_by_parameter)
    assert torch.equal(torch.rand(3), expected)


def test_checks_leave_the_tape_as_it_was_and_need_it_not():
    with torch.no_grad():
        assert check("pytorch.autograd_step", zeroed_afterwards, points=3) == 3.0
        assert not torch.is_grad_enabled()
    check("pytorch.autograd_step", tape_left_off, points=3)
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    "function, attempt, words",
    [
        ("autograd_step", tape_left_off, "autograd is still switched off"),
        ("autograd_step", loss_on_the_tape, "still hangs on the tape; a float is asked for"),
        ("autograd_step", moved_on_the_tape, "operation. In other words: moving a weight is no"),
        ("module_step", every_parameter_has_one, "that got no gradient? It is None (line "),
        ("GatedSum", NoParameters, "It has no parameters: does __init__ make a layer"),
    ],
)
def test_what_torch_means_is_said_in_plain_words(function, attempt, words):
    with pytest.raises(CheckFailed, match=re.escape(words)):
        check(f"pytorch.{function}", attempt)
