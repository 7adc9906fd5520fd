"""What the checks of 09_devices know: the references, and the wrong solutions people write."""

from __future__ import annotations

import time
from statistics import mean, median

import torch
import torch.nn.functional as F

from pytools import models
from pytools.exercise import Answer, Misconception

# --- best_device -----------------------------------------------------------------------------


def always_cpu():
    return torch.device("cpu")


def built_is_enough():
    return torch.device("cuda" if torch.backends.cuda.is_built() else "cpu")


def conditions_exchanged():
    return torch.device("cpu" if torch.cuda.is_available() else "cuda")


def always_cuda():
    return "cuda"


def any_gpu_is_cuda():
    return "cuda" if torch.accelerator.is_available() else "cpu"


# --- time_matmul -----------------------------------------------------------------------------


def _timed(
    warm=1,
    repeats=9,
    summary=median,
    wait=True,
    make=lambda n, device: torch.randn(2, n, n, device=device),
    multiply=lambda a, b: a @ b,
    unit=1.0,
    fresh=False,
    on_gpu=lambda device: torch.device(device).type == "cuda",
):
    """The right way, with one of its parts replaced."""

    def time_matmul(n, device):
        def done():
            if wait and on_gpu(device):
                torch.cuda.synchronize()

        a, b = make(n, device)
        for _ in range(warm):
            multiply(a, b)
        times = []
        for _ in range(repeats):
            done()
            start = time.perf_counter()
            if fresh:
                a, b = make(n, device)
            multiply(a, b)
            done()
            times.append(unit * (time.perf_counter() - start))
        return summary(times)

    return time_matmul


def _two(n, device):
    return torch.randn(n, n, device=device), torch.randn(n, n, device=device)


def _with_device(n, device):
    return torch.randn(2, n, n), device


no_waiting = _timed(wait=False)
no_warm_up = _timed(warm=0)
mean_of_times = _timed(summary=mean)
shortest_time = _timed(summary=min)
total_time = _timed(summary=sum)
timed_once = _timed(repeats=1)
milliseconds = _timed(unit=1e3)
drawn_in_the_time = _timed(fresh=True)
both_drawn_in_the_time = _timed(fresh=True, make=_two)
moved_in_the_time = _timed(
    make=_with_device, multiply=lambda ab, device: ab[0].to(device) @ ab[1].to(device)
)
entry_by_entry = _timed(multiply=lambda a, b: a * b)
times_a_vector = _timed(multiply=lambda a, b: a @ b[:, :1])
device_not_used = _timed(make=lambda n, device: torch.randn(2, n, n))


# --- gflops ----------------------------------------------------------------------------------


def additions_forgotten(n, seconds):
    return n**3 / seconds / 1e9


def entries_counted(n, seconds):
    return 2 * n**2 / seconds / 1e9


def side_doubled(n, seconds):
    return (2 * n) ** 3 / seconds / 1e9


def million(n, seconds):
    return 2 * n**3 / seconds / 1e6


def without_giga(n, seconds):
    return 2 * n**3 / seconds


def power_of_two(n, seconds):
    return 2 * n**3 / seconds / 2**30


def times_seconds(n, seconds):
    return 2 * n**3 * seconds / 1e9


def thousand_billion(n, seconds):
    return 2 * n**3 / seconds / 1e12


# --- train_step ------------------------------------------------------------------------------


def _step(
    clear=lambda model, optimizer: optimizer.zero_grad(),
    loss_of=F.cross_entropy,
    cast=lambda autocast: autocast,
    move=True,
    dtype=torch.bfloat16,
):
    """The right step, with one of its parts replaced."""

    def train_step(model, batch, optimizer, autocast):
        x, labels = batch
        clear(model, optimizer)
        with torch.autocast("cpu", dtype=dtype, enabled=cast(autocast)):
            loss = loss_of(model(x), labels)
        loss.backward()
        if move:
            optimizer.step()
        return loss.item()

    return train_step


old_gradients_kept = _step(clear=lambda model, optimizer: None)
loss_summed = _step(loss_of=lambda z, labels: F.cross_entropy(z, labels, reduction="sum"))
softmax_twice = _step(loss_of=lambda z, labels: F.cross_entropy(z.softmax(1), labels))
autocast_not_used = _step(cast=lambda autocast: False)
autocast_always = _step(cast=lambda autocast: True)
no_step = _step(move=False)
half_instead = _step(dtype=torch.float16)


