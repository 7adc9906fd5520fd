"""Studies that come with the course: what a full run measured, so that a page need not run it.

Each is a file pytools/models/stored/NAME.json, with the date. A page that is run with
profile = "full" measures its study anew; all that it says is computed from what is kept.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from pytools.errors import CourseError
from pytools.models import stored

REMEDY = 'run the notebook that shows it with profile = "full"'


def keep_study(name: str, content: dict[str, Any]) -> None:
    """Write a study under its name, with today's date: the whole file or nothing.

    content: what JSON can hold. Where the folder can't be written, it warns.
    """
    text = json.dumps(
        {"date": ""} | content | {"date": date.today().isoformat()}, indent=1, ensure_ascii=False
    )
    stored.write_whole(stored.FOLDER / f"{name}.json", f"{text}\n".encode())


def kept_study(name: str) -> dict[str, Any]:
    """The study that was kept under a name, with its "date".

    Raises CourseError where there is none, or its file is damaged.
    """
    path = stored.FOLDER / f"{name}.json"
    if not path.is_file():
        raise CourseError(f"{path} is not there: {REMEDY}")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:  # cut short, or no text
        content = None
    if not isinstance(content, dict) or "date" not in content:
        raise CourseError(f"{path} is damaged: {REMEDY}")
    return content
