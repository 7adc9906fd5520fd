"""Captioning nets: what they compute, that they learn, and how captions are searched and judged."""

import importlib

import numpy as np
import pytest
import torch

from pytools import data, models, scratch
from pytools.models import caption_writing, captioning_study, stored

room = importlib.import_module("pytools.models.captioner")
WORDS, PLACES, SIZE = 9, 4, 5


def writer(attention=True, seed=0, **more):
    torch.manual_seed(seed)
    return models.Captioner(WORDS, PLACES, SIZE, attention, hidden=12, **more).eval()


def features(size=3, seed=1):
    return torch.rand(size, PLACES, SIZE, generator=torch.Generator().manual_seed(seed))


def test_with_and_without_attention_the_parameters_are_equal():
    counts = [
        models.parameters_of(models.Captioner(25, 64, 27, attention=a)) for a in (True, False)
    ]
    assert abs(counts[0] - counts[1]) < 0.01 * counts[0]


def test_features_are_probabilities_and_places():
    detectors = models.WordDetectors(WORDS)
    images = data.scenes("test", size=5)[0]
    found = models.features_of(detectors, images)
    assert found.shape == (5, 64, WORDS + 2) and found.dtype == torch.float32
    assert found[..., :-2].min() >= 0 and found[..., :-2].max() <= 1
    x, y = found[0, :, -2].reshape(8, 8), found[0, :, -1].reshape(8, 8)
    assert (x[:, 0] == -1).all() and (x[:, -1] == 1).all() and (x.diff(dim=1) > 0).all()
    assert (y[0] == -1).all() and (y[-1] == 1).all() and (y.diff(dim=0) > 0).all()


def test_shapes_are_seen_without_their_colours():
    things = [data.SceneObject("ring", colour, "large", 0.1, 0.1) for colour in ("red", "white")]
    images = torch.tensor(data.draw_scenes([data.Scene((thing,)) for thing in things]))
    covered = room.silhouettes(images)
    assert covered.shape == (2, 1, 32, 32)
    torch.testing.assert_close(covered[0], covered[1], atol=0.3, rtol=0)
    assert covered[0].max() > 0.95 and covered[0].median() < 0.05


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("hears_place", [True, False])
def test_each_step_sees_the_words_before_it_alone(attention, hears_place):
    net, seen = writer(attention, hears_place=hears_place), features()
    ids = torch.randint(4, WORDS, (3, 6), generator=torch.Generator().manual_seed(0))
    logits = net(seen, ids)
    assert logits.shape == (3, 5, WORDS)
    other = ids.clone()
    other[:, 3:] = 4 + (other[:, 3:] - 3) % (WORDS - 4)
    again = net(seen, other)
    torch.testing.assert_close(logits[:, :3], again[:, :3])
    assert not torch.allclose(logits[:, 3:], again[:, 3:])


def test_a_writer_forgets_in_training_alone():
    net, seen = writer(forgets=0.5), features()
    ids = torch.randint(4, WORDS, (3, 9))
    torch.testing.assert_close(net(seen, ids), net(seen, ids))
    net.train()
    assert not torch.allclose(net(seen, ids), net(seen, ids))


def test_attention_is_that_of_the_exercise_and_looks_give_its_weights():
    net, seen = writer(), features(1)
    weights = models.looks(net, seen, [5, 6])
    assert weights.shape == (3, PLACES)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(3))
    first = models.attend(seen, net.start(seen).hidden, net.looking)[1]
    torch.testing.assert_close(weights[:1], first)


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("width", [1, 2, 4])
def test_the_beam_is_that_of_scratch(attention, width):
    net, seen = writer(attention, seed=3), features(6)
    with torch.no_grad():
        net.by_seen.bias[room.END] += 1.0
    found = models.beam(net, seen, width, max_len=5)
    for row, candidates in enumerate(found):

        def step(prefix, row=row):
            with torch.no_grad():
                scores = net(seen[row : row + 1], torch.tensor([[*prefix, 0]]))[0, -1]
            scores = scores.log_softmax(0)
            scores[room.PAD] = -torch.inf
            return scores.double().numpy()

        best = scratch.beam_search(step, room.START, room.END, width, 5)
        assert candidates[0].ids == best
        assert len(candidates) == width
        scores = [candidate.score for candidate in candidates]
        assert scores == sorted(scores, reverse=True)


def test_the_score_of_a_candidate_is_its_log_probability():
    net, seen = writer(seed=4), features(2)
    with torch.no_grad():
        net.by_seen.bias[room.END] += 2.0
    found = models.beam(net, seen, 3, max_len=30)
    for row, candidates in enumerate(found):
        ids = [candidate.ids for candidate in candidates]
        scores = models.log_probability(net, seen[[row] * 3], ids)
        np.testing.assert_allclose(scores, [c.score for c in candidates], atol=1e-4)


