"""A folder of rated photos: what is read, what is skipped, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from pytools.data import rated_photos


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
    write(folder, "red.png,2", encoding="utf-8-sig")
    assert rated_photos(folder).ratings.tolist() == [2]


def test_missing_and_broken_photos_are_skipped_counted_and_listed(folder):
    write(folder, "red.png,2", "gone.png,4", "broken.jpg,9")
    with pytest.warns(UserWarning, match=r"2 of 3 photos skipped: gone\.png: not there; broken"):
        photos = rated_photos(folder)
    assert len(photos.images) == len(photos.ratings) == 1
    assert photos.skipped == ["gone.png: not there", "broken.jpg: not a readable photo"]


@pytest.mark.parametrize("rating", ["10", "-1", "good", "", "nan", "inf"])
def test_a_rating_out_of_range_names_its_line(folder, rating):
    write(folder, "red.png,2", f"wide.png,{rating}")
    with pytest.raises(ValueError, match=r"line 3: the rating of wide\.png must be a number"):
        rated_photos(folder)


@pytest.mark.parametrize(
    "text, message",
    [
        ("name,score\nred.png,2\n", "must begin with the header file,rating, but begins with name"),
        ("", "begins with nothing"),
        ("file,rating\nred.png\n", "line 2: must be a file and a rating, but is 'red.png'"),
        ("file,rating\n", "names no photo"),
    ],
)
def test_another_table_is_refused(folder, text, message):
    (folder / "ratings.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        rated_photos(folder)


def test_bytes_that_are_no_text_are_refused(folder):
    (folder / "ratings.csv").write_bytes(b"file,rating\nr\xe9d.png,2\n")
    with pytest.raises(ValueError, match="no CSV file in UTF-8"):
        rated_photos(folder)


def test_a_missing_table_and_no_readable_photo(folder):
    with pytest.raises(FileNotFoundError, match=r"ratings\.csv is not there: write a CSV file"):
        rated_photos(folder)
    write(folder, "gone.png,4")
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="no photo that can be read"):
        rated_photos(folder)
