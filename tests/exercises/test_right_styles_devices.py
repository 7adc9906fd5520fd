"""The exercises of 09 written in any right way pass; wrong ways that nobody listed do not."""

import copy
import functools
import statistics
import time
import timeit
from time import monotonic_ns, perf_counter

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.nn.utils import parameters_to_vector

from pytools import check

# --- best_device -----------------------------------------------------------------------------


def by_accelerator():
    if torch.accelerator.is_available():
        return torch.accelerator.current_accelerator()
    return torch.device("cpu")


def with_a_number():
    if torch.cuda.device_count():
        return "cuda:0"
    return "mps:0" if torch.mps.is_available() else "cpu"


def by_trying():
    for name in ("cuda", "mps"):
        try:
            torch.zeros(1, device=name)
            return torch.device(name)
        except (RuntimeError, AssertionError):
            pass
    return torch.device("cpu")


def in_a_row():
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    return ["cpu", "mps", "cuda"][2 if cuda else int(mps)]


def by_device_index():
    gpu = "cuda" if torch.cuda.is_available() else "mps"
    return torch.device(gpu, 0) if torch.accelerator.is_available() else torch.device("cpu")


def no_apple():
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def an_unknown_name():
    return "gpu" if torch.cuda.is_available() else "cpu"


def mps_without_asking():
    return torch.device("cuda" if torch.cuda.is_available() else "mps")


def a_number():
    return int(torch.cuda.is_available())


# --- time_matmul -----------------------------------------------------------------------------


def bare_names(n, device):
    a = torch.rand((n, n)).to(device)
    b = torch.rand((n, n)).to(device)
    times = []
    for step in range(12):
        if step == 2:
            times.clear()
        start = perf_counter()
        torch.mm(a, b)
        if "cuda" in str(device):
            torch.cuda.synchronize()
        times.append(perf_counter() - start)
    return np.median(times)


def nanoseconds(n, device):
    device = torch.device(device)
    x = torch.empty(n, n, device=device).normal_()
    out = torch.empty_like(x)

    def once():
        start = monotonic_ns()
        torch.matmul(x, x, out=out)
        out[0, 0].item()  # waits for the device
        return monotonic_ns() - start

    once(), once(), once()
    return torch.tensor([once() for _ in range(5)]).double().median() / 1e9


def by_timeit(n, device):
    a = torch.randn(n, n, device=device)
    wait = torch.accelerator.synchronize if device.type != "cpu" else (lambda: None)

    def once():
        a @ a
        wait()

    timeit.timeit(once, number=3)
    return statistics.median(timeit.repeat(once, number=1, repeat=20))


def in_blocks(n, device):
    a = torch.randn(n, n).to(device)

    def once():
        (a @ a).cpu()

    once()
    return sorted(time_ / 10 for time_ in timeit.Timer(once).repeat(repeat=7, number=10))[3]


def by_benchmark(n, device):
    from torch.utils import benchmark

    names = {"a": torch.randn(n, n, device=device), "b": torch.randn(n, n, device=device)}
    timer = benchmark.Timer("a @ b", globals=names)
    return timer.blocked_autorange().median


def by_events(n, device):
    a, b = (torch.randn(n, n, device=device) for _ in "ab")
    if torch.device(device).type != "cuda":
        return bare_names(n, device)
    times = []
    for _ in range(11):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        a @ b
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) / 1000)
    return statistics.median(times[1:])


def for_a_second(n, device, clock=time.process_time):
    kind = torch.device(device).type
    with torch.inference_mode():
        a = torch.eye(n, device=device) + torch.rand(n, n, device=device)
        times, end = [], clock() + 0.2
        while clock() < end or len(times) < 8:
            start = clock()
            torch.einsum("ij,jk->ik", a, a)
            if kind == "cuda":
                torch.cuda.current_stream().synchronize()
            times.append(clock() - start)
    return float(np.percentile(times[2:], 50))