def test_a_second_direction_reads_backwards_and_adds_its_score():
    assert models.backwards([1, 5, 6, 7, 2]) == [1, 7, 6, 5, 2]
    forward, backward, seen = writer(seed=5), writer(seed=6), features(2)
    found = models.beam(forward, seen, 3, max_len=4)
    both = models.rescored(found, backward, seen)
    for row, (before, after) in enumerate(zip(found, both, strict=True)):
        more = models.log_probability(backward, seen[[row] * 3], [c.ids[::-1] for c in before])
        expected = sorted((c.score + m for c, m in zip(before, more.tolist(), strict=True)))[::-1]
        np.testing.assert_allclose([c.score for c in after], expected, atol=1e-5)
        assert sorted(c.ids for c in after) == sorted(c.ids for c in before)


def test_a_beam_without_width_is_refused():
    with pytest.raises(ValueError, match="width must be at least 1, but is 0"):
        models.beam(writer(), features(), 0)


def test_detectors_and_a_writer_learn(monkeypatch):
    monkeypatch.setattr(room, "BATCH", 16)
    parts = captioning_study.Parts()
    task = captioning_study.problem(0, 16, 4, parts)
    detectors, _, losses = captioning_study.learn(
        captioning_study.ARMS[0], task, 0, (20, 30), parts
    )
    assert losses[-1] < 0.8 * losses[0]
    again = captioning_study.learn(captioning_study.ARMS[0], task, 0, (20, 30), parts)
    assert again[0] is detectors and again[2] == losses
    for arm in (*captioning_study.ARMS[:2], captioning_study.ARMS[-1]):
        row = captioning_study.run_arm(arm, task, 0, (1, 1), parts, width=1)
        assert row["arm"] == arm.name and 0 <= row["new"]["exact"] <= 1


def test_a_study_has_a_row_for_every_arm_and_seed():
    rows = captioning_study.run_study([4, 3], size=8, steps=(1, 1), asked=2)
    names = [arm.name for arm in captioning_study.ARMS]
    assert [(row["seed"], row["arm"]) for row in rows] == [
        (s, name) for s in (3, 4) for name in names
    ]
    lines = captioning_study.table(rows)
    assert len(lines) == 1 + len(names) and all("(" in line for line in lines[1:])


def test_captions_are_judged_by_each_of_the_true_ones():
    found = data.scenes("test", size=6)[1]
    truth = [data.captions(scene) for scene in found]
    vocab = scratch.build_vocab([text for several in truth for text in several], 1)
    texts = [several[-1] for several in truth]
    texts[0] = "a ring"
    beams = [[caption_writing.Candidate(scratch.encode(text, vocab)[1:-1], 0.0)] for text in texts]
    judged = captioning_study.judge(beams, found, vocab, captioning_study.Parts())
    assert judged["exact"] == round(5 / 6, 4)
    assert 0.8 < judged["bleu"] < 1


def test_kept_rows_come_back(tmp_path, monkeypatch):
    monkeypatch.setattr(stored, "FOLDER", tmp_path)
    captioning_study.keep([{"arm": "a"}])
    kept = captioning_study.kept()
    assert kept["rows"] == [{"arm": "a"}] and kept["size"] == captioning_study.SIZE
    assert [arm["name"] for arm in kept["arms"]] == [a.name for a in captioning_study.ARMS]


def test_the_kept_study_is_the_whole_one():
    """Run notebook 16 with profile = "full" after a change of the arms."""
    kept = captioning_study.kept()
    assert kept["size"] == captioning_study.SIZE
    assert tuple(kept["steps"]) == captioning_study.STEPS
    pairs = [(row["seed"], row["arm"]) for row in kept["rows"]]
    assert pairs == [(seed, arm.name) for seed in range(3) for arm in captioning_study.ARMS]


def test_conclusions_follow_from_the_rows():
    def row(arm, seed, new):
        return {
            "arm": arm,
            "seed": seed,
            "parameters": 44108,
            "test": {"bleu": 0.96, "exact": 0.7},
            "new": {"bleu": 0.9, "exact": new},
        }

    rows = [row("all steps", 0, 0.6), row("all steps", 1, 0.5)]
    rows += [row("a", 0, 0.1), row("a", 1, 0.2), row("b", 0, 0.7), row("b", 1, 0.4)]
    lines = captioning_study.conclusions(rows)
    assert lines[0] == "BLEU-4: 0.96, the goal of 0.95 is reached"
    assert lines[1] == "exact: 0.70, the goal of 0.85 is not reached"
    assert lines[2] == "exact on new pairs: 0.55, the goal of 0.50 is reached"
    assert lines[3] == "a, new pairs: worse; by seed -0.50, -0.30"
    assert lines[4] == "b, new pairs: no clear difference; by seed +0.10, -0.10"
    table = captioning_study.table(rows)
    assert "0.55 (0.50–0.60)" in table[1] and len(table) == 4
