"""The exercises of 08_pytorch: how each is called, and on which cases.

Cases hold NumPy arrays, and models and graphs in words. Each run makes tensors and modules of them,
calls the attempt, and turns what came back, and what became of the weights, into arrays. Torch is
imported where it is used, so that all exercises can be listed without it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from typing import Any

import numpy as np

from pytools.exercise import Case, Exercise, Unusable, plain
from pytools.exercises.static_graphs import run_static_graph, static_graph_cases
from pytools.exercises.tensors import Model, in_a_row, require_unchanged, tensors

Pytorch = partial(Exercise, answers="pytools.exercises.answers.pytorch")

TWICE = "two calls; losses holds what they returned, and then the weights are looked at"


ADVICE = {  # a part of torch's message -> what it means to a beginner
    "a leaf Variable that requires grad": "moving a weight is no part of the net: keep it off the "
    "tape",
    "does not require grad and does not have": "no tape leads to this number: was it computed "
    "under no_grad, or of detached tensors?",
    "grad can be implicitly created only for": "backward starts at one number: which one is your "
    "loss?",
    "backward through the graph a second time": "a tape serves one backward only: each needs a "
    "loss computed anew",
    "'float' and 'NoneType'": "is that the .grad of a tensor that got no gradient? It is None",
    "incorrect number of gradients": "one for each argument of forward, None where there is none",
    "different than None": "delta is no tensor: what is its gradient?",
    "can only save": "save_for_backward is for tensors: where can a plain number be kept?",
    "or None expected": "a layer takes nothing but an nn.Parameter for a weight",
}


def taped(run: Callable) -> Callable:
    """A run with the tape on, whatever mode it starts in, and with torch's errors explained."""

    @wraps(run)
    def run_taped(*args: Any, **options: Any) -> Any:
        import torch

        with torch.enable_grad():
            try:
                result = run(*args, **options)
            except (RuntimeError, TypeError) as error:
                advice = next((ADVICE[part] for part in ADVICE if part in str(error)), "")
                if advice:
                    words = textwrap.shorten(str(error), 150, placeholder=" …").rstrip(".")
                    error.args = (f"{words}. In other words: {advice}",)
                raise
            if not torch.is_grad_enabled():
                text = "When it is done, autograd is still switched off. Did you mean a with block?"
                raise Unusable("tape", text)
            return result

    return run_taped


def number(value: Any) -> float:
    """A loss, which may be a number, or an array or tensor that holds one."""
    if value is None:
        raise Unusable("none", "It returned None: is a return statement missing?")
    if getattr(value, "requires_grad", False):
        text = "The loss that it returned still hangs on the tape; a float is asked for."
        raise Unusable("tape", text)
    array = plain(value, "the loss")
    if array.size != 1:
        raise Unusable("count", f"The loss has shape {array.shape}, but is to be one number.")
    return float(array.reshape(()))


# --- tensor_step, autograd_step, module_step -------------------------------------------------


def two_layer_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, d: int, h: int, o: int, lr: float = 0.02) -> tuple:
        shapes = [(n, d), (n, o), (d, h), (h, o)]
        return *(rng.standard_normal(shape) for shape in shapes), lr

    dead = draw(4, 3, 5, 2)
    dead[2][:, 2] = 0.0  # this hidden unit is exactly 0 for every row
    single = [a.astype(np.float32) for a in draw(5, 4, 6, 3)[:4]]
    return [
        Case(draw(3, 2, 5, 4), note=TWICE),
        Case(draw(3, 2, 5, 4), note=TWICE),
        Case(draw(8, 6, 5, 3), note=TWICE),
        Case(draw(5, 4, 4, 4, 0.05), note=f"another learning rate; {TWICE}"),
        Case(draw(1, 3, 4, 2), "edge", f"a batch of one; {TWICE}"),
        Case(draw(6, 3, 4, 1), "edge", f"one output; {TWICE}"),
        Case(dead, "edge", f"a hidden unit that is exactly 0 before the ReLU; {TWICE}"),
        Case((*single, 0.02), "numerical", f"float32 tensors; {TWICE}"),
    ]


def run_weights_step(
    attempt: Callable,
    x: np.ndarray,
    y: np.ndarray,
    w1: np.ndarray,
    w2: np.ndarray,
    lr: float,
    learned: bool,
) -> tuple:
    """Two calls on the same tensors: the losses, and what the caller's weights hold then."""
    batch, weights = tensors(x, y), tensors(w1, w2, learned=learned)
    losses = [number(attempt(*batch, *weights, lr)) for _ in range(2)]
    require_unchanged({"x": x, "y": y}, batch)
    return losses, *weights