def three_only(n, device):
    with torch.device(device):
        a, b = torch.randn(2, n, n)
    on_gpu = a.is_cuda
    F.linear(a, b)
    times = []
    for _ in range(3):
        if on_gpu:
            torch.cuda.synchronize(a.device)
        start = time.time()
        F.linear(a, b)
        if on_gpu:
            torch.cuda.synchronize(a.device)
        times.append(time.time() - start)
    return torch.median(torch.tensor(times, dtype=torch.float64))


class AsAnObject:
    def __call__(self, n, device):
        return by_accelerated_module(n, device)


def by_accelerated_module(n, device):
    a = torch.ones(n, n, device=device)
    for _ in range(10):
        a @ a
    times = []
    for _ in range(50):
        if device.type == "cuda":
            torch.get_device_module("cuda").synchronize()
        t = time.perf_counter()
        a.matmul(a)
        if device.type == "cuda":
            torch.get_device_module("cuda").synchronize()
        times += [time.perf_counter() - t]
    return statistics.median(times)


def warm(n, device):
    """A first product that is not timed, then the clock around the loop."""
    a = torch.randn(n, n, device=device)
    a @ a
    start = time.perf_counter()
    for _ in range(10):
        a @ a
    if device == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / 10


def waits_only_once(n, device):
    a = torch.randn(n, n, device=device)
    a @ a
    times = []
    for _ in range(9):
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    if device == "cuda":
        torch.cuda.synchronize()
    return statistics.median(times)


def knows_only_the_name(n, device):
    a = torch.randn(n, n, device=device)
    a @ a
    times = []
    for _ in range(9):
        if device == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
        a @ a
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def moves_in_the_time(n, device):
    a = torch.randn(n, n)
    a.to(device) @ a.to(device)
    times = []
    for _ in range(9):
        start = time.perf_counter()
        (a.to(device=device) @ a.to(device)).cpu()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def of_doubles(n, device):
    a = torch.rand(n, n, device=device, dtype=torch.float64)
    a @ a
    times = []
    for _ in range(5):
        start = time.perf_counter()
        (a @ a).cpu()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def waits_for_a_gpu_everywhere(n, device):
    a = torch.randn(n, n, device=device)
    torch.cuda.synchronize()
    return bare_names(n, device) + 0 * a[0, 0].item()


def a_constant(n, device):
    return 0.001


def negative(n, device):
    return -bare_names(n, device)


