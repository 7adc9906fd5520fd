"""Gradients averaged in one process, and between two that torchrun starts."""

import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pytools.errors import CourseError
from pytools.models import average_gradients, parallel, torchrun
from pytools.models.data_parallel import LR, batches, new_net


@given(seed=st.integers(0, 2**32 - 1), replicas=st.integers(1, 5), rows=st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_the_mean_of_the_shares_is_the_gradient_of_the_whole(seed, replicas, rows):
    torch.manual_seed(seed)
    x = torch.randn(replicas * rows, 4, dtype=torch.float64)
    labels = torch.randint(3, (replicas * rows,))
    whole, *parts = (nn.Linear(4, 3).double() for _ in range(replicas + 1))
    F.cross_entropy(whole(x), labels).backward()
    for rank, part in enumerate(parts):
        part.load_state_dict(whole.state_dict())
        F.cross_entropy(part(x[rank::replicas]), labels[rank::replicas]).backward()
    average_gradients(parts)
    for part in parts:
        for ours, right in zip(part.parameters(), whole.parameters(), strict=True):
            torch.testing.assert_close(ours.grad, right.grad)


def test_none_counts_as_zero_and_stays_where_nobody_has_a_gradient():
    replicas = [nn.Linear(2, 1) for _ in range(4)]
    replicas[1].weight.grad = torch.tensor([[4.0, 8.0]])
    average_gradients(replicas)
    for replica in replicas:
        assert replica.weight.grad.tolist() == [[1.0, 2.0]]
        assert replica.bias.grad is None


def test_replicas_do_not_share_a_gradient():
    replicas = [nn.Linear(2, 1) for _ in range(2)]
    for replica in replicas:
        replica.weight.grad = torch.ones(1, 2)
    average_gradients(replicas)
    replicas[0].weight.grad += 1
    assert replicas[1].weight.grad.tolist() == [[1.0, 1.0]]


def test_two_processes_end_on_the_weights_of_one(tmp_path):
    torchrun("by_hand", "ddp", "--cpu", "--seed", "3", "--out", str(tmp_path / "run.npz"))
    run = np.load(tmp_path / "run.npz")
    net = new_net(3)
    optimizer = torch.optim.SGD(net.parameters(), lr=LR)
    start = [p.detach().clone() for p in net.parameters()]
    for x, labels in batches(20, 64, 3):
        optimizer.zero_grad()
        F.cross_entropy(net(x), labels).backward()
        optimizer.step()
    for before, (name, weight) in zip(start, net.named_parameters(), strict=True):
        assert (weight - before).abs().max() > 1e-3
        for task in ("by_hand", "ddp"):
            assert np.abs(run[f"{task}.{name}"] - weight.detach().numpy()).max() < 1e-6


def test_a_rank_that_dies_ends_the_run_with_its_name():
    """Not a hang: the limit of torchrun() below would say so in other words."""
    with pytest.raises(CourseError) as caught:
        torchrun("by_hand", "--kill-rank", "1", timeout=200)
    line = "torchrun: rank 1 was killed by signal 9; the other processes were stopped"
    assert str(caught.value) == line


def test_shares_that_are_not_equal_are_refused():
    with pytest.raises(CourseError, match="--batch 63 has no equal shares for 2 processes"):
        torchrun("by_hand", "--batch", "63", timeout=200)


def test_a_run_that_takes_too_long_is_stopped():
    with pytest.raises(CourseError, match=r"not done after 0\.1 s, so it was stopped"):
        torchrun("by_hand", timeout=0.1)


def test_the_script_alone_says_how_to_start_it():
    run = subprocess.run(
        [sys.executable, "-m", parallel.SCRIPT, "by_hand"], capture_output=True, text=True
    )
    assert run.returncode == 1
    assert run.stderr == "Start this with torchrun: it says to each process which one it is.\n"


def test_a_report_without_a_rank_is_told_by_its_last_line():
    text = parallel._first_failure("some lines\nError: no such option\n")
    assert text == "torchrun could not start its processes: Error: no such option"


def test_what_chance_spoils_is_tried_again(monkeypatch):
    answers = [
        (1, "", "DistNetworkError: EADDRINUSE"),
        (1, "", "Root Cause rank : 1 exitcode : -6"),
        (0, "done", ""),
    ]
    monkeypatch.setattr(parallel, "_run", lambda command, timeout: answers.pop(0))
    assert torchrun("by_hand") == "done"


def test_what_fails_each_time_is_told_at_once(monkeypatch):
    calls = []
    failed = (1, "", "Root Cause\n rank : 1\n exitcode : -9\n")
    monkeypatch.setattr(parallel, "_run", lambda *given: calls.append(given) or failed)
    with pytest.raises(CourseError, match="rank 1 was killed by signal 9"):
        torchrun("by_hand")
    assert len(calls) == 1
