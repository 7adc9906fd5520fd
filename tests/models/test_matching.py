"""Pictures and sentences in one space: shapes, word order, ends of sentences, training."""

import numpy as np
import pytest
import torch

from pytools import data, scratch
from pytools.models import matching, ranking_loss

IMAGES, FOUND = data.scenes("train", size=96)
TEXTS = [data.captions(scene) for scene in FOUND]
VOCAB = scratch.build_vocab([text for texts in TEXTS for text in texts], 1)
IDS = [matching.sentence_ids(texts, VOCAB) for texts in TEXTS]


def made(in_order=True):
    torch.manual_seed(0)
    return matching.JointSpace(len(VOCAB), in_order=in_order).eval()


def hinge(sim):
    return ranking_loss(sim, 0.2)


def test_similarities_are_cosines():
    net = made()
    ids = matching.sentence_ids([texts[0] for texts in TEXTS[:7]], VOCAB)
    sim = matching.similarity(net, IMAGES[:5], ids)
    assert sim.shape == (5, 7) and sim.dtype == np.float32 and np.abs(sim).max() <= 1 + 1e-6
    pictures = net.picture_points(torch.from_numpy(IMAGES[:5])).detach()
    np.testing.assert_allclose(pictures.norm(dim=1), np.ones(5), rtol=1e-5)


def test_features_of_places_say_what_is_seen_where():
    net = made()
    features = matching.place_features(net, IMAGES[:5], batch=2)
    assert features.shape == (5, 16, 66)
    seen = net.scene(torch.from_numpy(IMAGES[:5])).detach()
    torch.testing.assert_close(features[:, 7, :64], seen[:, :, 1, 3])  # second row, last column
    torch.testing.assert_close(features[0, 7, 64:], torch.tensor([1, -1 / 3]))


def test_ids_are_those_of_the_words_and_0_after_the_end():
    ids = matching.sentence_ids(["red circle", "red"], {**scratch.build_vocab([], 1), "red": 4})
    assert ids.tolist() == [[4, 3], [4, 0]]


@pytest.mark.parametrize("in_order", [True, False])
def test_what_comes_after_the_end_does_not_matter(in_order):
    net = made(in_order)
    short, long = min(TEXTS, key=lambda t: len(t[0]))[0], max(TEXTS, key=lambda t: len(t[0]))[0]
    alone = net.sentence_points(matching.sentence_ids([short], VOCAB))
    beside = net.sentence_points(matching.sentence_ids([short, long], VOCAB))[:1]
    torch.testing.assert_close(alone, beside, rtol=1e-4, atol=1e-5)


def test_a_bag_of_words_has_no_order():
    ids = matching.sentence_ids(
        [
            "a small red ring is above a large blue cross",
            "a large blue cross is above a small red ring",
        ],
        VOCAB,
    )
    one, other = made(in_order=False).sentence_points(ids)
    torch.testing.assert_close(one, other)
    one, other = made().sentence_points(ids)
    assert (one - other).abs().max() > 1e-3


def test_training_finds_what_belongs_together_and_is_the_same_each_time():
    net, again = made(), made()
    losses = matching.train_matching(net, IMAGES, IDS, hinge, 40, np.random.default_rng(0), 48)
    same = matching.train_matching(again, IMAGES, IDS, hinge, 40, np.random.default_rng(0), 48)
    assert losses == same and len(losses) == 40
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    assert not net.training


def test_the_hardest_wrong_partner_of_each_row_and_column():
    sim = torch.tensor([[0.5, 0.4, 0.1], [0.9, 0.6, 0.0], [0.2, 0.3, 0.8]])
    rows = [0.1, 0.5, 0]  # 0.2 - 0.5 + 0.4, 0.2 - 0.6 + 0.9, below 0
    columns = [0.6, 0, 0]  # 0.2 - 0.5 + 0.9, 0.2 - 0.6 + 0.4, below 0
    wanted = torch.tensor((sum(rows) + sum(columns)) / 3)
    torch.testing.assert_close(matching.hardest_only(sim), wanted)
    alike = torch.ones(4, 4)
    torch.testing.assert_close(matching.hardest_only(alike, 0.3), torch.tensor(0.6))


def test_what_does_not_fit_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="each image needs its captions, but got 96 and 95"):
        matching.train_matching(made(), IMAGES, IDS[1:], hinge, 1, rng)
    with pytest.raises(FloatingPointError, match="the loss is nan at step 0: a smaller lr"):
        matching.train_matching(made(), IMAGES * np.nan, IDS, hinge, 1, rng)


def test_an_empty_sentence_is_named():
    with pytest.raises(ValueError, match="sentence 1 is empty"):
        matching.sentence_ids(["a red ring", " "], scratch.build_vocab(["a red ring"], 1))
