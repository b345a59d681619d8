"""The tool that counts whom a face recogniser finds before and after G."""

import json

import enhance
import pytest
import torch
from torch.nn.functional import adaptive_avg_pool2d

from urdgn_lite import faces
from urdgn_lite.measure.evaluate import ledger


def coarse(h):
    """A recogniser that sees 8 × 16 grey places."""
    return adaptive_avg_pool2d(h.mean(1, keepdim=True), (8, 16)).flatten(1)


@pytest.fixture
def pairs(monkeypatch):
    """Three people in two photographs each."""
    one = faces.load("imaginary", "test", limit=3)
    images = one.images.repeat_interleave(2, 0)
    images[1::2] = images[1::2].clamp(max=250)  # another photograph of the same
    some = faces.Faces(images, [str(i) for i in range(6)], one.source, one.split)
    monkeypatch.setattr(enhance, "embed", coarse)
    return some


def test_who_can_be_told_apart_is_found_in_every_way(pairs):
    found = enhance.count(pairs, list("aabbcc"), ("bicubic",))
    assert found["original"]["sharp"] == 1
    assert found["bicubic"]["sharp"] == found["bicubic"]["alike"] == 1


def test_a_gallery_without_the_right_person_is_a_failure(pairs):
    found = enhance.count(pairs, list("abcdef"), ("bicubic",))
    assert found["original"]["sharp"] == found["bicubic"]["sharp"] == 0


def test_a_method_that_answers_one_face_for_all_finds_no_more_than_chance(pairs, monkeypatch):
    def one_face(lr):
        return torch.zeros(len(lr), 3, 128, 128)

    monkeypatch.setattr(enhance.methods, "get", lambda name: one_face)
    found = enhance.count(pairs, list("aabbcc"), ("constant",))["constant"]
    assert max(found["sharp"], found["alike"]) <= 0.5


def test_the_ledger_says_what_chapter_11_reads_from_it():
    found = json.loads((ledger() / "enhance.json").read_text())["rank1"]
    assert found["bicubic"]["sharp_interval"][1] < found["residual"]["sharp_interval"][0]
    assert found["residual"]["sharp_interval"][1] < found["original"]["sharp_interval"][0]
