from dataclasses import dataclass

import pytest
import torch
from safetensors.torch import save_file

from urdgn_lite import methods
from urdgn_lite.degrade import downsample, to_float
from urdgn_lite.methods import base


@dataclass
class Offset(base.Learnt):
    """Bicubic enlargement plus the mean face."""

    strength: float = 1.0

    def fit(self, hr):
        self.arrays = {"mean": hr.mean(0), "view": hr[0, :, ::2, ::2]}
        self.stages = {"faces": len(hr)}
        return self

    def __call__(self, lr):
        return self.learnt("mean") * self.strength + lr.mean((2, 3), keepdim=True)


@pytest.fixture
def hr():
    return torch.rand(5, 3, 128, 128) * 2 - 1


def test_what_was_saved_is_what_comes_back(tmp_path, hr):
    method = Offset(strength=0.5).fit(hr)
    method.save(tmp_path / "new" / "offset.safetensors")
    back = Offset.load(tmp_path / "new" / "offset.safetensors")
    assert back == method == Offset(strength=0.5)
    assert back.stages == {"faces": 5}
    lr = torch.rand(2, 3, 16, 16)
    assert torch.equal(back(lr), method(lr))
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["offset.safetensors"]


def test_an_unfitted_method_neither_enlarges_nor_is_saved(tmp_path):
    with pytest.raises(ValueError, match=r"Offset has learnt nothing yet: call fit\(hr\) first"):
        Offset()(torch.zeros(1, 3, 16, 16))
    with pytest.raises(ValueError, match="learnt nothing yet"):
        Offset().save(tmp_path / "offset.safetensors")
    assert not list(tmp_path.iterdir())


def test_two_methods_share_no_state(hr):
    Offset().fit(hr)
    assert Offset().arrays == Offset().stages == {}


@pytest.mark.parametrize(
    "about",
    [
        {},
        {"about": "not json"},
        {"about": "[]"},
        {"about": '{"method": "Other", "settings": {}, "stages": {}}'},
        {"about": '{"method": "Offset", "settings": {"colour": 1}, "stages": {}}'},
        {"about": '{"method": "Offset", "settings": {}}'},
    ],
)
def test_a_file_of_something_else_is_refused_by_name(tmp_path, about):
    path = tmp_path / "file.safetensors"
    save_file({"mean": torch.zeros(1)}, path, about or None)
    with pytest.raises(ValueError, match=r"file\.safetensors: not a fitted Offset"):
        Offset.load(path)


def test_a_cut_or_missing_file_is_refused(tmp_path, hr):
    path = tmp_path / "offset.safetensors"
    Offset().fit(hr).save(path)
    path.write_bytes(path.read_bytes()[:-100])
    for damaged in (path, tmp_path / "none.safetensors"):
        with pytest.raises(ValueError, match="not a fitted Offset"):
            Offset.load(damaged)


def test_a_subset_is_spread_over_the_whole_list():
    hr = torch.arange(10.0).view(10, 1, 1, 1).expand(10, 3, 128, 128)
    assert base.spread(hr, 4)[:, 0, 0, 0].tolist() == [0, 2, 5, 7]
    for many in (10, 99):
        assert base.spread(hr, many) is hr


def test_a_subset_of_what_are_not_faces_or_too_few_is_refused(hr):
    for wrong in (hr[0], hr[:, :1], hr[..., :64]):
        with pytest.raises(ValueError, match=r"HR faces are \(n, 3, 128, 128\), not \("):
            base.spread(wrong, 5)
    for few, number in ((hr[:1], 5), (hr, 1), (hr[:0], 5)):
        with pytest.raises(ValueError, match=r"at least 2 are needed"):
            base.spread(few, number)


def test_luma_is_that_of_jpeg_and_the_way_back_is_exact():
    white, red = torch.ones(1, 3, 1, 1), torch.tensor([1.0, -1, -1]).view(1, 3, 1, 1)
    luma, chroma = base.luma_and_chroma(white)
    assert luma.item() == pytest.approx(1)
    assert chroma.abs().max() < 1e-6
    luma, chroma = base.luma_and_chroma(red)
    assert luma.item() == pytest.approx(2 * 0.299 - 1)
    assert chroma[0, 1].item() == pytest.approx(1)
    images = torch.rand(2, 3, 4, 5) * 2 - 1
    assert torch.allclose(base.to_rgb(*base.luma_and_chroma(images)), images, atol=1e-6)


LEARNT = [name for name in methods.REGISTRY if name != "bicubic"]


def fresh(name):
    """An unfitted method; of the dictionaries a small one, since six faces have few patches."""
    return (
        methods.yang2010.Yang2010(atoms=32, patches=40) if name == "yang2010" else methods.get(name)
    )


@pytest.mark.parametrize("name", LEARNT)
def test_the_registry_gives_unfitted_methods_that_say_so(name):
    method = methods.get(name)
    assert isinstance(method, base.Learnt)
    assert method is not methods.get(name)
    with pytest.raises(ValueError, match=f"{type(method).__name__} has learnt nothing.*call fit"):
        method(torch.zeros(1, 3, 16, 16))


@pytest.mark.parametrize("name", LEARNT)
def test_fitted_methods_keep_the_protocol(name, few_faces, tmp_path):
    hr = to_float(few_faces.images)
    given = hr.clone()
    method = fresh(name).fit(hr[:6])
    lr = downsample(hr[4:])
    small = lr.clone()
    generated = method(lr)
    assert torch.equal(lr, small)
    assert generated.shape == (4, 3, 128, 128)
    assert generated.dtype == torch.float32
    assert generated.abs().max() < 3, "six faces are few to extrapolate from"
    assert torch.equal(hr, given), "the faces belong to the caller"
    assert torch.allclose(method(lr[2:3]), generated[2:3], atol=1e-4)
    assert torch.equal(fresh(name).fit(hr[:6])(lr), generated), "the same again"
    method.save(tmp_path / "kept.safetensors")
    back = type(method).load(tmp_path / "kept.safetensors")
    assert torch.allclose(back(lr), generated, atol=1e-4)
    assert all(isinstance(value, (int, float)) for value in method.stages.values())
