"""What the csv beside the faces says of them, and who they show."""

from dataclasses import replace

import pytest

from urdgn_lite import faces
from urdgn_lite.faces import FacesError


@pytest.fixture
def table(tmp_path, monkeypatch, few_faces):
    names = [name.rpartition("/")[2] for name in few_faces.names]
    lines = [f"{name},{i // 2},{i / 10}" for i, name in enumerate(names)]
    path = tmp_path / "imaginary.csv"
    path.write_text("\n".join(["file,identity,yaw", *lines]) + "\n")
    monkeypatch.setenv("URDGN_FACES", str(tmp_path))
    return path


PAIRS = ["0", "0", "1", "1", "2", "2", "3", "3"]


def test_a_column_is_read_beside_the_faces(table, few_faces):
    assert few_faces.people() == few_faces.about("identity") == PAIRS
    assert few_faces.about("yaw")[:3] == ["0.0", "0.1", "0.2"]


def test_values_stand_in_the_order_of_the_faces(table, few_faces):
    head, *lines = table.read_text().splitlines()
    table.write_text("\n".join([head, *reversed(lines)]))
    assert few_faces.people() == PAIRS


def test_faces_are_found_by_the_names_of_files_whatever_folder_the_table_puts_them_in(
    table, few_faces
):
    head, *lines = table.read_text().splitlines()
    table.write_text("\n".join([head, *(f"test/{line}" for line in lines)]))
    assert few_faces.people() == PAIRS


def test_a_part_of_a_source_has_its_table_unless_it_has_its_own(table, few_faces, tmp_path):
    loose = replace(few_faces, source="imaginary-test-unaligned")
    assert loose.people() == PAIRS
    (tmp_path / "imaginary-test.csv").write_text("file,identity\nelse.webp,7\n")
    with pytest.raises(FacesError, match=r"imaginary-test.csv has no identity of"):
        loose.about("identity")


@pytest.mark.parametrize("text", ["file,identity\nelse.webp,7\n", "file,yaw\n", ""])
def test_a_table_that_misses_a_face_is_no_table(table, few_faces, text):
    table.write_text(text)
    with pytest.raises(FacesError, match=r"imaginary.csv has no identity of"):
        few_faces.about("identity")
    assert len(set(few_faces.people())) == 8


def test_without_a_table_everybody_is_a_person_of_their_own(monkeypatch, tmp_path, few_faces):
    for folder in (str(tmp_path), None):
        if folder:
            monkeypatch.setenv("URDGN_FACES", folder)
        else:
            monkeypatch.delenv("URDGN_FACES")
        with pytest.raises(FacesError, match=r"no table mine\.csv in the folder URDGN_FACES"):
            replace(few_faces, source="mine").about("yaw")
        assert len(set(few_faces.people())) == 8


def test_the_bundled_faces_have_their_eyes_in_a_table_of_their_own(few_faces):
    assert all(30 < float(x) < 60 for x in few_faces.about("left_eye_x"))


def test_500_test_faces_are_of_31_people(development_faces):
    aligned = faces.load("celeba128", "test")
    loose = faces.load("celeba128-test-unaligned", "test")
    assert len(set(aligned.people())) == 31
    assert [name.rpartition("/")[2] for name in aligned.names] == loose.names
    assert aligned.people() == loose.people()
