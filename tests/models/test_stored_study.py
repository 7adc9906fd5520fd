"""Kept studies: whole, with their date, read back; one clear error where there is none."""

from datetime import date

import pytest

from pytools.errors import CourseError
from pytools.models import captioning_study, ocr_study, scoring_runs, stored
from pytools.models.stored_study import keep_study, kept_study


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(stored, "FOLDER", tmp_path / "stored")
    return tmp_path / "stored"


def test_a_study_comes_back_with_its_date(folder):
    keep_study("a", {"runs": [{"kind": "groß", "r": [0.5, None]}]})
    today = date.today().isoformat()
    assert kept_study("a") == {"date": today, "runs": [{"kind": "groß", "r": [0.5, None]}]}
    keep_study("a", {"runs": []})
    assert kept_study("a")["runs"] == []
    assert [path.name for path in folder.iterdir()] == ["a.json"]


def test_what_cannot_be_written_leaves_the_earlier_study(folder, monkeypatch):
    keep_study("a", {"runs": [1]})
    with pytest.raises(TypeError):
        keep_study("a", {"runs": [1, object()]})
    assert kept_study("a")["runs"] == [1]

    def refuse(*paths):
        raise OSError("disk full")

    monkeypatch.setattr(stored.os, "replace", refuse)
    with pytest.warns(
        UserWarning, match=r"a\.json can't be written \(disk full\): not stored"
    ) as told:
        keep_study("a", {"runs": [2]})
    assert [warning.filename for warning in told] == [__file__]
    assert kept_study("a")["runs"] == [1]


def test_a_missing_study_is_one_line_that_says_what_to_do(folder):
    with pytest.raises(CourseError, match=r'none\.json is not there: run .* profile = "full"$'):
        kept_study("none")


@pytest.mark.parametrize("text", [b"", b'{"date": "2026-', b"[]", b"{}", b"\xff\xfe"])
def test_a_damaged_study_is_one_line(folder, text):
    keep_study("a", {})
    (folder / "a.json").write_bytes(text)
    with pytest.raises(
        CourseError, match=r'a\.json is damaged: run .* profile = "full"$'
    ) as caught:
        kept_study("a")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "study, rows",
    [
        (ocr_study.kept, "runs"),
        (captioning_study.kept, "rows"),
        (scoring_runs.kept, "runs"),
        (lambda: scoring_runs.kept(scoring_runs.ABLATION), "runs"),
        (lambda: kept_study("vqa_study"), "accuracies"),
    ],
    ids=["ocr", "captioning", "scoring", "ablation", "vqa"],
)
def test_the_studies_of_the_course_are_there(study, rows):
    found = study()
    assert date.fromisoformat(found["date"]) and found[rows]