def cleared_too_late(model, batch, optimizer, autocast):
    x, labels = batch
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        loss = F.cross_entropy(model(x), labels)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


def loss_after_the_step(model, batch, optimizer, autocast):
    models.train_step(model, batch, optimizer, autocast)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        return F.cross_entropy(model(batch[0]), batch[1]).item()


# --- average_gradients -----------------------------------------------------------------------


def _mean(grads):
    return sum(grads) / len(grads)


def _averaged(combine=_mean, into=lambda replicas: replicas, skip=all, own=torch.clone):
    """The right way, with one of its parts replaced."""

    def average_gradients(replicas):
        for parameters in zip(*(model.parameters() for model in replicas), strict=True):
            if skip(p.grad is None for p in parameters):
                continue
            grad = combine([torch.zeros_like(p) if p.grad is None else p.grad for p in parameters])
            for parameter in into(parameters):
                parameter.grad = own(grad)

    return average_gradients


summed = _averaged(sum)
first_only = _averaged(into=lambda replicas: replicas[:1])
first_one_copied = _averaged(lambda grads: grads[0])
divided_by_two = _averaged(lambda grads: sum(grads) / 2)


def divided_alone(replicas):
    for model in replicas:
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.grad /= len(replicas)


def gradients_untouched(replicas):
    """The weights are averaged instead, which are equal."""
    with torch.no_grad():
        for parameters in zip(*(model.parameters() for model in replicas), strict=True):
            average = sum(parameters) / len(parameters)
            for parameter in parameters:
                parameter.copy_(average)


def one_after_the_other(replicas):
    """Each replica's gradient is replaced while the next ones still need it."""
    for parameters in zip(*(model.parameters() for model in replicas), strict=True):
        if any(p.grad is not None for p in parameters):
            for parameter in parameters:
                grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
                parameter.grad = _mean(grads)


def weights_moved(replicas):
    models.average_gradients(replicas)
    with torch.no_grad():
        for model in replicas:
            for parameter in model.parameters():
                if parameter.grad is not None:
                    parameter -= 0.1 * parameter.grad


