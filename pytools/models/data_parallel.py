"""What torchrun runs: one net, trained on one stream of batches by several processes.

On one machine, two processes:

    torchrun --standalone --nproc-per-node=2 -m pytools.models.data_parallel by_hand --out run.npz

On two machines, the same line on both, where HOST is the name of one of them:

    torchrun --nnodes=2 --nproc-per-node=1 --rdzv-backend=c10d --rdzv-endpoint=HOST:29500 \
        --rdzv-id=course -m pytools.models.data_parallel by_hand --out run.npz

Every process runs this file from the top. torchrun tells each its number, its rank, and how many
there are. They talk by nccl where each has a GPU of its own, else by gloo.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from pytools import data
from pytools.models.devices import synchronize
from pytools.models.parallel import all_reduce_gradients, broadcast_weights

__all__ = ["LR", "batches", "new_net"]  # what the notebook compares with

TIMEOUT = 20  # seconds that a process waits for the others
LR = 0.3
SIZES = (8, 32, 128, 512)  # images a process, where all_reduce is timed


def main() -> None:
    args = parse(sys.argv[1:])
    device = meet(args.timeout, args.cpu)
    result = {}
    try:
        for task in args.tasks:
            result |= costs(device, args) if task == "costs" else train(task, device, args)
        if dist.get_rank() == 0 and args.out:
            np.savez(args.out, **result)
        dist.barrier()  # nobody hangs up while another is still at work
        dist.destroy_process_group()
    except RuntimeError as error:  # a process that does not answer, or is gone
        reason = str(error).strip().splitlines()[0][:150]
        sys.exit(f"rank {os.environ['RANK']}: lost the other processes: {reason}")


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="data_parallel", description="To be run by torchrun.")
    parser.add_argument("tasks", nargs="+", choices=["by_hand", "ddp", "costs"])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=64, help="images of all processes together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cpu", action="store_true", help="gloo, also where there are GPUs")
    parser.add_argument("--out", help="the .npz file that rank 0 writes")
    parser.add_argument("--timeout", type=float, default=TIMEOUT, help="seconds to wait for others")
    parser.add_argument("--kill-rank", type=int, default=-1, help="this process dies at half time")
    return parser.parse_args(arguments)


def meet(timeout: float, on_cpu: bool) -> torch.device:
    """Join the other processes; returns the device of this one."""
    if "RANK" not in os.environ:
        sys.exit("Start this with torchrun: it says to each process which one it is.")
    local, here, world = (
        int(os.environ[k]) for k in ("LOCAL_RANK", "LOCAL_WORLD_SIZE", "WORLD_SIZE")
    )
    own_gpu = not on_cpu and torch.cuda.is_available() and torch.cuda.device_count() >= here
    if here == world:  # all on this machine: they need no network
        loopback = "lo0" if sys.platform == "darwin" else "lo"
        os.environ.setdefault("GLOO_SOCKET_IFNAME", loopback)
    device = torch.device("cuda", local) if own_gpu else torch.device("cpu")
    if own_gpu:
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if own_gpu else "gloo", timeout=timedelta(seconds=timeout))
    return device


def new_net(seed: int) -> nn.Module:
    """A small net for the digits: images (N, 1, 8, 8) -> logits (N, 10); 34,346 parameters."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )


def batches(steps: int, size: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The stream of whole batches, the same one in every process: images (N, 1, 8, 8), labels."""
    images, labels = map(torch.tensor, data.digits("train"))
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        rows = torch.randint(len(images), (size,), generator=generator)
        yield images[rows], labels[rows]


def share(batch: tuple[Tensor, Tensor], device: torch.device) -> tuple[Tensor, Tensor]:
    """This process's rows: every world-th, from its rank on. Shares have one size."""
    rank, world = dist.get_rank(), dist.get_world_size()
    x, labels = (tensor[rank::world].to(device) for tensor in batch)
    return x, labels


def train(task: str, device: torch.device, args: argparse.Namespace) -> dict[str, np.ndarray]:
    """Steps of SGD, gradients averaged by hand or by DDP; the weights at the end, by name."""
    rank, world = dist.get_rank(), dist.get_world_size()
    if args.batch % world:
        sys.exit(f"rank {rank}: --batch {args.batch} has no equal shares for {world} processes")
    net = new_net(args.seed + rank).to(device)  # each process starts elsewhere, until
    by_hand = task == "by_hand"
    if by_hand:
        broadcast_weights(net)  # rank 0's weights are sent to all,
    model = net if by_hand else DistributedDataParallel(net)  # which DDP does here
    optimizer = torch.optim.SGD(net.parameters(), lr=LR)
    for step, batch in enumerate(batches(args.steps, args.batch, args.seed)):
        if rank == args.kill_rank and step == args.steps // 2:
            os.kill(os.getpid(), signal.SIGKILL)
        x, labels = share(batch, device)
        optimizer.zero_grad()
        F.cross_entropy(model(x), labels).backward()  # DDP averages while this runs
        if by_hand:
            all_reduce_gradients(net)
        optimizer.step()
    return {f"{task}.{name}": p.detach().cpu().numpy() for name, p in net.named_parameters()}


def costs(device: torch.device, args: argparse.Namespace) -> dict[str, np.ndarray]:
    """Median seconds of forward and backward, and of all_reduce, by images a process."""
    net = new_net(args.seed).to(device)
    seconds = np.zeros((len(SIZES), args.steps, 2))
    for row, size in zip(seconds, SIZES, strict=True):
        x, labels = share(next(batches(1, size * dist.get_world_size(), args.seed)), device)
        for times in row:
            dist.barrier()
            start = time.perf_counter()
            F.cross_entropy(net(x), labels).backward()
            synchronize(device)
            middle = time.perf_counter()
            all_reduce_gradients(net)
            synchronize(device)
            times[:] = middle - start, time.perf_counter() - middle
    return {"sizes": np.array(SIZES), "seconds": np.median(seconds[:, 1:], axis=1)}


if __name__ == "__main__":
    main()
