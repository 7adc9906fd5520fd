"""Trained nets that come with the course, so that a page need not train for an hour first.

Each is a file pytools/models/stored/NAME.npz: the numbers of the net's state_dict, float16, no
code. Its recipe is the notebook that asks for it; `course build NOTEBOOK --retrain` makes it anew.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from pytools.errors import CourseError
from pytools.models.checkpoints import require_same_layers

FOLDER = Path(__file__).with_name("stored")
RETRAIN = "COURSE_RETRAIN"  # set to 1 by `course build --retrain`
LARGEST = 400_000  # bytes of a stored net
REMEDY = "run: course build NOTEBOOK --retrain, with the notebook that uses it"


def trained(
    name: str,
    make: Callable[[], nn.Module],
    train: Callable[[nn.Module], object],
    folder: str | os.PathLike = FOLDER,
) -> nn.Module:
    """The net that is stored under this name; made, trained and stored now where there is none.

    make() returns the untrained net; train(net) trains it in place, what it returns is ignored.
    With COURSE_RETRAIN=1 in the environment the net is trained anew, and the file overwritten.
    Weights are rounded to float16 also where they have just been trained: a net is the same
    whether it was read or made. Returns the net in evaluation mode, on the CPU. Raises CourseError
    where the file is damaged or of another net, and where a trained net is too large to store or
    has numbers beyond float16. Where the folder can't be written, it warns, and the net is used.
    """
    path, net = Path(folder) / f"{name}.npz", make()
    if path.exists() and os.environ.get(RETRAIN) != "1":
        state = _read(path, net)
    else:
        train(net)
        state = _halved(path, net)
        write_whole(path, _packed(path, state))
    # float16 becomes the type of the net's own numbers
    net.load_state_dict({key: torch.from_numpy(value) for key, value in state.items()})
    return net.cpu().eval()


def _read(path: Path, net: nn.Module) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            state = {key: file[key] for key in file.files}
    except Exception:  # cut short, text, a pickle: NumPy raises something else for each
        raise CourseError(f"{path} is damaged: {REMEDY}") from None
    try:
        require_same_layers(state, net)
    except ValueError as error:
        raise CourseError(f"{path} can't be used: {error}; {REMEDY}") from None
    return state


def _halved(path: Path, net: nn.Module) -> dict[str, np.ndarray]:
    """The net's state_dict as arrays; numbers with a point become float16."""
    state = {}
    for key, value in net.state_dict().items():
        array = value.detach().cpu().numpy()
        if value.is_floating_point():
            with np.errstate(over="ignore"):  # told below
                array = array.astype(np.float16)
            if not np.isfinite(array).all():
                raise CourseError(f"{path} is not stored: {key} has NaN, inf or more than 65,504")
        state[key] = array
    return state


def _packed(path: Path, state: dict[str, np.ndarray]) -> bytes:
    """What the file of a net holds."""
    file = io.BytesIO()
    np.savez_compressed(file, **state)
    content = file.getvalue()
    if len(content) > LARGEST:
        raise CourseError(
            f"{path} is not stored: it would have {len(content):,} bytes, and {LARGEST:,} are "
            "allowed; make the net smaller"
        )
    return content


def write_whole(path: Path, content: bytes) -> None:
    """Write the whole file or nothing: beside its place, then rename.

    Where it can't, it warns, and names the line that called the caller.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".tmp")
        beside.write_bytes(content)
        os.replace(beside, path)
    except OSError as error:
        warnings.warn(f"{path} can't be written ({error}): not stored", stacklevel=3)
