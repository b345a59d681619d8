import pytest
import torch

from urdgn_lite.degrade import downsample, to_float
from urdgn_lite.measure import evaluate
from urdgn_lite.methods.nearest import Nearest


@pytest.fixture(autouse=True)
def _untimed(monkeypatch):
    monkeypatch.setattr(evaluate, "_seconds", lambda *_: 1.0)


@pytest.fixture(scope="module")
def hr(few_faces):
    return to_float(few_faces.images)


def test_a_face_of_the_training_set_is_found_again(hr):
    method = Nearest().fit(hr)
    assert torch.equal(method(downsample(hr)), hr)
    assert method.stages == {"faces": 8, "distance": 0}


def test_distance_counts_not_likeness_of_direction():
    # a dark grey face: by correlation or inner product the white one would be as near, or nearer
    hr = torch.tensor([-0.6, 1.0, -1.0]).view(3, 1, 1, 1).expand(3, 3, 128, 128)
    lr = torch.full((1, 3, 16, 16), -0.75)
    assert Nearest().fit(hr)(lr).unique().item() == pytest.approx(-0.6, abs=1 / 255)


def test_the_nearest_by_brute_force(hr):
    lr = downsample(hr)
    method = Nearest().fit(hr[:6])
    for query in (6, 7):
        nearest = min(range(6), key=lambda i: (lr[i].double() - lr[query]).square().sum())
        assert torch.equal(method(lr[query : query + 1])[0], hr[nearest])


def test_fewer_training_faces_change_the_row(few_faces, hr):
    row, smaller = (evaluate.evaluate(Nearest(faces=n).fit(hr.flip(3)), few_faces) for n in (8, 2))
    assert row["psnr"] > smaller["psnr"] + 0.1