ANSWERS = {
    "best_device": Answer(
        models.best_device,
        [
            Misconception(
                "always_cpu",
                "It is right on this machine. What should it say on one that has a GPU?",
                always_cpu,
            ),
            Misconception(
                "built_is_enough",
                "A torch that was built with CUDA is also installed where there is no GPU. Whom do "
                "you ask about the machine itself?",
                built_is_enough,
            ),
            Misconception(
                "conditions_exchanged",
                "Read your condition aloud: which device comes out where a GPU is available?",
                conditions_exchanged,
            ),
            Misconception(
                "always_cuda",
                "What happens to a tensor that is sent there on a machine without a GPU?",
                always_cuda,
            ),
            Misconception(
                "any_gpu_is_cuda",
                "Not every accelerator speaks CUDA. What does the one of a Mac answer to?",
                any_gpu_is_cuda,
            ),
        ],
    ),
    "time_matmul": Answer(
        models.time_matmul,
        [
            Misconception(
                "no_waiting",
                "When a line that computes on a GPU is over, is the product there? Read the clock "
                "when it is.",
                no_waiting,
            ),
            Misconception(
                "no_warm_up",
                "The first product pays for what is done only once. Is it among your times?",
                no_warm_up,
            ),
            Misconception(
                "mean_of_times",
                "One disturbed run out of ten moves your result. Which summary does not mind?",
                mean_of_times,
            ),
            Misconception(
                "shortest_time",
                "The luckiest run is not the usual one. Which one lies in the middle?",
                shortest_time,
            ),
            Misconception(
                "total_time",
                "How many products does your time hold? One is asked for.",
                total_time,
            ),
            Misconception(
                "timed_once",
                "And if the machine was busy just then? One time has no middle.",
                timed_once,
            ),
            Misconception(
                "milliseconds",
                "In which unit is the result to be, and in which is it?",
                milliseconds,
            ),
            Misconception(
                "drawn_in_the_time",
                "What else happens between your two readings of the clock? Matrices can be ready.",
                drawn_in_the_time,
            ),
            Misconception(
                "both_drawn_in_the_time",
                "What else happens between your two readings of the clock? Matrices can be ready.",
                both_drawn_in_the_time,
            ),
            Misconception(
                "moved_in_the_time",
                "The way to the device is long. Do your matrices go there once, or every time?",
                moved_in_the_time,
            ),
            Misconception(
                "entry_by_entry",
                "Your line multiplies n² pairs of entries. How many does a product of matrices?",
                entry_by_entry,
            ),
            Misconception(
                "times_a_vector",
                "Which shapes do the two factors have? Both are to be square.",
                times_a_vector,
            ),
            Misconception(
                "device_not_used",
                "Where do your matrices live? They do not follow the argument.",
                device_not_used,
            ),
        ],
    ),
    "gflops": Answer(
        models.gflops,
        [
            Misconception(
                "additions_forgotten",
                "Each entry is a sum of n products. You count the products; who adds them up?",
                additions_forgotten,
            ),
            Misconception(
                "entries_counted",
                "There are n² entries in the result. What does each of them cost?",
                entries_counted,
            ),
            Misconception(
                "side_doubled",
                "What do you double: the number of operations, or the side of the matrices?",
                side_doubled,
            ),
            Misconception("million", "Giga is not a million. What is it?", million),
            Misconception(
                "without_giga",
                "These are operations a second. In which unit are they to be?",
                without_giga,
            ),
            Misconception(
                "power_of_two",
                "Memory is often counted in powers of two. Are operations?",
                power_of_two,
            ),
            Misconception(
                "times_seconds",
                "Twice the time for the same work: is that a higher rate, or a lower one?",
                times_seconds,
            ),
            Misconception("thousand_billion", "That is tera. And giga?", thousand_billion),
        ],
    ),
    "train_step": Answer(
        models.train_step,
        [
            Misconception(
                "old_gradients_kept",
                "backward adds. What lay in the gradients when your step began?",
                old_gradients_kept,
            ),
            Misconception(
                "cleared_too_late",
                "You leave no gradients behind. But what did the first call find?",
                cleared_too_late,
            ),
            Misconception(
                "loss_summed",
                "With twice the batch your loss is twice as large. Which loss is asked for?",
                loss_summed,
            ),
            Misconception(
                "softmax_twice",
                "Torch's cross-entropy takes logits. What does it do with them first?",
                softmax_twice,
            ),
            Misconception(
                "autocast_not_used",
                "In which dtype does a layer put out its result when autocast is True? It must be "
                "told the type of device that the model is really on.",
                autocast_not_used,
            ),
            Misconception(
                "autocast_always",
                "What should the precision be when autocast is False?",
                autocast_always,
            ),
            Misconception(
                "no_step",
                "The weights stay. Who moves them, and what lies in the gradients just then?",
                no_step,
            ),
            Misconception(
                "half_instead",
                "Of the two short number types, which one keeps the range of float32?",
                half_instead,
            ),
            Misconception(
                "loss_after_the_step",
                "Which weights gave your loss: those before the step, or after?",
                loss_after_the_step,
            ),
        ],
    ),
    "average_gradients": Answer(
        models.average_gradients,
        [
            Misconception(
                "summed",
                "Each replica's loss is a mean over its share. What do their gradients add up to?",
                summed,
            ),
            Misconception(
                "first_only",
                "All replicas take their own step next. Which gradient do the others use?",
                first_only,
            ),
            Misconception(
                "first_one_copied",
                "What have the other replicas learned from their share of the batch?",
                first_one_copied,
            ),
            Misconception("divided_by_two", "And with three replicas, or five?", divided_by_two),
            Misconception(
                "gradients_untouched",
                "Every gradient is what it was before. The weights are equal already, and a new "
                "name is no place: where will the optimiser look?",
                gradients_untouched,
            ),
            Misconception(
                "divided_alone",
                "Each replica still has its own direction. Where do they hear of each other?",
                divided_alone,
            ),
            Misconception(
                "one_after_the_other",
                "When the second replica is served, what stands in the first one's gradient?",
                one_after_the_other,
            ),
            Misconception(
                "weights_moved",
                "Averaging is one thing, the step another. Who takes the step?",
                weights_moved,
            ),
        ],
    ),
}
