"""The references of 09's exercises, and what the notebook measures with, on the CPU and faked."""

import time

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pytools.models import (
    EluNet,
    LeNet5,
    best_device,
    describe_device,
    fast_path,
    gflops,
    halve_until_it_fits,
    images_per_second,
    measure_work,
    published_peak,
    roofline,
    seconds_of,
    stored_table,
    time_matmul,
    train_step,
)

# --- devices ---------------------------------------------------------------------------------


def with_gpus(monkeypatch, cuda=False, mps=False):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


def test_the_best_device_of_four_machines(monkeypatch):
    for cuda, mps, name in [(1, 0, "cuda"), (1, 1, "cuda"), (0, 1, "mps"), (0, 0, "cpu")]:
        with_gpus(monkeypatch, cuda, mps)
        assert best_device() == torch.device(name)


def test_without_a_gpu_one_line_says_so(monkeypatch):
    with_gpus(monkeypatch)
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: True)
    assert describe_device() == "cpu: no CUDA GPU here; everything runs on the CPU"
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: False)
    assert describe_device().startswith("cpu: this torch was built without CUDA; install")


def test_a_driver_that_is_too_old_is_one_line_and_no_warning(monkeypatch, recwarn):
    def too_old():
        import warnings

        warnings.warn(
            "CUDA initialization: The NVIDIA driver on your system is too old\n(found version "
            "11000). Please update your GPU driver.",
            stacklevel=1,
        )
        return False

    with_gpus(monkeypatch)
    monkeypatch.setattr(torch.cuda, "is_available", too_old)
    line = describe_device()
    assert line.startswith("cpu: torch cannot use this machine's GPU (CUDA initialization: The ")
    assert "too old (found version 11000)" in line and line.endswith("update the NVIDIA driver")
    assert "\n" not in line and not recwarn.list


# --- clocks ----------------------------------------------------------------------------------


def test_seconds_of_leaves_the_first_call_out_and_takes_the_median(monkeypatch):
    clock = iter(np.cumsum([0, 1, 0, 9, 0, 2, 0, 3, 0, 2]).tolist())
    calls = []
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    assert seconds_of(lambda: calls.append(1), "cpu", repeats=5) == 2
    assert len(calls) == 6


def test_seconds_of_can_take_the_shortest():
    durations = iter([0.0, 0.02, 0.001, 0.02])
    shortest = seconds_of(lambda: time.sleep(next(durations)), "cpu", 3, min)
    assert shortest < 0.02


def test_a_larger_product_takes_longer():
    assert 0 < time_matmul(8, "cpu") < time_matmul(512, "cpu")


@given(n=st.integers(1, 4000), rate=st.floats(1e-3, 1e6))
@settings(deadline=None)
def test_gflops_is_operations_over_seconds(n, rate):
    assert gflops(n, 2 * n**3 / (rate * 1e9)) == pytest.approx(rate)


# --- train_step ------------------------------------------------------------------------------


def trained(autocast, steps=3):
    torch.manual_seed(0)
    model, x = nn.Linear(6, 4), torch.randn(8, 6)
    labels = torch.arange(8) % 4
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)  # must not count
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return [train_step(model, (x, labels), optimizer, autocast) for _ in range(steps)], model


def test_a_step_is_gradient_descent_on_the_cross_entropy():
    losses, model = trained(autocast=False)
    torch.manual_seed(0)
    twin, x = nn.Linear(6, 4), torch.randn(8, 6)
    for loss in losses:
        expected = F.cross_entropy(twin(x), torch.arange(8) % 4)
        assert loss == pytest.approx(expected.item())
        grads = torch.autograd.grad(expected, list(twin.parameters()))
        with torch.no_grad():
            for parameter, grad in zip(twin.parameters(), grads, strict=True):
                parameter -= 0.1 * grad
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_autocast_computes_in_bfloat16_and_keeps_the_weights():
    dtypes = []
    losses, _ = trained(autocast=False)
    low, cast = trained(autocast=True)
    cast.register_forward_hook(lambda module, args, output: dtypes.append(output.dtype))
    optimizer = torch.optim.SGD(cast.parameters(), lr=0.1)
    batch = torch.randn(8, 6), torch.arange(8) % 4
    train_step(cast, batch, optimizer, True)
    train_step(cast, batch, optimizer, False)
    assert dtypes == [torch.bfloat16, torch.float32]
    assert {p.dtype for p in cast.parameters()} == {torch.float32}
    assert losses != low and losses == pytest.approx(low, rel=0.02)