def with_an_idle_layer(nn: Any) -> Any:
    """A module that is no chain, and has a layer that it does not use."""
    import torch

    class Idle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.idle = nn.Linear(4, 4)
            self.last = nn.Linear(5, 3)
            self.first = nn.Linear(4, 5)

        def forward(self, x: Any) -> Any:
            return self.last(torch.tanh(self.first(x)))

    return Idle()


def first_layer_frozen(nn: Any) -> Any:
    net = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    net[0].requires_grad_(False)
    return net


def one_layer_twice(nn: Any) -> Any:
    layer = nn.Linear(3, 3)
    return nn.Sequential(layer, nn.Tanh(), layer)


def one_weight_twice(nn: Any) -> Any:
    net = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
    net[2].weight = net[0].weight
    return net


def module_step_cases(rng: np.random.Generator) -> list[Case]:
    def draw(words: str, make: Callable, x: tuple, y: tuple, lr: float = 0.02) -> tuple:
        model = Model(words, make, int(rng.integers(2**31)))
        return model, rng.standard_normal(x), rng.standard_normal(y), lr

    def net(d: int, h: int, o: int) -> tuple[str, Callable]:
        words = f"Sequential(Linear({d}, {h}), ReLU(), Linear({h}, {o}))"
        return words, lambda nn: nn.Sequential(nn.Linear(d, h), nn.ReLU(), nn.Linear(h, o))

    model, x, y, lr = draw(*net(4, 6, 3), (5, 4), (5, 3))
    idle = "a module with three Linear layers, one of which it does not use"
    frozen = "Sequential(Linear(3, 5), ReLU(), Linear(5, 2)), its first layer frozen"
    twice = "Sequential(layer, Tanh(), layer), with layer = Linear(3, 3)"
    tied = "Sequential(Linear(3, 3), Tanh(), Linear(3, 3)), both with the same object as weight"
    images = "Sequential(Conv2d(1, 2, 3), Flatten(), Linear(8, 3))"
    return [
        Case(draw(*net(2, 3, 2), (3, 2), (3, 2)), note=TWICE),
        Case(draw(*net(2, 3, 2), (3, 2), (3, 2)), note=TWICE),
        Case(draw(*net(6, 5, 3), (8, 6), (8, 3), 0.05), note=TWICE),
        Case(draw("Linear(4, 3)", lambda nn: nn.Linear(4, 3), (6, 4), (6, 3)), note=TWICE),
        Case(
            draw(
                images,
                lambda nn: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 3)),
                (4, 1, 4, 4),
                (4, 3),
                0.01,
            ),
            note=TWICE,
        ),
        Case(draw(*net(3, 4, 2), (1, 3), (1, 2)), "edge", f"a batch of one; {TWICE}"),
        Case(draw(idle, with_an_idle_layer, (6, 4), (6, 3)), "edge", TWICE),
        Case(draw(frozen, first_layer_frozen, (6, 3), (6, 2)), "edge", TWICE),
        Case(draw(twice, one_layer_twice, (6, 3), (6, 3)), "edge", TWICE),
        Case(draw(tied, one_weight_twice, (6, 3), (6, 3)), "edge", TWICE),
        Case(
            (model, x.astype(np.float32), y.astype(np.float32), lr),
            "numerical",
            f"float32 tensors; {TWICE}",
        ),
    ]


def run_module_step(
    attempt: Callable, model: Model, x: np.ndarray, y: np.ndarray, lr: float
) -> tuple:
    """Two calls: the losses, and all parameters of the model then, in a row."""
    module, batch = model.build(x), tensors(x, y)
    parameters = list(module.parameters())
    losses = [number(attempt(module, *batch, lr)) for _ in range(2)]
    require_unchanged({"x": x, "y": y}, batch)
    return losses, in_a_row(parameters)


# --- GatedSum --------------------------------------------------------------------------------


