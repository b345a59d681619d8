"""Embeddings need dlib, an optional extra; what is computed from them does not."""

import math
from collections import Counter
from importlib.util import find_spec

import pytest
import torch

from urdgn_lite import faces
from urdgn_lite.degrade import downsample, to_float, to_uint8, upsample_bicubic
from urdgn_lite.measure import identity
from urdgn_lite.measure.identity import CHIP_EYES, chip, cosine, embed, rank1
from urdgn_lite.measure.metrics import MetricUnavailableError


def vectors(*degrees, length=1.0):
    """Directions in the plane of the first two of the 128 numbers."""
    found = torch.zeros(len(degrees), 128)
    angles = [math.radians(d) for d in degrees]
    found[:, 0] = torch.tensor([length * math.cos(a) for a in angles])
    found[:, 1] = torch.tensor([length * math.sin(a) for a in angles])
    return found


def test_cosine_is_that_of_the_angle_whatever_the_lengths():
    found = cosine(vectors(0, 0, 30, 10), vectors(60, 90, 30, 190, length=7))
    assert found.tolist() == pytest.approx([0.5, 0, 1, -1], abs=1e-6)


def test_rank1_asks_for_the_person_of_the_nearest_other_photograph():
    real = vectors(0, 10, 90, 100)
    generated = vectors(2, 60, 91, 40)  # nearest others: 10 (a), 90 (b), 100 (b), 10 (a)
    assert rank1(generated, real, ["a", "a", "b", "b"]).tolist() == [True, False, True, False]


def test_rank1_never_finds_the_photograph_that_the_result_was_made_from():
    real = vectors(0, 90, 5, 95)
    assert not rank1(real, real, ["a", "a", "b", "b"]).any()  # with its own: all right
    assert rank1(real, real, ["a", "b", "a", "b"]).all()


def test_rank1_looks_for_real_faces_not_for_other_results():
    real = vectors(0, 10, 90, 100)
    swapped = real[[2, 3, 0, 1]]  # the results of each person agree, and show the other one
    assert not rank1(swapped, real, ["a", "a", "b", "b"]).any()


def test_rank1_compares_angles_not_lengths():
    real = vectors(0, 10, 80)
    real[2] *= 100  # the largest product with everything
    assert rank1(real, real, ["a", "a", "b"]).tolist() == [True, True, False]


def test_who_is_seen_once_cannot_be_found():
    real = vectors(0, 1, 2)
    assert not rank1(real, real, ["a", "b", "c"]).any()


def test_rank1_wants_one_name_a_face():
    with pytest.raises(ValueError, match="2, 2, 1: one of each a face"):
        rank1(vectors(0, 1), vectors(0, 1), ["a"])


def test_the_chip_puts_the_eyes_where_dlib_expects_them():
    face = torch.full((1, 3, 128, 128), -1.0)
    for x, y in faces.EYES:
        face[:, :, int(y), int(x)] = 1
    dots = (chip(face)[0, 0] + 1).clamp(min=0)
    u, v = torch.arange(150.0), torch.arange(150.0)[:, None]
    for side, (x, y) in zip((slice(0, 75), slice(75, 150)), CHIP_EYES, strict=True):
        mass = dots[:, side]
        assert ((mass * u[side]).sum() / mass.sum()).item() == pytest.approx(x, abs=0.15)
        assert ((mass * v).sum() / mass.sum()).item() == pytest.approx(y, abs=0.15)


def test_a_chip_is_made_of_the_8_bit_face_and_repeats_the_edge():
    rows = torch.linspace(-1.2, 1.2, 128).view(1, 1, 128, 1).expand(1, 3, 128, 128)
    found = chip(rows)
    assert torch.equal(found, chip(to_float(to_uint8(rows))))
    assert torch.allclose(found[..., -3:, :], torch.tensor(1.0), atol=0.02)


# With the extra, or without


@pytest.fixture
def dlib():
    if not (find_spec("dlib") and find_spec("face_recognition_models")):
        pytest.skip("needs dlib: pip install 'urdgn_lite[identity]'")


def test_a_result_is_like_its_face_and_less_like_others(dlib, few_faces):
    real = to_float(few_faces.images[:4])
    r, g = embed(real), embed(upsample_bicubic(downsample(real)))
    assert r.shape == g.shape == (4, 128)
    assert torch.equal(embed(real[2:3])[0], r[2])
    own, others = cosine(g, r), cosine(g, r.roll(1, 0))
    assert own.mean() > others.mean() + 0.02
    assert others.mean() > 0.7  # the direction that all embeddings share
    assert torch.allclose(cosine(r, r), torch.ones(4))


def test_photographs_of_one_person_find_each_other(dlib, development_faces):
    found = faces.load("celeba128", "test", limit=100)
    who = found.people()
    often = [name for name, _ in Counter(who).most_common(3)]
    chosen = [i for name in often for i in [j for j, one in enumerate(who) if one == name][:4]]
    r = embed(to_float(found.images[chosen]))
    assert rank1(r, r, [who[i] for i in chosen]).float().mean() > 0.9


def test_without_dlib_the_reason_and_the_remedy_are_told(monkeypatch, few_faces):
    identity._network.cache_clear()
    monkeypatch.setattr(identity, "find_spec", lambda name: None)
    with pytest.raises(MetricUnavailableError, match=r"urdgn_lite\[identity\]"):
        embed(to_float(few_faces.images[:1]))
    identity._network.cache_clear()
