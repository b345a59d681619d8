"""Shards: a set larger than memory, behind the interface of all other faces."""

import io
import os
import subprocess
import sys
import tarfile

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from urdgn_lite import cli, faces, presets
from urdgn_lite.faces import FacesError, Shards
from urdgn_lite.faces.files import folder
from urdgn_lite.train import train

SMOKE = presets.get("smoke")


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Forty faces, each of one colour of its own, in a folder."""
    top = tmp_path_factory.mktemp("people")
    for i in range(40):
        Image.new("RGB", (128, 128), (i * 6, 0, 0)).save(top / f"{i:03d}.png")
    return top


@pytest.fixture(scope="module")
def packed(people):
    """The same as shards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("urdgn_lite.faces.shards.EACH", 15)
        faces.write_shards(people, people.parent / "shards")
    return people.parent / "shards"


def colours(images):
    return [int(image[0, 0, 0]) for image in images]


def weights(run):
    return torch.cat([theta.flatten() for theta in run.G.state_dict().values()])


def test_shards_hold_the_faces_of_their_source_bit_for_bit(people, packed):
    for split in faces.SPLITS:
        known, found = faces.load(people, split), faces.load(packed, split)
        assert sorted(colours(found.images)) == sorted(colours(known.images))
        assert {n.removesuffix(".png") for n in found.names} == {
            n.removesuffix(".png") for n in known.names
        }
        assert len(Shards(packed, split)) == len(known)
    assert sorted(p.name for p in packed.iterdir()) == [
        "test-000000.tar",
        "train-000000.tar",
        "train-000001.tar",
        "train-000002.tar",
        "val-000000.tar",
    ]


def test_an_epoch_gives_every_face_once_and_each_its_own_order(packed):
    some = Shards(packed, "train")
    first, second = (
        [
            c
            for k in range(0, len(some), 4)
            if k + 4 <= len(some)
            for c in colours(some.draw(seed, k, 4))
        ]
        for seed in (0, 1)
    )
    assert len(set(first)) == len(first) == len(some) // 4 * 4
    assert first != second != sorted(second)


def test_the_same_seed_gives_the_same_faces_from_any_place(packed):
    a, b = Shards(packed, "train"), Shards(packed, "train")
    whole = [a.draw(3, place, 4) for place in range(0, 12, 4)]
    assert torch.equal(b.draw(3, 8, 4), whole[2])
    assert torch.equal(b.draw(3, 0, 4), whole[0])


def test_a_streamed_run_goes_on_bit_for_bit(packed, tmp_path):
    val = faces.load(packed, "val")
    whole = train(SMOKE, Shards(packed, "train"), val, steps=14)
    out = tmp_path / "run"
    part = train(SMOKE, Shards(packed, "train"), val, steps=14, out=out, minutes=0)
    assert part.step == 1
    rest = train(SMOKE, Shards(packed, "train"), val, steps=14, out=out, resume=True)
    assert torch.equal(weights(rest), weights(whole))


def test_another_set_is_not_resumed(packed, people, tmp_path):
    train(SMOKE, Shards(packed, "train"), out=tmp_path, minutes=0)
    with pytest.raises(ValueError, match="another set of faces"):
        train(SMOKE, Shards(packed, "all"), out=tmp_path, resume=True)


def test_the_command_line_packs_and_trains(people, tmp_path):
    run, out = CliRunner(), tmp_path / "made"
    told = run.invoke(cli.app, ["shards", str(people), "--out", str(out)])
    assert told.exit_code == 0
    assert "36 faces in train, 2 faces in val, 2 faces in test" in told.output
    told = run.invoke(cli.app, ["train", "--preset", "smoke", "--faces", str(out),
                                "--out", str(tmp_path / "run"), "--steps", "2"])  # fmt: skip
    assert (told.exit_code, "done: step 2" in told.output) == (0, True), told.output
    again = run.invoke(cli.app, ["shards", str(people), "--out", str(out)])
    assert again.exit_code == 1
    assert "exists: choose another folder" in again.output