def gated_sum_cases(rng: np.random.Generator) -> list[Case]:
    def draw(*batch: int) -> tuple[np.ndarray, ...]:
        x1, x2, x3, grad = (rng.standard_normal((*batch, size)) for size in (10, 10, 20, 10))
        return x1, x2, x3, rng.standard_normal((10, 20)), rng.standard_normal(10), grad

    bright = draw(5)
    single = [a.astype(np.float32) for a in draw(4)]
    return [
        Case(draw(2), note="weight and bias are loaded into it, grad arrives for z"),
        Case(draw(2)),
        Case(draw(7)),
        Case(draw(10), note="a batch as large as x1 is long"),
        Case(draw(1), "edge", "a batch of one"),
        Case(draw(), "edge", "no batch: x1, x2 and x3 have one axis"),
        Case(draw(3, 4), "edge", "two batch axes"),
        Case((*(100 * a for a in bright[:3]), *bright[3:]), "numerical", "large numbers"),
        Case(tuple(single), "numerical", "float32 tensors"),
    ]


def run_gated_sum(
    attempt: Callable,
    x1: np.ndarray,
    x2: np.ndarray,
    x3: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    grad: np.ndarray,
) -> tuple:
    """z, and the gradients for the inputs and for the weights, (out, in)."""
    import torch

    model = made(attempt).to(torch.tensor(x1).dtype)
    own_weight, own_bias = gate_parameters(model, (x1, x2, x3))
    turned = own_weight.shape == (20, 10)
    with torch.no_grad():
        own_weight.copy_(torch.tensor(weight.T if turned else weight))
        if own_bias is not None:
            own_bias.copy_(torch.tensor(bias))
        given = tensors(x1, x2, x3)
        model(*given)
    require_unchanged({"x1": x1, "x2": x2, "x3": x3}, given)
    inputs = tensors(x1, x2, x3, learned=True)
    z = model(*inputs)
    if not isinstance(z, torch.Tensor):
        raise Unusable("numbers", f"forward returned a {type(z).__name__}, not a tensor.")
    if z.shape == grad.shape and z.requires_grad:
        z.backward(torch.tensor(grad).to(z.dtype))
    grad_weight = gradient(own_weight)
    grad_bias = np.zeros(0) if own_bias is None else gradient(own_bias)
    return z, *map(gradient, inputs), grad_weight.T if turned else grad_weight, grad_bias


def made(attempt: Callable) -> Any:
    """The module that a class makes; torch's random state stays what it is."""
    import torch

    if isinstance(attempt, torch.nn.Module):
        raise Unusable("callable", "check needs the class itself, not a module made of it.")
    with torch.random.fork_rng(devices=[]):
        model = attempt()
    if not isinstance(model, torch.nn.Module):
        raise Unusable("callable", "It is no nn.Module: which class does yours extend?")
    return model


def gate_parameters(model: Any, inputs: Sequence[np.ndarray]) -> tuple[Any, Any]:
    """The weight (10, 20) or (20, 10), and the bias (10,), None where there is none."""
    import torch

    if any(map(torch.nn.parameter.is_lazy, model.parameters())):
        with torch.no_grad():
            model(*tensors(*inputs))
    shapes = {tuple(p.shape): p for p in model.parameters()}
    if not shapes:
        text = "It has no parameters: does __init__ make a layer and keep it as an attribute?"
        raise Unusable("parameters", text)
    weights = [shapes[s] for s in ((10, 20), (20, 10)) if s in shapes]
    if len(weights) != 1 or set(shapes) - {(10, 20), (20, 10), (10,)}:
        got = ", ".join(map(str, shapes))
        raise Unusable("shape", f"Its parameters should be (10, 20) and (10,); it has {got}.")
    return weights[0], shapes.get((10,))


def gradient(tensor: Any) -> np.ndarray:
    """The gradient that a tensor got; zeros where it got none."""
    return plain(tensor.detach() * 0 if tensor.grad is None else tensor.grad)


# --- share_weights ---------------------------------------------------------------------------


def chain(nn: Any, **layers: Any) -> Any:
    """Layers by name, one after the other."""
    net = nn.Sequential()
    for name, layer in layers.items():
        net.add_module(name, layer)
    return net