def smaller_matrices(n, device):
    return bare_names(n // 2, device)


def never_warm(n, device):
    a = torch.randn(n, n, device=device)
    times = []
    for _ in range(7):
        start = time.perf_counter()
        (a @ a).cpu()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def gflops_instead(n, device):
    return 2 * n**3 / bare_names(n, device) / 1e9


# --- gflops ----------------------------------------------------------------------------------


def exact_fraction(n, seconds):
    return np.float64(2 * n**3) / (seconds * 10**9)


def in_floats(n, seconds):
    return torch.tensor(2e-9 * float(n) ** 3 / seconds, dtype=torch.float64)


def with_n_minus_one_additions(n, seconds):
    return n**2 * (2 * n - 1) / seconds / 1e9


def floored(n, seconds):
    return 2 * n**3 // seconds // 10**9


# --- train_step ------------------------------------------------------------------------------


def with_model_cleared(model, batch, optimizer, autocast):
    model.train()
    images, labels = batch
    device = next(model.parameters()).device
    with torch.amp.autocast(device_type=device.type, dtype=torch.bfloat16, enabled=autocast):
        logits = model(images.to(device, non_blocking=True))
        loss = torch.nn.CrossEntropyLoss()(logits, labels.to(device))
    model.zero_grad(set_to_none=False)
    loss.backward()
    optimizer.step()
    return loss.detach()


def loss_outside(model, batch, optimizer, autocast):
    if autocast:
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(batch[0])
    else:
        logits = model(batch[0])
    loss = F.nll_loss(F.log_softmax(logits.double(), dim=1), batch[1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return float(loss)


def backward_inside(model, batch, optimizer, autocast):
    x, labels = batch
    with torch.autocast("cpu", enabled=autocast):  # bfloat16 is a CPU's default
        loss = F.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
    optimizer.step()
    return [loss.item()]


def by_gradients(model, batch, optimizer, autocast):
    x, labels = batch
    learned = [p for p in model.parameters() if p.requires_grad]
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        z = model(x)
    z = z.to(torch.float32) if autocast else z
    loss = (z.logsumexp(1) - z[torch.arange(len(z)), labels]).mean()
    for p, grad in zip(learned, torch.autograd.grad(loss, learned), strict=True):
        p.grad = grad
    optimizer.step()
    return loss.item()


def model_converted(model, batch, optimizer, autocast):
    if autocast:
        model.to(torch.bfloat16)
        batch = batch[0].to(torch.bfloat16), batch[1]
    return loss_outside(model, batch, optimizer, False)


def exponentials(model, batch, optimizer, autocast):
    x, labels = batch
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        z = model(x)
    z = z.float() if autocast else z
    p = z.exp() / z.exp().sum(1, keepdim=True)
    loss = -p[torch.arange(len(z)), labels].log().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def own_learning_rate(model, batch, optimizer, autocast):
    return loss_outside(model, batch, torch.optim.SGD(model.parameters(), lr=0.05), autocast)


def clipped(model, batch, optimizer, autocast):
    x, labels = batch
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        loss = F.cross_entropy(model(x), labels)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
    optimizer.step()
    return loss.item()


def returns_the_graph(model, batch, optimizer, autocast):
    x, labels = batch
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        loss = F.cross_entropy(model(x), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def returns_nothing(model, batch, optimizer, autocast):
    loss_outside(model, batch, optimizer, autocast)


# --- average_gradients -----------------------------------------------------------------------


def stacked(models):
    for parameters in zip(*[m.parameters() for m in models], strict=True):
        grads = [p.grad for p in parameters if p.grad is not None]
        if grads:
            mean = torch.stack(grads).sum(dim=0) / len(models)
            rows = torch.stack([mean] * len(models))
            for p, row in zip(parameters, rows, strict=True):
                p.grad = row  # places of their own in one tensor


def in_place(models):
    first, *others = [dict(m.named_parameters()) for m in models]
    for name, p in first.items():
        same = [p, *(other[name] for other in others)]
        if all(q.grad is None for q in same):
            continue
        for q in same:
            q.grad = torch.zeros_like(q) if q.grad is None else q.grad
        for other in others:
            p.grad += other[name].grad
        p.grad /= len(models)
        for other in others:
            other[name].grad.copy_(p.grad)


def as_one_vector(models):
    rows = []
    for model in models:
        there = [p for p in model.parameters() if p.requires_grad]
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in there]
        rows.append(parameters_to_vector(grads))
    mean = sum(rows) / len(rows)
    for model in models:
        place = 0
        for p in model.parameters():
            if p.requires_grad:
                p.grad = mean[place : place + p.numel()].view_as(p).clone()
                place += p.numel()
    return models


def through_numpy(models):
    for ps in zip(*(m.parameters() for m in models), strict=True):
        grads = [p.grad.numpy() for p in ps if p.grad is not None]
        if not grads:
            continue
        mean = functools.reduce(np.add, grads) / len(ps)
        for p in ps:
            p.grad = torch.from_numpy(mean.copy())


def shared(models):
    for ps in zip(*(m.parameters() for m in models), strict=True):
        grads = [p.grad for p in ps if p.grad is not None]
        for p in ps:
            p.grad = sum(grads) / len(ps) if grads else None
        for p in ps[1:]:
            p.grad = ps[0].grad


def on_copies(models):
    models = copy.deepcopy(models)
    in_place(models)


def weights_only(models):
    for ps in zip(*(m.named_parameters() for m in models), strict=True):
        if "weight" in ps[0][0] and ps[0][1].grad is not None:
            mean = sum(p.grad for _, p in ps) / len(ps)
            for _, p in ps:
                p.grad = mean.clone()


def of_first_two(models):
    in_place(models[:2])


RIGHT = [
    ("best_device", by_accelerator),
    ("best_device", with_a_number),
    ("best_device", by_trying),
    ("best_device", in_a_row),
    ("best_device", by_device_index),
    ("time_matmul", bare_names),
    ("time_matmul", nanoseconds),
    ("time_matmul", by_timeit),
    ("time_matmul", in_blocks),
    ("time_matmul", by_benchmark),
    ("time_matmul", by_events),
    ("time_matmul", for_a_second),
    ("time_matmul", three_only),
    ("time_matmul", AsAnObject()),
    ("time_matmul", functools.partial(three_only)),
    ("gflops", exact_fraction),
    ("gflops", in_floats),
    ("train_step", with_model_cleared),
    ("train_step", loss_outside),
    ("train_step", backward_inside),
    ("train_step", by_gradients),
    ("average_gradients", stacked),
    ("average_gradients", in_place),
    ("average_gradients", as_one_vector),
    ("average_gradients", through_numpy),
    ("best_device", no_apple),
    ("time_matmul", of_doubles),
    ("time_matmul", knows_only_the_name),
    ("train_step", returns_the_graph),
    ("average_gradients", shared),
]

WRONG = [
    ("best_device", mps_without_asking),
    ("best_device", an_unknown_name),
    ("best_device", a_number),
    ("time_matmul", warm),
    ("time_matmul", waits_only_once),
    ("time_matmul", moves_in_the_time),
    ("time_matmul", waits_for_a_gpu_everywhere),
    ("time_matmul", a_constant),
    ("time_matmul", negative),
    ("time_matmul", smaller_matrices),
    ("time_matmul", never_warm),
    ("time_matmul", gflops_instead),
    ("gflops", with_n_minus_one_additions),
    ("gflops", floored),
    ("train_step", model_converted),
    ("train_step", exponentials),
    ("train_step", own_learning_rate),
    ("train_step", clipped),
    ("train_step", returns_nothing),
    ("average_gradients", on_copies),
    ("average_gradients", weights_only),
    ("average_gradients", of_first_two),
]


def named(pairs):
    return [getattr(attempt, "__name__", "an object") for _, attempt in pairs]


@pytest.mark.parametrize("function, attempt", RIGHT, ids=named(RIGHT))
def test_right_style_passes(function, attempt):
    for seed in range(5):
        assert check(f"devices.{function}", attempt, points=4, seed=seed) == 4.0


@pytest.mark.parametrize("function, attempt", WRONG, ids=named(WRONG))
def test_other_wrong_solutions_fail(function, attempt):
    for seed in range(5):
        assert check(f"devices.{function}", attempt, points=4, seed=seed) < 4.0


# --- the pretended machine -------------------------------------------------------------------


def test_everything_is_real_again_afterwards():
    before = time.perf_counter, torch.cuda.is_available, torch.cuda.Event, timeit.default_timer
    check("devices.time_matmul", by_benchmark, points=1)
    check("devices.best_device", by_trying, points=1)
    assert before == (
        time.perf_counter,
        torch.cuda.is_available,
        torch.cuda.Event,
        timeit.default_timer,
    )
    assert perf_counter is time.perf_counter
    assert by_benchmark(8, "cpu") > 0  # also a clock that was kept meanwhile is a real one


def test_a_real_clock_is_read_for_real():
    for style in (bare_names, nanoseconds, three_only):
        assert 0 < float(style(64, torch.device("cpu"))) < 60
