"""What the runs of the scoring study add up to: means, intervals, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from pytools.models.scoring_study import Run

# r and hours as published, of the arms of this study that have a counterpart
PUBLISHED = {
    "scratch": (0.68, 13),
    "Siamese": (0.82, 8),
    "Siamese + growth": (0.84, 5),
    "pretrained": (0.73, 3),
}
CLAIMS = (  # what the published figures say, and what growth says: the first arm is the better one
    ("Siamese", "scratch"),
    ("Siamese + growth", "Siamese"),
    ("Siamese + growth", "scratch"),
    ("pretrained", "scratch"),
    ("Siamese + growth", "pretrained"),
    ("growth", "scratch"),
    ("growth", "small, not grown"),
)

UNDEFINED = "undefined: constant scores, or no seed in common"


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The mean of values (N,), and half the width of its 95 % confidence interval.

    By Student's t, for values that are about normal; inf for fewer than two. nan of none.
    """
    values = np.asarray(values, dtype=float)
    if not len(values):
        return np.nan, np.inf
    if len(values) < 2:
        return float(np.mean(values)), np.inf
    error = values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(stats.t.ppf(0.975, len(values) - 1) * error)


def r_at(run: Run, flops: float) -> float:
    """r at the first look after so many operations, less 2 % of them; else at the last look."""
    later = np.flatnonzero(np.asarray(run.flops) >= 0.98 * flops)
    return run.r[later[0] if len(later) else -1]


def cost_to(run: Run, costs: Sequence[float], r: float) -> float:
    """What was spent until r is reached, along straight lines between looks; inf where it is not.

    costs: at each look; run.flops for operations, run.seconds for seconds.
    """
    spent, reached = np.array(costs), np.array(run.r)
    seen = np.isfinite(reached)
    spent, reached = spent[seen], reached[seen]
    above = np.flatnonzero(reached >= r)
    if len(above) == 0:
        return np.inf
    i = above[0]
    if i == 0:
        return float(spent[0])
    share = (r - reached[i - 1]) / (reached[i] - reached[i - 1])
    return float(spent[i - 1] + share * (spent[i] - spent[i - 1]))


def of_arm(runs: Sequence[Run], arm: str) -> list[Run]:
    """The runs of an arm, by seed: paired with those of another arm."""
    return sorted((run for run in runs if run.arm == arm), key=lambda run: run.seed)


def difference(runs: Sequence[Run], one: str, other: str, flops: float) -> tuple[float, float]:
    """How much better r of one arm is than the other's, by the seeds that both have: the mean, and
    half the width of its 95 % interval."""
    mine, theirs = ({run.seed: r_at(run, flops) for run in of_arm(runs, a)} for a in (one, other))
    return interval([mine[seed] - theirs[seed] for seed in mine.keys() & theirs.keys()])


def study_table(runs: Sequence[Run], flops: float, r: float) -> list[str]:
    """A line for each arm: r after so many operations, how much better than scratch, what it took
    to reach some r, in operations and in seconds of a core, and seconds for all; medians."""
    lines = [
        f"{'arm':18}{'r ± 95 %':>14}{'against scratch':>18}{f'GFLOP to r={r:.2f}':>17}"
        f"{f's to r={r:.2f}':>13}{'s in all':>10}"
    ]
    for arm in dict.fromkeys(run.arm for run in runs):
        mine = of_arm(runs, arm)
        better = "{:+.3f} ± {:.3f}".format(*difference(runs, arm, "scratch", flops))
        giga = np.median([cost_to(run, run.flops, r) / 1e9 for run in mine])
        took = np.median([cost_to(run, run.seconds, r) for run in mine])
        lines.append(
            f"{arm:18}"
            + "{:.3f} ± {:.3f}".format(*interval([r_at(run, flops) for run in mine])).rjust(14)
            + ("" if arm == "scratch" else better).rjust(18)
            + (f"{giga:.0f}" if np.isfinite(giga) else "not reached").rjust(17)
            + (f"{took:.1f}" if np.isfinite(took) else "not reached").rjust(13)
            + f"{np.median([run.seconds[-1] for run in mine]):10.1f}"
        )
    return lines


def savings(runs: Sequence[Run], one: str, other: str, r: float) -> tuple[float, float, int]:
    """What one arm needs to reach r, as a share of what the other needs: in operations and in
    seconds. Medians over the seeds where both reach it, and how many these are."""
    pairs = [
        (a, b)
        for a in of_arm(runs, one)
        for b in of_arm(runs, other)
        if a.seed == b.seed and max(cost_to(run, run.flops, r) for run in (a, b)) < np.inf
    ]
    if not pairs:
        return np.nan, np.nan, 0
    shares = [
        [cost_to(a, a.flops, r) / cost_to(b, b.flops, r) for a, b in pairs],
        [cost_to(a, a.seconds, r) / cost_to(b, b.seconds, r) for a, b in pairs],
    ]
    return float(np.median(shares[0])), float(np.median(shares[1])), len(pairs)


def ablation_table(variants: Mapping[str, Sequence[Run]]) -> list[str]:
    """A line for each variant: r at the end, and how much better it is than the first variant of
    the same arm, seed by seed, with a verdict by the 95 % interval; seconds."""
    lines = [f"{'variant':48}{'r':>6}{'difference':>16}{'seconds':>9}"]
    first: dict[str, dict[int, float]] = {}
    for name, runs in variants.items():
        ends = {run.seed: run.r[-1] for run in runs}
        usual = first.setdefault(runs[0].arm, ends)
        line = f"{name:48}{np.mean(list(ends.values())):6.3f}"
        took = f"{np.median([run.seconds[-1] for run in runs]):9.1f}"
        if usual is ends:
            lines.append(line + 16 * " " + took)
            continue
        mean, half = interval([r - usual[seed] for seed, r in ends.items()])
        verdict = "open" if abs(mean) <= half else "helps" if mean > 0 else "harms"
        verdict = verdict if np.isfinite(mean) else UNDEFINED
        lines.append(line + f"{mean:+.3f} ± {half:.3f}".rjust(16) + took + f"  {verdict}")
    return lines


def conclusions(runs: Sequence[Run], flops: float) -> list[str]:
    """For each claim whose arms are there, whether these runs bear it out: by the 95 % interval of
    the paired difference."""
    present = {run.arm for run in runs}
    lines = []
    for one, other in CLAIMS:
        if not {one, other} <= present:
            continue
        mean, half = difference(runs, one, other, flops)
        if not np.isfinite(mean):
            verdict = UNDEFINED
        elif abs(mean) <= half:
            verdict = "open: the interval holds 0"
        else:
            verdict = "holds" if mean > 0 else "does not hold: it is the other way round"
        published = "not published"
        if one in PUBLISHED and other in PUBLISHED:
            published = f"published {PUBLISHED[one][0] - PUBLISHED[other][0]:+.2f}"
        lines.append(f"{one} beats {other}: {published}, here {mean:+.3f} ± {half:.3f}; {verdict}")
    return lines