def shared_cases(rng: np.random.Generator) -> list[Case]:
    def draw(words: str, make: Callable, names: list[str], shape: tuple, out: tuple = ()) -> tuple:
        model = Model(words, make, int(rng.integers(2**31)))
        return model, names, rng.standard_normal(shape), rng.standard_normal(out or shape)

    def three(nn: Any) -> Any:
        return chain(
            nn,
            a=nn.Linear(3, 3),
            tanh1=nn.Tanh(),
            b=nn.Linear(3, 3),
            tanh2=nn.Tanh(),
            c=nn.Linear(3, 3),
        )

    def blocks(nn: Any) -> Any:
        def block() -> Any:
            return chain(nn, norm=nn.LayerNorm(4), fc=nn.Linear(4, 4), act=nn.Tanh())

        return chain(nn, left=block(), right=block())

    def images(nn: Any) -> Any:
        return nn.Sequential(nn.Conv2d(2, 2, 3), nn.Tanh(), nn.Conv2d(2, 2, 3))

    def no_bias(nn: Any) -> Any:
        return nn.Sequential(nn.Linear(4, 4, bias=False), nn.Tanh(), nn.Linear(4, 4, bias=False))

    def cells(nn: Any) -> Any:
        return chain(nn, first=nn.GRUCell(3, 3), second=nn.GRUCell(3, 3))

    abc = "a = Linear(3, 3), Tanh, b = Linear(3, 3), Tanh, c = Linear(3, 3)"
    nested = "left and right, each a Sequential of norm = LayerNorm(4), fc = Linear(4, 4), Tanh"
    gru = "first = GRUCell(3, 3), second = GRUCell(3, 3)"
    used = "then it is run, trained for one step with grad, and run again"
    return [
        Case(draw(abc, three, ["a", "b"], (2, 3)), note=used),
        Case(draw(abc, three, ["a", "c"], (2, 3)), note=used),
        Case(draw(abc, three, ["a", "b", "c"], (4, 3)), note=used),
        Case(draw(abc, three, ["c", "b"], (4, 3)), note=f"the later layer is first; {used}"),
        Case(draw(nested, blocks, ["left.fc", "right.fc"], (3, 4)), note=used),
        Case(draw(abc, three, ["b"], (3, 3)), "edge", f"one name; {used}"),
        Case(draw("two Linear(4, 4) without bias", no_bias, ["0", "2"], (3, 4)), "edge", used),
        Case(
            draw("two Conv2d(2, 2, 3)", images, ["0", "2"], (2, 2, 6, 6), (2, 2, 2, 2)),
            "edge",
            used,
        ),
        Case(draw(gru, cells, ["first", "second"], (3, 3)), "edge", used),
    ]


def run_share_weights(
    attempt: Callable, model: Model, names: list[str], x: np.ndarray, grad: np.ndarray
) -> tuple:
    """The output, the number of parameters, and the output after a step of gradient descent."""
    import torch

    module = model.build(x)
    attempt(module, names)
    (x,) = tensors(x)
    before = module(x)
    before.backward(torch.tensor(grad))
    parameters = list(module.parameters())
    with torch.no_grad():
        for parameter in parameters:
            if parameter.grad is not None:
                parameter -= 0.1 * parameter.grad
        return before, sum(parameter.numel() for parameter in parameters), module(x)


# --- layer_outputs ---------------------------------------------------------------------------

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def forked(nn: Any) -> Any:
    """Two ways that meet again; its layers are registered in another order than they run."""
    import torch

    class Forked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.right = nn.Linear(4, 4)
            self.left = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
            self.first = nn.Linear(4, 4)

        def forward(self, x: Any) -> Any:
            hidden = torch.tanh(self.first(x))
            return self.left(hidden) * self.right(hidden) + hidden

    return Forked()


def with_a_callers_hook(make: Callable) -> Callable:
    """The model of make, with a hook of the caller's own on its first layer."""

    def make_with_hook(nn: Any) -> Any:
        net = make(nn)
        first = next(layer for layer in net.modules() if isinstance(layer, nn.Linear))
        first.register_forward_hook(lambda layer, inputs, output: None)
        return net

    return make_with_hook


