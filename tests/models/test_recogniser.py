"""The reader of lines: what it sees, what it must not see, what it learns, what it refuses."""

from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

from pytools import data
from pytools.models import ocr_study as study
from pytools.models import recogniser as reader
from pytools.models import stored
from pytools.models.flops import parameters_of
from pytools.scratch import ctc_loss


def small(bidirectional=True, hidden=8, seed=0):
    torch.manual_seed(seed)  # layers draw from torch's own generator
    return reader.Recogniser(hidden, bidirectional, channels=4)


def some(size=5, seed=0, words=True):
    return data.text_lines("train", size=size, seed=seed, words=words)


def test_log_probabilities_of_half_as_many_frames_as_columns():
    images = some().images
    x, frames = reader.pad_lines(images)
    out = small()(x, frames)
    assert out.shape == (max(i.shape[1] for i in images) // 2, 5, len(data.SYMBOLS) + 1)
    torch.testing.assert_close(out.exp().sum(dim=2), torch.ones(out.shape[:2]))


def test_both_kinds_are_as_large():
    both = small(hidden=40)
    one = reader.forward_only(both)
    assert one.leftward is None and one.symbols == both.symbols
    assert 1 <= reader.parameters_of(one) / reader.parameters_of(both) < 1.01


def test_each_line_is_read_as_if_alone():
    """Neither padding nor neighbours count, also for the LSTM from the right."""
    net, images = small(), some(6).images
    together = reader.line_log_probs(net, images)
    for image, scores in zip(images, together, strict=True):
        alone = reader.line_log_probs(net, [image])[0]
        assert scores.shape == (image.shape[1] // 2, len(data.SYMBOLS) + 1)
        np.testing.assert_allclose(scores, alone, atol=1e-4)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_only_two_directions_know_what_follows(bidirectional):
    net, image = small(bidirectional), np.zeros((24, 80), np.float32)
    image[4:20, 8:12] = 1
    other = image.copy()
    image[4:20, 60:70], other[10:12, 62:70] = 1, 1
    x, frames = reader.pad_lines([image, other])
    x = torch.from_numpy(np.stack([image, other]))[:, None]  # without the normalisation
    with torch.no_grad():
        out = net.eval()(x, frames)
    same = torch.allclose(out[:25, 0], out[:25, 1], atol=1e-6)
    assert same is not bidirectional


def test_the_loss_is_that_of_the_course():
    net, lines = small().eval(), some(4)
    x, frames = reader.pad_lines(lines.images)
    scores = net(x, frames).detach().double().numpy()
    by_symbol = [
        ctc_loss(scores[:t, n], data.to_numbers(text))[0] / len(text)
        for n, (t, text) in enumerate(zip(frames.tolist(), lines.texts, strict=True))
    ]
    ours = reader.line_loss(net, lines.images, lines.texts).item()
    np.testing.assert_allclose(ours, np.mean(by_symbol), rtol=1e-4)


def test_a_text_longer_than_its_frames_is_named():
    image = np.zeros((24, 11), np.float32)
    reader.line_loss(small(), [image], ["Anna"])  # five frames, and it needs five
    with pytest.raises(ValueError, match=r"'Anna' needs 5 frames, but its image .* has 4: leave"):
        reader.line_loss(small(), [image[:, :9]], ["Anna"])
    with pytest.raises(ValueError, match="has the symbol 'é'"):
        reader.line_loss(small(), [image], ["é"])


def test_it_learns_to_read_three_words():
    words = ["oil", "Zug", "1890"]
    images = [data.draw_line(word, "DejaVuSans") for word in words]
    net, told = small(hidden=24), []
    losses = reader.train_recogniser(net, 160, 0, lambda number, only: (images, words), told.append)
    assert len(losses) == 160 and losses[-1] < 0.2 < losses[0]
    assert reader.read_lines(net, images) == words
    assert len(told) == 8 and told[-1].startswith("step   160: loss 0.")


def test_training_is_the_same_for_the_same_seed_and_starts_with_words():
    asked = []

    def draw(number, words):
        asked.append((number, words))
        return data.text_lines("train", size=32, seed=number, words=words)

    nets = [small(), small()]
    first, second = (reader.train_recogniser(net, 8, 3, draw, None) for net in nets)
    assert first == second
    for a, b in zip(*(net.state_dict().values() for net in nets), strict=True):
        assert torch.equal(a, b)
    assert [words for _, words in asked[: len(asked) // 2]] == [True, False, False]


def test_later_one_chunk_in_four_is_words():
    asked, image = [], data.draw_line("in", "cmr10")

    def draw(number, words):
        asked.append(words)
        return [image], ["in"]  # a chunk is a step

    reader.train_recogniser(small(), 16, 0, draw, None)
    assert asked == [True] * 4 + [True, False, False, False] * 3


def test_gradients_are_clipped(monkeypatch):
    seen = []
    clip = nn.utils.clip_grad_norm_
    monkeypatch.setattr(nn.utils, "clip_grad_norm_", lambda p, n: seen.append(n) or clip(p, n))
    reader.train_recogniser(small(), 2, draw=lambda number, words: some(), say=None)
    assert seen == [reader.CLIP] * 2


def test_sensitivity_is_the_derivative_of_the_letters_score():
    net, image = small(hidden=12), data.draw_line("in", "cmr10")
    found = reader.letter_sensitivity(net, image, "in")
    assert found.shape == (2, *image.shape)
    x, frames = reader.pad_lines([image])
    x.requires_grad_(True)
    scores = net(x, frames)[:, 0]
    labels = data.to_numbers("in")
    candidates = [torch.autograd.grad(s, x, retain_graph=True)[0] for s in scores[:, labels[0]]]
    assert any(np.allclose(g[0, 0].numpy(), found[0], atol=1e-7) for g in candidates)


def test_sensitivity_of_an_odd_width_has_every_column():
    image = data.draw_line("in", "cmr10")
    image = image[:, : image.shape[1] - 1 + image.shape[1] % 2]
    assert reader.letter_sensitivity(small(hidden=12), image, "in").shape == (2, *image.shape)


def test_a_study_comes_back_from_its_file(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "CHUNK", 16)
    made = study.run_study([0], 1, size=4)
    assert [run["kind"] for run in made["runs"]] == list(study.KINDS)
    monkeypatch.setattr(stored, "FOLDER", tmp_path)
    study.keep(made)
    kept = study.kept()
    assert kept.pop("date") and kept == made
    assert len(study.study_lines(kept)) == 1 + 2 * len(study.SETS)
    with pytest.raises(ValueError, match="kind must be one of bidirectional, forward only, but"):
        study.make_reader("backward only")


def test_conclusions_follow_from_the_numbers():
    def run(kind, seed, cer):
        return {
            "kind": kind,
            "seed": seed,
            "rates": {n: {"cer": cer, "wer": 0} for n in study.SETS},
        }

    made = {"runs": [run("bidirectional", s, 0.02) for s in (0, 1)]}
    made["runs"] += [run("forward only", 1, 0.01), run("forward only", 0, 0.05)]
    lines = study.study_conclusions(made)
    assert len(lines) == len(study.SETS)
    assert "both directions err less with 1 of 2 seeds, forward only 1.5×" in lines[0]


def test_the_kept_study_is_of_these_nets():
    """Run notebook 15 with profile = "full" after a change of the net."""
    runs = study.kept()["runs"]
    assert {(run["kind"], run["seed"]) for run in runs} == set(product(study.KINDS, range(3)))
    size = {kind: parameters_of(study.make_reader(kind)) for kind in study.KINDS}
    assert all(run["parameters"] == size[run["kind"]] for run in runs)
    assert len({run["lines"] for run in runs}) == 1
