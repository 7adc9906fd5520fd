"""A folder of rated photos: what is read, what is skipped, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from pytools.data import rated_photos
from pytools.errors import CourseError


@pytest.fixture
def folder(tmp_path):
    """Three photos: red, wide with a green middle, and blue; and a file that is no photo."""
    Image.new("RGB", (40, 40), (255, 0, 0)).save(tmp_path / "red.png")
    wide = Image.new("RGB", (90, 30))
    wide.paste((0, 255, 0), (30, 0, 60, 30))
    wide.save(tmp_path / "wide.png")
    (tmp_path / "more").mkdir()
    Image.new("L", (16, 16), 128).save(tmp_path / "more" / "grey.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no photo")
    return tmp_path


def write(folder, *lines, encoding="utf-8"):
    text = "\n".join(["file,rating", *lines])
    (folder / "ratings.csv").write_text(text + "\n", encoding=encoding)


def test_photos_are_squares_in_the_order_of_the_table(folder):
    write(folder, "wide.png,3", "red.png, 8.5", "", "more/grey.jpg,0")
    images, ratings, skipped = rated_photos(folder, side=16)
    assert images.shape == (3, 3, 16, 16) and images.dtype == np.float32
    assert ratings.tolist() == [3, 8.5, 0] and skipped == []
    np.testing.assert_allclose(images[1, :, 8, 8], [1, 0, 0])
    np.testing.assert_allclose(images[0].mean(axis=(1, 2)), [0, 1, 0], atol=0.1)
    np.testing.assert_allclose(images[2], 128 / 255, atol=0.02)


def test_several_people_are_averaged(folder):
    write(folder, "red.png,2", "wide.png,9", "red.png,5")
    assert rated_photos(folder).ratings.tolist() == [3.5, 9]


def test_a_table_from_a_spreadsheet_with_a_byte_order_mark(folder):
    write(folder, "red.png,2", "wide.png,3", encoding="utf-8-sig")
    assert rated_photos(folder).ratings.tolist() == [2, 3]


def test_missing_and_broken_photos_are_skipped_counted_and_listed(folder):
    write(folder, "red.png,2", "gone.png,4", "broken.jpg,9", "wide.png,3")
    with pytest.warns(UserWarning) as told:
        photos = rated_photos(folder)
    (warning,) = told
    assert str(warning.message) == (
        "photos that can be used: 2; skipped: 2 (gone.png: not there; broken.jpg: not a readable "
        "photo)"
    )
    assert warning.filename == __file__
    assert len(photos.images) == len(photos.ratings) == 2
    assert photos.skipped == ["gone.png: not there", "broken.jpg: not a readable photo"]


@pytest.mark.parametrize("rating", ["10", "-1", "good", "", "nan", "inf"])
def test_a_rating_out_of_range_names_its_line(folder, rating):
    write(folder, "red.png,2", f"wide.png,{rating}")
    message = r"ratings\.csv, line 3: the rating of 'wide\.png' must be a number from 0 to 9, but"
    with pytest.raises(CourseError, match=message):
        rated_photos(folder)


@pytest.mark.parametrize(
    "text, message",
    [
        (
            "name,score\nred.png,2\n",
            "must begin with the header file,rating, but begins with 'name,score'",
        ),
        ("file;rating\nred.png;2\n", "but begins with 'file;rating'"),
        ("", "begins with nothing"),
        ("file,rating\nred.png\n", "line 2: must be a file and a rating, but is 'red.png'"),
        ("file,rating\n,4\n", "line 2: must be a file and a rating, but is ',4'"),
        ('file,rating\n"a\nb.png"\n', r"line 3: must be a file and a rating, but is 'a\\nb\.png'"),
        ('file,rating\n"a\nb.png",x\n', r"line 3: the rating of 'a\\nb\.png' must be a number"),
        ("file,rating\n", "has too few photos that can be used, 0 where 1 are needed: add more$"),
    ],
)
def test_another_table_is_refused_in_one_line(folder, text, message):
    (folder / "ratings.csv").write_text(text)
    with pytest.raises(CourseError, match=message) as caught:
        rated_photos(folder)
    assert str(folder / "ratings.csv") in str(caught.value) and "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_refused(folder):
    (folder / "ratings.csv").write_bytes(b"file,rating\nr\xe9d.png,2\n")
    with pytest.raises(CourseError, match=r"ratings\.csv is no CSV file in UTF-8"):
        rated_photos(folder)
    (folder / "ratings.csv").unlink()
    (folder / "ratings.csv").mkdir()
    with pytest.raises(CourseError, match=r"ratings\.csv can't be read: Is a directory"):
        rated_photos(folder)


@pytest.mark.parametrize("name", ["", "no folder", "red.png", "~no one/photos"])
def test_a_missing_table_says_what_to_write(folder, name):
    message = (
        r"ratings\.csv is not there: write a CSV file with the header file,rating and a line for "
        "each photo$"
    )
    with pytest.raises(CourseError, match=message):
        rated_photos(name if name.startswith("~") else folder / name)


def test_too_few_photos_are_told_with_numbers_and_reasons_and_nothing_else(folder, recwarn):
    write(folder, "red.png,2", "wide.png,3", '"go\nne.png",4', *[f"{n}.png,1" for n in range(6)])
    with pytest.raises(CourseError) as caught:
        rated_photos(folder, least=20)
    assert str(caught.value) == (
        f"{folder / 'ratings.csv'} has too few photos that can be used, 2 where 20 are needed: add "
        "more; skipped: go ne.png: not there; 0.png: not there; 1.png: not there; 2.png: not "
        "there; 3.png: not there; and 2 more"
    )
    assert not recwarn
    with pytest.warns(UserWarning, match="photos that can be used: 2; skipped: 7"):
        assert len(rated_photos(folder, least=2).images) == 2


@pytest.mark.parametrize("lines", [("red.png,2.5",), ("red.png,1", "red.png,4", "wide.png,2.5")])
def test_equal_ratings_are_refused(folder, lines):
    write(folder, *lines)
    message = r"ratings\.csv: every photo is rated 2\.5, so that there is nothing to learn: add"
    with pytest.raises(CourseError, match=message) as caught:
        rated_photos(folder)
    assert "\n" not in str(caught.value)
