"""Data parallel training: each replica sees its share of a batch, and gradients are averaged.

Sources: Li et al. (2020), PyTorch distributed: experiences on accelerating data parallel training;
Patarasuk & Yuan (2009), Bandwidth optimal all-reduce algorithms for clusters of workstations.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import nn

from pytools.errors import CourseError

SCRIPT = "pytools.models.data_parallel"
TRIES = 3
# What is worth another try: the free port that torchrun found was taken by another program before
# it was used; or gloo aborted (signal 6), as it does now and then on a machine under load.
CHANCE = r"EADDRINUSE|address already in use|DistNetworkError|exitcode\s*:\s*-6\b"


@torch.no_grad()
def average_gradients(models: Sequence[nn.Module]) -> None:
    """Give every replica the mean of all replicas' gradients.

    models: replicas of one net, all in this process. A gradient that only some replicas have counts
    as zero in the others; one that none has stays None. The weights stay what they are.
    """
    for replicas in zip(*(model.parameters() for model in models), strict=True):
        grads = [p.grad for p in replicas if p.grad is not None]
        if grads:
            mean = sum(grads) / len(models)
            for parameter in replicas:
                parameter.grad = mean.clone()


def broadcast_weights(model: nn.Module) -> None:
    """Give every process the weights of rank 0."""
    for parameter in model.parameters():
        dist.broadcast(parameter.data, src=0)


def all_reduce_gradients(model: nn.Module) -> None:
    """average_gradients between processes: each holds one replica, and all call this together."""
    for parameter in model.parameters():
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)  # the sum over all processes, in all of them
            parameter.grad /= dist.get_world_size()


def torchrun(*arguments: str, processes: int = 2, timeout: float = 120) -> str:
    """Run the script of this room in so many processes of this machine; returns what it printed.

    The same as `torchrun --standalone --nproc-per-node=2 -m pytools.models.data_parallel ...` in a
    terminal. One thread a process. CourseError, in one line, where a process died, or where it all
    takes longer than `timeout` seconds.
    """
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--local-addr=127.0.0.1", f"--nproc-per-node={processes}", "-m", SCRIPT, *arguments]
    for _ in range(TRIES):
        code, printed, log = _run(command, timeout)
        if code == 0:
            return printed
        if not re.search(CHANCE, log, re.IGNORECASE):
            break
    raise CourseError(_first_failure(log))


def _run(command: Sequence[str], timeout: float) -> tuple[int, str, str]:
    """A command's exit code, and what it wrote to its two outputs."""
    run = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        printed, log = run.communicate(timeout=timeout)
    except BaseException as error:  # also where the kernel is interrupted
        run.terminate()  # torchrun passes it on to its processes
        run.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            text = f"torchrun: not done after {timeout:g} s, so it was stopped"
            raise CourseError(text) from None
        raise
    return run.returncode, printed, log


def _first_failure(log: str) -> str:
    """The process that failed first, in one line, from torchrun's own report."""
    cause = log.split("Root Cause")[-1]
    rank = re.search(r"rank\s*:\s*(\d+)", cause)
    code = re.search(r"exitcode\s*:\s*(-?\d+)", cause)
    if not (rank and code):
        last = (log.strip().splitlines() or ["it said nothing"])[-1]
        return f"torchrun could not start its processes: {last}"
    said = re.findall(rf"^.*\brank {rank[1]}: (.*)$", log, re.MULTILINE)
    how = (
        f"was killed by signal {code[1][1:]}"
        if code[1].startswith("-")
        else f"ended with {code[1]}"
    )
    reason = f" ({said[-1]})" if said else ""
    return f"torchrun: rank {rank[1]} {how}{reason}; the other processes were stopped"