def test_what_stands_beside_a_face_in_a_shard_is_passed_over(people, tmp_path):
    with tarfile.open(tmp_path / "train-0.tar", "w") as shard:
        for name in folder(people):
            shard.add(people / name, name)
            for beside in (f"{name[:-4]}.json", f"__MACOSX/{name}", f"._{name}"):
                shard.addfile(tarfile.TarInfo(beside), io.BytesIO())
    some = faces.stream(tmp_path, "train")
    assert len(some) == 40
    assert sorted(colours(some.draw(0, 0, 40))) == [6 * i for i in range(40)]


def test_the_command_line_looks_at_shards_without_loading_them(packed, tmp_path, monkeypatch):
    monkeypatch.setattr(Shards, "resident", None)
    told = CliRunner().invoke(cli.app, ["faces", str(packed)])
    assert (told.exit_code, "40 faces in 5 shards" in told.output) == (0, True), told.output


def cut(shard):
    shard.write_bytes(shard.read_bytes()[:-9_000])


def cut_between_files(shard):
    with tarfile.open(shard) as tar:
        end = tar.getmembers()[3].offset
    shard.write_bytes(shard.read_bytes()[:end])


def text(shard):
    shard.write_text("<html>Quota exceeded</html>" * 99)


@pytest.mark.parametrize("damage", [cut, cut_between_files, text])
def test_a_damaged_shard_is_refused_by_name_before_training(packed, tmp_path, damage):
    for path in packed.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    damage(tmp_path / "train-000001.tar")
    with pytest.raises(FacesError, match=r"train-000001\.tar: a damaged shard"):
        faces.stream(tmp_path, "train")
    assert len(faces.stream(tmp_path, "test")) == 2


def test_a_damaged_face_stops_the_run_and_is_named(packed, tmp_path):
    data = bytearray((packed / "train-000000.tar").read_bytes())
    data[700:740] = bytes(40)
    (tmp_path / "train-000000.tar").write_bytes(data)
    some = Shards(tmp_path, "train")
    with pytest.raises(FacesError, match=r"train-000000\.tar/\d+\.png: damaged image"):
        some.draw(0, 0, len(some))


def test_shards_that_change_while_they_are_read_are_noticed(packed, tmp_path):
    for name in ("train-000000.tar", "train-000001.tar"):
        (tmp_path / name).write_bytes((packed / name).read_bytes())
    some = Shards(tmp_path, "train")
    (tmp_path / name).write_bytes((packed / "val-000000.tar").read_bytes())
    with pytest.raises(FacesError, match="changed while they were read"):
        some.draw(0, 0, len(some))


def test_a_split_that_is_not_there_is_said(packed, tmp_path):
    (tmp_path / "train-0.tar").write_bytes((packed / "train-000000.tar").read_bytes())
    with pytest.raises(FacesError, match="no files for split 'val'"):
        faces.load(tmp_path, "val")


def test_nothing_is_left_of_shards_that_could_not_be_written(people, tmp_path, monkeypatch):
    def full(self, sample):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("webdataset.ShardWriter.write", full)
    with pytest.raises(OSError, match="No space left"):
        faces.write_shards(people, tmp_path / "100%" / "made")
    assert list((tmp_path / "100%").iterdir()) == []


CONFINED = """
import resource, sys
from urdgn_lite import faces, presets
from urdgn_lite.train import train
train(presets.get("smoke"), faces.load("imaginary", limit=8), steps=2)  # libraries are loaded
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + 40 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    faces.load(sys.argv[1], "train")
except ValueError as error:
    print(error)
some = faces.stream(sys.argv[1], "train")
train(presets.get("smoke").but(batch=8), some, steps=len(some) // 8)
print(len(some) * 3 * 128 * 128 // 2**20)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs Linux")
def test_a_set_of_several_times_the_memory_streams(people, packed, tmp_path):
    """Links make 15 faces 2,400: 112 MiB, where 40 are free."""
    for i in range(160):
        os.link(packed / "train-000000.tar", tmp_path / f"train-{i:06d}.tar")
    told = subprocess.run(
        [sys.executable, "-c", CONFINED, str(tmp_path)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert told[0].startswith(f"{tmp_path.name}: 2400 faces take 0.1 GiB of memory, more than")
    assert told[1] == "112"