def layer_outputs_cases(rng: np.random.Generator) -> list[Case]:
    def draw(words: str, make: Callable, names: list[str], *shape: int) -> tuple:
        return Model(words, make, int(rng.integers(2**31))), names, rng.standard_normal(shape)

    def mlp(nn: Any) -> Any:
        return chain(nn, fc1=nn.Linear(3, 4), act=nn.Tanh(), fc2=nn.Linear(4, 2))

    def writing(nn: Any) -> Any:
        return chain(nn, fc1=nn.Linear(3, 4), relu=nn.ReLU(inplace=True), fc2=nn.Linear(4, 2))

    def images(nn: Any) -> Any:
        features = chain(nn, conv=nn.Conv2d(1, 2, 3), act=nn.Tanh(), pool=nn.MaxPool2d(2))
        return chain(nn, features=features, flat=nn.Flatten(), fc=nn.Linear(8, 3))

    row = "fc1 = Linear(3, 4), act = Tanh, fc2 = Linear(4, 2)"
    fork = "first, then left and right side by side, where left holds layers 0 and 1"
    net = "features = (conv, act, pool), flat = Flatten, fc = Linear(8, 3)"
    hooked = f"{row}; fc1 has a hook of the caller's"
    in_place = "fc1 = Linear(3, 4), relu = ReLU(inplace=True), fc2 = Linear(4, 2)"
    return [
        Case(draw(row, mlp, ["fc1", "act"], 2, 3)),
        Case(draw(row, mlp, ["fc1", "act"], 2, 3)),
        Case(draw(row, mlp, ["fc2"], 4, 3)),
        Case(draw(fork, forked, ["right", "first"], 3, 4), note="a model that is no chain"),
        Case(draw(net, images, ["features.conv", "features.pool", "fc"], 2, 1, 6, 6)),
        Case(draw(fork, forked, ["left.0", "left", "right"], 3, 4), "edge", "a layer in a block"),
        Case(draw(row, mlp, [], 2, 3), "edge", "no names"),
        Case(draw(row, mlp, ["act", "fc2", "fc1"], 1, 3), "edge", "names in another order"),
        Case(draw(hooked, with_a_callers_hook(mlp), ["fc1", "fc2"], 2, 3), "edge"),
        Case(draw(in_place, writing, ["fc1", "fc2"], 5, 3), "edge", "a layer that works in place"),
        Case(draw(row, mlp, ["fc1", "act"], 2, 5), "edge", "x does not fit: the model raises"),
    ]


def run_layer_outputs(
    attempt: Callable, model: Model, names: list[str], x: np.ndarray
) -> tuple | None:
    """The outputs in the order of names, all entries in a row, NaN where one is missing.

    Then how many other names came back, how many hooks are left behind, how many of the caller's
    are gone, and whether what the model raises came through.
    """
    module, before = model.build(x), x
    (x,) = tensors(x)
    raises = _raises(module, x)
    hooks, modes = _hooks(module), [layer.training for layer in module.modules()]
    result, raised = {}, 0
    try:
        result = attempt(module, list(names), x)
    except Exception:
        if not raises:
            raise
        raised = 1
    after = _hooks(module)
    require_unchanged({"x": before}, [x])
    if modes != [layer.training for layer in module.modules()]:
        raise Unusable("mode", "It left the model in another mode: see train() and eval().")
    if result is None:
        return None
    if not isinstance(result, Mapping):
        got = type(result).__name__
        raise Unusable("count", f"It returned one {got}, not a dict from names to outputs.")
    outputs = [] if raises else [result.get(name, np.nan) for name in names]
    others = len(set(result) - set(names))
    return in_a_row(outputs), others, len(after - hooks), len(hooks - after), [raised]


def _raises(module: Any, x: Any) -> bool:
    try:
        module(x)
    except RuntimeError:
        return True
    return False


def _hooks(module: Any) -> set[tuple]:
    """What hangs on the layers of a module: hooks, and a forward that was put in their place."""
    layers = list(module.named_modules())
    hooks = {
        (name, kind, key) for name, layer in layers for kind in HOOKS for key in vars(layer)[kind]
    }
    return hooks | {(name, "forward", 0) for name, layer in layers if "forward" in vars(layer)}


# --- HuberFunction ---------------------------------------------------------------------------