# --- memory ----------------------------------------------------------------------------------


def test_the_batch_is_halved_until_it_fits_and_that_is_said(capsys):
    def work(size):
        if size > 30:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return size**2

    assert halve_until_it_fits(work, 100) == (625, 25)
    assert capsys.readouterr().out.splitlines() == [
        "A batch of 100 does not fit into memory; trying 50.",
        "A batch of 50 does not fit into memory; trying 25.",
    ]


def test_a_cpu_that_is_full_counts_too():
    def work(size):
        if size > 1:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you ...")
        return "fits"

    assert halve_until_it_fits(work, 4) == ("fits", 1)


def test_other_errors_and_a_batch_of_one_are_raised():
    def full(size):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    with pytest.raises(torch.OutOfMemoryError):
        halve_until_it_fits(full, 8)
    with pytest.raises(RuntimeError, match="inconsistent"):
        halve_until_it_fits(lambda size: torch.zeros(2) @ torch.zeros(3), 8)


# --- the roofline and the fast path ----------------------------------------------------------


def test_work_is_counted_right(monkeypatch):
    monkeypatch.setattr(roofline, "REPEATS", 1)
    works = {work.name: work for work in measure_work("cpu")}
    assert works["x + y"].intensity == pytest.approx(1 / 12)
    assert works["matmul, n = 512"].intensity == pytest.approx(512 / 6)
    convolution = works["convolution 3×3"]
    assert convolution.flops == 16 * 64 * 32**2 * 2 * 64 * 9
    assert all(work.rate > 0 for work in works.values())


@pytest.mark.parametrize("make, shape", [(LeNet5, (1, 28, 28)), (EluNet, (3, 16, 16))])
def test_the_fast_path_trains_the_same_net(make, shape):
    """On the CPU: autocast and channels last; what a CUDA GPU adds needs one."""
    torch.manual_seed(0)
    stream = [(torch.randn(8, *shape), torch.randint(10, (8,))) for _ in range(2)]
    models = make(), make()
    models[1].load_state_dict(models[0].state_dict())
    start = [p.clone() for p in models[0].parameters()]
    for model, fast in zip(models, (False, True), strict=True):
        assert images_per_second(model, stream, "cpu", fast) > 0
    for first, naive, quick in zip(start, *(m.parameters() for m in models), strict=True):
        assert not torch.equal(first, naive)
        torch.testing.assert_close(naive, quick, rtol=0.05, atol=2e-3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_a_recorded_step_trains_on_a_gpu():
    torch.manual_seed(0)
    stream = [(torch.randn(8, 1, 28, 28), torch.randint(10, (8,))) for _ in range(2)]
    models = LeNet5(), LeNet5()
    models[1].load_state_dict(models[0].state_dict())
    for model, fast in zip(models, (False, True), strict=True):
        images_per_second(model, stream, "cuda", fast)
    assert all(torch.isfinite(p).all() for p in models[1].parameters())


def test_published_peaks_are_those_of_known_cards_only():
    assert published_peak("NVIDIA H100 80GB HBM3") == published_peak("NVIDIA H200") == 989e3
    assert published_peak("NVIDIA A100-SXM4-80GB") == 312e3
    assert published_peak("NVIDIA H100 PCIe") is None and published_peak("Some GPU") is None


def test_a_stored_table_names_its_device_and_date(monkeypatch, tmp_path):
    table = stored_table()
    if table is not None:
        assert {"device", "date", "rows"} <= set(table)
    monkeypatch.setattr(fast_path, "STORED", "no such file")
    assert stored_table() is None
