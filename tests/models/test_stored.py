"""Stored nets: made once, read afterwards, and refused where they do not fit."""

import numpy as np
import pytest
import torch
from torch import nn

from pytools import build, models
from pytools.errors import CourseError
from pytools.models import stored


@pytest.fixture(autouse=True)
def nothing_asked_for(monkeypatch):
    monkeypatch.delenv(stored.RETRAIN, raising=False)


def make():
    torch.manual_seed(0)  # of this test's own; the course's pages pass generators
    return nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))


def train(net):
    """Learn that y = x1 - x2: sixty steps are enough to see it."""
    x = torch.randn(64, 2, generator=torch.Generator().manual_seed(1))
    y, optimizer = x[:, :1] - x[:, 1:], torch.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(60):
        optimizer.zero_grad()
        loss = ((net(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()


def refuse(net):
    raise AssertionError("it was trained again")


def test_a_net_is_trained_stored_and_read_again(tmp_path):
    first = models.trained("line", make, train, tmp_path)
    second = models.trained("line", make, refuse, tmp_path)
    x = torch.randn(200, 2, generator=torch.Generator().manual_seed(2))
    assert torch.equal(first(x), second(x)), "float16 is what both have"
    y = x[:, :1] - x[:, 1:]
    assert ((second(x) - y) ** 2).mean() < 0.2 < ((make()(x) - y) ** 2).mean()
    assert not second.training and next(second.parameters()).dtype == torch.float32
    with np.load(tmp_path / "line.npz") as file:
        assert file["0.weight"].dtype == np.float16
        assert file["1.num_batches_tracked"] == 60
    assert [path.name for path in tmp_path.iterdir()] == ["line.npz"]


def test_it_is_trained_anew_where_that_is_asked_for(tmp_path, monkeypatch):
    models.trained("line", make, lambda net: None, tmp_path)
    monkeypatch.setenv(stored.RETRAIN, "1")
    net = models.trained("line", make, lambda net: nn.init.ones_(net[0].weight), tmp_path)
    assert torch.equal(net[0].weight, torch.ones(8, 2))
    monkeypatch.delenv(stored.RETRAIN)
    assert torch.equal(models.trained("line", make, refuse, tmp_path)[0].weight, net[0].weight)


def test_another_net_is_one_clear_error(tmp_path):
    models.trained("line", make, train, tmp_path)
    with pytest.raises(CourseError, match=r"0\.weight is \(8, 2\) there, \(8, 3\) here; run: .*--"):
        models.trained("line", lambda: nn.Sequential(nn.Linear(3, 8)), refuse, tmp_path)


def test_a_damaged_file_is_one_clear_error(tmp_path):
    models.trained("line", make, train, tmp_path)
    path = tmp_path / "line.npz"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(CourseError, match=r"line\.npz is damaged: run: course build"):
        models.trained("line", make, refuse, tmp_path)


def test_what_cannot_be_stored_is_said(tmp_path, monkeypatch):
    with pytest.raises(CourseError, match=r"0\.weight has NaN, inf or more than 65,504"):
        models.trained("a", make, lambda net: nn.init.constant_(net[0].weight, 1e6), tmp_path)
    with pytest.raises(CourseError, match="bytes, and 400,000 are allowed"):
        models.trained("b", lambda: nn.Linear(600, 600), lambda net: None, tmp_path)
    (tmp_path / "file").write_text("no folder")
    with pytest.warns(UserWarning, match="can't be written") as told:
        net = models.trained("c", make, train, tmp_path / "file")
    assert isinstance(net, nn.Module) and [warning.filename for warning in told] == [__file__]


def test_build_asks_for_it_in_the_environment(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        build,
        "execute",
        lambda paths, cell_timeout: seen.append(
            (stored.os.environ["COURSE_RETRAIN"], cell_timeout)
        ),
    )
    monkeypatch.setattr(build, "release", lambda paths, into: None)
    build.build(build.Paths(tmp_path, "any"), retrain=True)
    assert seen == [("1", None)] and "COURSE_RETRAIN" not in stored.os.environ