def huber_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, delta: float, upstream: float = 1.0, inner: float | None = None) -> tuple:
        """Residuals on both sides of delta, and of both signs; inner: the share within delta."""
        within = np.arange(n) % 2 == 0 if inner is None else np.full(n, inner == 1.0)
        sizes = delta * np.where(within, rng.uniform(0.2, 0.9, n), rng.uniform(1.1, 4.0, n))
        signs = np.where(np.arange(n) // 2 % 2 == 0, 1.0, -1.0)
        target = rng.standard_normal(n)
        return target + rng.permutation(sizes * signs), target, delta, upstream

    both = "pred and target"
    pred, target, delta, _ = draw(4, 1.0)
    wild = target.copy()
    wild[1] -= 1e6
    single = [a.astype(np.float32) for a in draw(8, 0.5)[:2]]
    arrives = "upstream is the gradient that arrives for the loss"
    return [
        Case((*draw(4, 1.0), both), note=arrives),
        Case((*draw(4, 1.0), both), note=arrives),
        Case((*draw(8, 0.5), both), note="another delta"),
        Case((*draw(6, 2.0, float(rng.uniform(2, 5))), both), note="the loss is scaled afterwards"),
        Case((*draw(8, 1.5, -0.5), both), note="the loss is scaled afterwards"),
        Case((*draw(1, 1.0), both), "edge", "a batch of one"),
        Case((*draw(5, 1.0, inner=1.0), both), "edge", "every residual within delta"),
        Case((*draw(5, 1.0, inner=0.0), both), "edge", "every residual beyond delta"),
        Case((*draw(4, 1.0), "pred"), "edge", "only pred requires a gradient"),
        Case((*draw(4, 1.0), "target"), "edge", "only target requires a gradient"),
        Case((pred, wild, delta, 1.0, both), "numerical", "one target is off by a million"),
        Case((*single, 0.5, 3.0, both), "numerical", "float32 tensors"),
    ]


def run_huber(
    attempt: Any,
    pred: np.ndarray,
    target: np.ndarray,
    delta: float,
    upstream: float,
    learned: str,
) -> tuple:
    """The loss, and the gradients for pred and target; zeros for what requires none."""
    import torch

    if not (isinstance(attempt, type) and issubclass(attempt, torch.autograd.Function)):
        raise Unusable("callable", "check needs a class that extends torch.autograd.Function.")
    inputs = [
        tensor.requires_grad_(name in learned)
        for name, tensor in zip(("pred", "target"), tensors(pred, target), strict=True)
    ]
    loss = attempt.apply(*inputs, delta)
    if not isinstance(loss, torch.Tensor):
        raise Unusable("numbers", f"forward returned a {type(loss).__name__}, not a tensor.")
    if loss.requires_grad:
        (loss.sum() * upstream).backward()
    require_unchanged({"pred": pred, "target": target}, inputs)
    return loss, *map(gradient, inputs)


EXERCISES = [
    Pytorch(
        id="pytorch.tensor_step",
        inputs=("x", "y", "w1", "w2", "lr"),
        outputs=("losses", "w1", "w2"),
        cases=two_layer_cases,
        run=taped(partial(run_weights_step, learned=False)),
        section="1. Tensors: arrays that can do more",
    ),
    Pytorch(
        id="pytorch.autograd_step",
        inputs=("x", "y", "w1", "w2", "lr"),
        outputs=("losses", "w1", "w2"),
        cases=two_layer_cases,
        run=taped(partial(run_weights_step, learned=True)),
        section="2. Autograd: the tape is built in",
    ),
    Pytorch(
        id="pytorch.module_step",
        inputs=("model", "x", "y", "lr"),
        outputs=("losses", "parameters"),
        cases=module_step_cases,
        run=taped(run_module_step),
        section="3. Modules: weights that have a home",
    ),
    Pytorch(
        id="pytorch.GatedSum",
        inputs=("x1", "x2", "x3", "weight", "bias", "grad"),
        outputs=("z", "grad_x1", "grad_x2", "grad_x3", "grad_weight", "grad_bias"),
        cases=gated_sum_cases,
        run=taped(run_gated_sum),
        section="5. Nets that are no chain",
    ),
    Pytorch(
        id="pytorch.share_weights",
        inputs=("model", "names", "x", "grad"),
        outputs=("output", "parameters", "output_after_step"),
        cases=shared_cases,
        run=taped(run_share_weights),
        section="5. Nets that are no chain",
    ),
    Pytorch(
        id="pytorch.layer_outputs",
        inputs=("model", "names", "x"),
        outputs=("outputs", "other_names", "hooks_left", "hooks_lost", "raised"),
        cases=layer_outputs_cases,
        run=taped(run_layer_outputs),
        section="6. A look inside",
    ),
    Pytorch(
        id="pytorch.HuberFunction",
        inputs=("pred", "target", "delta", "upstream", "learned"),
        outputs=("loss", "grad_pred", "grad_target"),
        cases=huber_cases,
        run=taped(run_huber),
        section="7. An operation of your own",
    ),
    Pytorch(
        id="pytorch.StaticGraph",
        inputs=("program", "x", "w"),
        outputs=("results", "shared", "evaluations", "refusals"),
        cases=static_graph_cases,
        run=taped(run_static_graph),
        section="8. First the graph, then the numbers",
    ),
]
