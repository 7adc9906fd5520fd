"""Answers to questions about scenes: what each fusion sees, and that training helps."""

import numpy as np
import pytest
import torch

from pytools import data, models, scratch
from pytools.data.scene_questions import ANSWERS
from pytools.models import vqa

FOUND = data.scenes("train", size=150)[1]
QUESTIONS = data.scene_questions(FOUND, np.random.default_rng(0))
TEXTS = [question.text for question in QUESTIONS]
VOCAB = scratch.build_vocab(TEXTS, 1)
FUSIONS = (models.fuse, vqa.add, vqa.join, vqa.only_image, vqa.only_question)


def features():
    """Of each scene what a perfect eye would see: at each place colour and shape, and where."""
    seen = torch.zeros(len(FOUND), 3, vqa.PLACE)
    names = [answer for answer in ANSWERS if answer not in ("yes", "no")]
    for row, scene in zip(seen, FOUND, strict=True):
        for place, thing in zip(row, scene.objects, strict=False):
            place[names.index(thing.colour)] = place[names.index(thing.shape)] = 3
            place[-2:] = torch.tensor([thing.x, thing.y])
    return seen


def made(fusion=models.fuse):
    torch.manual_seed(0)
    return vqa.VqaNet(len(VOCAB), fusion)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_probabilities_of_all_answers(fusion):
    net = made(fusion)
    found = vqa.answer_probabilities(net, features()[:3], TEXTS[:3], VOCAB)
    assert found.shape == (3, len(ANSWERS))
    torch.testing.assert_close(found.sum(dim=1), torch.ones(3))
    assert set(vqa.best_answers(net, features()[:3], TEXTS[:3], VOCAB)) <= set(ANSWERS)


def changes(net, image, question):
    """Whether the logits change with the picture, or with the question."""
    ids = models.matching.sentence_ids(TEXTS[:4], VOCAB)
    seen = torch.randn(4, 3, vqa.PLACE)
    before = net(seen, ids)
    after = net(seen.flip(0) if image else seen, ids.flip(0) if question else ids)
    return bool((before - after).abs().max() > 1e-4)


def test_who_is_blind_is_blind():
    torch.manual_seed(1)
    for fusion in FUSIONS:
        net = made(fusion)
        assert changes(net, image=True, question=False) == (fusion is not vqa.only_question)
        assert changes(net, image=False, question=True) == (fusion is not vqa.only_image)


def test_most_say_and_ties_go_to_the_first():
    question = QUESTIONS[0]._replace(answers=["no", "yes", "yes", "no", "red"])
    assert vqa.most_say([question]) == ["no"]
    assert vqa.most_say([question._replace(answers=["no", *6 * ["yes"]])]) == ["yes"]


def test_training_learns_what_people_say():
    net, again = made(), made()
    rng = np.random.default_rng
    losses = vqa.train_vqa(net, features(), QUESTIONS, VOCAB, 80, rng(0))
    assert losses == vqa.train_vqa(again, features(), QUESTIONS, VOCAB, 80, rng(0))
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    seen = features()[[question.scene for question in QUESTIONS]]
    pred = vqa.best_answers(net, seen, TEXTS, VOCAB)
    answers = [question.answers for question in QUESTIONS]
    assert scratch.answer_accuracy(pred, answers) > 0.75


def test_a_question_alone_is_answered_as_beside_a_longer_one():
    net = vqa.PlacedWords(12, 5)
    short = torch.tensor([[3, 4, 5]])
    beside = torch.tensor([[3, 4, 5, 0, 0, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6, 7, 8, 9]])
    torch.testing.assert_close(net(short)[0], net(beside)[0])
    with pytest.raises(ValueError, match="at most 9 words, but has 10"):
        net(torch.ones(1, 10, dtype=torch.long))
