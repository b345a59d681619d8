"""The live component in a real browser: its pixels are torch's, controls work, nothing leaks."""

import io
import re
import shutil
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import CHROMIUM, serve
from bs4 import BeautifulSoup
from PIL import Image
from test_pages import BY_LOOKS, violations

from urdgn_lite import degrade, zoo
from urdgn_lite.degrade import to_float, to_uint8
from urdgn_lite.measure import damages, metrics

sys.path.insert(0, str(Path(__file__).parents[1] / "tools/sphinx"))
import play

HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Play</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<link rel="stylesheet" href="_static/play/play.css">
<style>:root {color-scheme: light dark; background: Canvas}
body {max-width: 688px; margin: auto}</style>
<script type="module" src="_static/play/start.js"></script><body><main><h1>Play</h1>"""
STILL = '<img alt="a still" src="_static/play/faces/0.webp">'
EVERYTHING = (
    f'<div class="play" data-network="residual-s" data-open="photo lambda damage">{STILL}</div>'
)
FIRST = sorted({about["network"] for _, _, about in play.PLACES if "network" in about})
PIXELS = """(selector) => {
  const canvas = document.querySelector(selector), n = canvas.width;
  const all = canvas.getContext('2d').getImageData(0, 0, n, canvas.height).data;
  return [...all].filter((_, i) => i % 4 < 3);
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Address of a small page with the component, all that it loads beside it."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(play.ASSETS, folder / "_static/play")
    play.publish(folder / "_static/play")
    (folder / "index.html").write_text(HEAD + EVERYTHING)
    for name in FIRST:
        place = f'<div class="play" data-network="{name}" data-open="damage">{STILL}</div>'
        (folder / f"{name}.html").write_text(HEAD + place)
    for kind in ("toy", "eyes"):
        place = f'<div class="play" data-kind="{kind}">{STILL}</div>'
        (folder / f"{kind}.html").write_text(HEAD + place)
    address, server = serve(folder)
    yield address
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def touched(site, visits):
    """A page where the component has been touched and has drawn."""
    page = visits(f"{site}/index.html")
    page.click(".play > button")
    settled(page, 1)
    return page


@pytest.fixture
def live(touched):
    """That page as it was at the start: the first face, `residual-s`, no damage."""
    n = drawn(touched)
    touched.evaluate(
        """() => {
          const press = (text) => [...document.querySelectorAll('button')].find((button) =>
            [button.textContent, button.ariaLabel].includes(text)).click();
          const network = document.querySelector('select');
          press('undo all damage');
          press('imaginary face 1');
          network.value = 'residual-s';
          network.dispatchEvent(new Event('change'));
        }"""
    )
    settled(touched, n + 1)
    return touched


def settled(page, drawn):
    """Wait until it has drawn so often, and is at rest."""
    page.wait_for_function(
        "n => { const box = document.querySelector('.play-box'); return box && "
        "box.dataset.drawn >= n && box.getAttribute('aria-busy') === 'false'; }",
        arg=drawn,
    )


def drawn(page):
    return int(page.locator(".play-box").get_attribute("data-drawn"))


def pixels(page, panel, part="canvas:first-of-type"):
    values = np.array(page.evaluate(PIXELS, f"[data-panel={panel}] {part}"), np.uint8)
    side = round((len(values) / 3) ** 0.5)
    return values.reshape(side, side, 3) if "first" in part else values


def tensor(array):
    return to_float(torch.from_numpy(np.array(array)).permute(2, 0, 1)[None])


def array(images):
    return to_uint8(images)[0].permute(1, 2, 0).numpy()


def change(page, name, value):
    """Move a slider to a place, as a key would."""
    before = drawn(page)
    page.evaluate(
        "([name, value]) => { const input = document.querySelector(`[data-name='${name}']`);"
        "input.value = value; input.dispatchEvent(new Event('input')); }",
        [name, value],
    )
    settled(page, before + 1)


def off(a, b):
    return np.abs(a.astype(int) - b.astype(int)).max()


# Pixels


@pytest.mark.parametrize("name", play.NETWORKS)
def test_a_network_of_the_page_is_the_one_of_torch(name, touched, few_faces):
    lr = degrade.downsample(to_float(few_faces.images[:2]))
    answers = touched.evaluate(
        """async ([name, faces]) => {
          const im = await import('./_static/play/image.js');
          const { generator, runtime } = await import('./_static/play/runtime.js');
          await runtime("wasm");
          const G = await generator(name);
          return Promise.all(faces.map(async (bytes) => {
            const lr = im.toFloat(bytes), bicubic = im.resize(lr, 128);
            return [await G(lr, bicubic), bicubic].map((face) => [...im.toBytes(face)]);
          }));
        }""",
        [name, [array(one[None]).flatten().tolist() for one in lr]],
    )
    with torch.no_grad():
        results = zoo.load(name)(lr)
    for one, result, (ours, bicubic) in zip(lr, results, answers, strict=True):
        shape = (128, 128, 3)
        assert off(np.array(ours).reshape(shape), array(result[None])) <= 1
        expected = array(degrade.upsample_bicubic(one[None]))
        assert off(np.array(bicubic).reshape(shape), expected) <= 1


def test_with_a_graphics_card_it_is_webgpu_and_the_same_within_a_grey_level(site, browser):
    """Where none is, Chromium plays one by software; that it does is hidden from the page."""
    chromium = browser.browser_type.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--enable-unsafe-webgpu"]
    )
    page = chromium.new_page()
    page.add_init_script(
        "Object.defineProperty(GPUAdapterInfo.prototype, 'isFallbackAdapter', { get: () => false })"
    )
    page.goto(f"{site}/residual-s-gan.html")
    page.click(".play > button")
    settled(page, 1)
    assert "WebGPU" in page.locator(".foot").inner_text()
    lr = tensor(pixels(page, "input"))
    with torch.no_grad():
        result = zoo.load("residual-s-gan")(lr)
    assert off(pixels(page, "result"), array(result)) <= 1
    chromium.close()


DAMAGES = {
    "downsample": ("", degrade.downsample),
    "shift": ("5, -11", lambda h: damages.shift(h, 5, -11)),
    "rotate": ("30", lambda h: damages.rotate(h, 30)),
    "blur": ("3", lambda h: damages.blur(h, 3)),
    "relight": ("0.6, -0.3", lambda h: damages.relight(h, 0.6, -0.3)),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damage_of_the_page_is_the_one_of_torch(name, touched, few_faces):
    arguments, damage = DAMAGES[name]
    h = to_float(few_faces.images[:1])
    answer = touched.evaluate(
        f"""async (bytes) => {{
          const im = await import('./_static/play/image.js');
          return [...im.toBytes(im.{name}(im.toFloat(bytes), {arguments}))];
        }}""".replace(", )", ")"),
        array(h).flatten().tolist(),
    )
    expected = array(damage(h))
    assert off(np.array(answer).reshape(expected.shape), expected) <= 1


def test_what_is_drawn_is_the_face_through_the_network(live):
    original = pixels(live, "original")
    lr = degrade.downsample(tensor(original))
    assert off(pixels(live, "input"), array(lr)) <= 1
    lr = tensor(pixels(live, "input"))
    with torch.no_grad():
        result = zoo.load("residual-s")(lr).clamp(-1, 1)
    assert off(pixels(live, "result"), array(result)) <= 1
    h, bicubic = tensor(original), degrade.upsample_bicubic(lr).clamp(-1, 1)
    gain = (metrics.psnr(result, h) - metrics.psnr(bicubic, h)).item()
    assert f"gain over bicubic {gain:+.1f} dB" in live.locator(".numbers").inner_text()
    consistency = metrics.lr_consistency(result, lr).item()
    assert f"to {consistency:.0f} dB" in live.locator(".numbers").inner_text()


# Controls


@pytest.mark.parametrize(
    ("name", "value"),
    [("right", 12), ("down", 4), ("turn", 13), ("blur", 4), ("noise", 4), ("light", 1),
     ("side", 6), ("cover", 4)],
)  # fmt: skip
def test_a_damage_changes_input_and_result(live, name, value):
    before = pixels(live, "input"), pixels(live, "result")
    change(live, name, value)
    assert off(pixels(live, "input"), before[0]) > 5
    assert off(pixels(live, "result"), before[1]) > 5
    n = drawn(live)
    live.get_by_role("button", name="undo all damage").click()
    settled(live, n + 1)
    assert off(pixels(live, "result"), before[1]) == 0


@pytest.mark.parametrize("name", ["cover x", "cover y"])
def test_the_cover_moves(live, name):
    change(live, "cover", 4)
    before = pixels(live, "input")
    assert (before[6:10, 6:10] == 0).all()
    change(live, name, 0)
    after = pixels(live, "input")
    assert (after[6:10, 0:4] if name == "cover x" else after[0:4, 6:10]).max() == 0
    assert "outside of what is hidden" in live.locator(".numbers").inner_text()


def test_each_lambda_is_a_network_of_its_own(live):
    seen = []
    for place in range(7):
        change(live, "λ", (place + 4) % 7)
        seen.append(pixels(live, "result"))
    assert all(off(a, b) > 5 for i, a in enumerate(seen) for b in seen[:i])
    assert live.locator("select").input_value() == "lite-gan"


def test_each_network_can_be_chosen(live):
    seen = []
    for name in (*sorted(set(play.NETWORKS) - set(play.SWEEP) - {"residual-s"}), "residual-s"):
        before = drawn(live)
        live.select_option("select", name)
        settled(live, before + 1)
        seen.append(pixels(live, "result"))
        assert live.locator(".numbers").inner_text().startswith(name + ":")
    assert all(off(a, b) > 5 for i, a in enumerate(seen) for b in seen[:i])


def test_the_divider_uncovers_the_result(live):
    change_without_drawing = (
        "v => { const d = document.querySelector('[data-name=divider]'); d.value = v;"
        "d.dispatchEvent(new Event('input')); }"
    )
    live.evaluate(change_without_drawing, 20)
    top = live.locator(".stack canvas").nth(1)
    assert top.evaluate("c => getComputedStyle(c).clipPath").startswith("inset(0px 0px 0px 20%")


def test_another_face_can_be_chosen(live):
    before, n = pixels(live, "original"), drawn(live)
    live.get_by_role("button", name="imaginary face 3").click()
    settled(live, n + 1)
    assert off(pixels(live, "original"), before) > 20


def test_a_finger_that_scrolls_over_the_input_does_not_paint(live):
    canvas = live.locator("[data-panel=input] canvas").first
    canvas.scroll_into_view_if_needed()
    before, box = pixels(live, "input"), canvas.bounding_box()
    fingers, x, y = live.context.new_cdp_session(live), box["x"] + 40, box["y"] + 100
    places = [[{"x": x, "y": y - 30 * i}] for i in range(4)]
    for i, place in enumerate([*places, []]):
        kind = "touchEnd" if not place else "touchMove" if i else "touchStart"
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": place})
    assert off(pixels(live, "input"), before) == 0


def test_the_input_can_be_painted_on_by_mouse_and_by_keys(live):
    canvas = live.locator("[data-panel=input] canvas").first
    before, n = pixels(live, "result"), drawn(live)
    box = canvas.bounding_box()
    canvas.click(position={"x": box["width"] * 8.5 / 16, "y": box["height"] * 10.5 / 16})
    settled(live, n + 1)
    assert (pixels(live, "input")[10, 8] == 0).all()
    assert off(pixels(live, "result"), before) > 5
    canvas.focus()
    for key in ("ArrowRight", "ArrowDown", " "):
        live.keyboard.press(key)
    settled(live, n + 2)
    assert (pixels(live, "input")[1, 1] == 0).all()


# Own photo


def jpeg(image, **options):
    image.save(buffer := io.BytesIO(), options.pop("format", "JPEG"), **options)
    return buffer.getvalue()


@pytest.fixture
def photo(few_faces):
    """A face within a larger picture: its eyes at one third of the way down."""
    face = Image.fromarray(few_faces.images[0].permute(1, 2, 0).numpy())
    picture = Image.new("RGB", (400, 300), (90, 120, 60))
    picture.paste(face.resize((256, 256), Image.Resampling.BICUBIC), (72, 22))
    return picture


def give(page, name, kind, data):
    page.set_input_files("input[type=file]", {"name": name, "mimeType": kind, "buffer": data})


def turned(picture):
    exif = Image.Exif()
    exif[274] = 6  # to be turned by 90 degrees for viewing
    return jpeg(picture.transpose(Image.Transpose.ROTATE_90), exif=exif, quality=95)


def shown(page, photo):
    """Give a photo and wait until it is drawn; the face that was made of it."""
    n = drawn(page)
    give(page, "me.jpg", "image/jpeg", jpeg(photo, quality=95))
    settled(page, n + 1)
    return pixels(page, "original").astype(int)


def lay(page, name, place, by=None):
    """Drag the dot of an eye to a place of the 400 x 300 photo, by mouse or by finger."""
    dot = page.get_by_role("button", name=f"{name}:")
    dot.scroll_into_view_if_needed()
    box, view = dot.bounding_box(), page.locator(".photo canvas").bounding_box()
    old = np.array([box["x"] + 30, box["y"] + 30])  # not its centre: a finger hides what it touches
    centre = np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])
    new = np.array([view["x"], view["y"]]) + np.array(place) * view["width"] / 400
    for kind, (x, y) in {"touchStart": old, "touchMove": old + new - centre}.items():
        if by:
            by.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        else:
            page.mouse.move(x, y)
            page.mouse.down()
    n = drawn(page)
    if by:
        by.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    else:
        page.mouse.up()
    settled(page, n)


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "finger"])
def test_two_dots_on_the_eyes_make_the_face_upright_and_of_its_size(live, photo, few_faces, touch):
    tilted = photo.rotate(25, Image.Resampling.BICUBIC)  # about (200, 150)
    shown(live, tilted)
    fingers = live.context.new_cdp_session(live) if touch else None
    turn = np.exp(-1j * np.radians(25))
    for name, (x, y) in zip(("the other eye", "one eye"), ((84, 56), (44, 56)), strict=True):
        eye = turn * ((72 + 2 * x) + (22 + 2 * y) * 1j - (200 + 150j)) + (200 + 150j)
        lay(live, name, (eye.real, eye.imag), fingers)
    expected = few_faces.images[0].permute(1, 2, 0).numpy().astype(int)
    difference = np.abs(pixels(live, "original").astype(int) - expected)[8:-8, 8:-8]
    assert difference.mean() < 6


@pytest.mark.parametrize(("there", "back"), [("ArrowLeft", "ArrowRight"), ("ArrowUp", "ArrowDown")])
def test_a_dot_is_moved_by_keys(live, photo, there, back):
    before = shown(live, photo)
    live.get_by_role("button", name="one eye:").focus()
    far = []
    for key in (there, back):
        for _ in range(6):
            n = drawn(live)
            live.keyboard.press(key)
            settled(live, n + 1)
        far.append(np.abs(pixels(live, "original").astype(int) - before).mean())
    assert far[0] > 4
    assert far[1] < 0.5


def test_dots_on_one_place_and_dots_that_change_sides_do_no_harm(live, photo):
    before = shown(live, photo)
    eyes = [200 - 48, 132], [200 + 48, 132]  # the first guess
    for name in ("one eye", "the other eye"):
        lay(live, name, eyes[1])
    lay(live, "the other eye", eyes[0])
    assert np.abs(pixels(live, "original").astype(int) - before).mean() < 2


def test_a_turned_photo_stands_upright(live, photo):
    seen = []
    for name, data in {"a.jpg": jpeg(photo, quality=95), "b.jpg": turned(photo)}.items():
        n = drawn(live)
        give(live, name, "image/jpeg", data)
        settled(live, n + 1)
        seen.append(pixels(live, "original").astype(int))
    assert np.abs(seen[0] - seen[1]).mean() < 4


def test_what_is_transparent_is_white(live):
    n = drawn(live)
    empty = Image.new("RGBA", (300, 300), (255, 0, 0, 0))
    give(live, "a.png", "image/png", jpeg(empty, format="PNG"))
    settled(live, n + 1)
    assert (pixels(live, "original")[40:100, 40:100] == 255).all()


def test_twelve_megapixels_are_taken(live, photo):
    small = shown(live, photo)
    assert np.abs(shown(live, photo.resize((4000, 3000))) - small).mean() < 4


def test_a_16_by_16_picture_is_taken_as_it_is(live, few_faces):
    lr = array(degrade.downsample(to_float(few_faces.images[:1])))
    n = drawn(live)
    give(live, "lr.png", "image/png", jpeg(Image.fromarray(lr), format="PNG"))
    settled(live, n + 1)
    assert off(pixels(live, "input"), lr) == 0
    assert live.locator("[data-panel=original]").is_hidden()
    assert "gain over" not in live.locator(".numbers").inner_text()


@pytest.mark.parametrize(
    ("name", "kind", "data", "said"),
    [("paper.pdf", "application/pdf", b"%PDF-1.4", "paper.pdf is no picture (application/pdf)"),
     ("cut.jpg", "image/jpeg", b"\xff\xd8\xff", "cannot read cut.jpg"),
     ("small.png", "image/png", jpeg(Image.new("RGB", (30, 40)), format="PNG"), "30 × 40 pixels")],
)  # fmt: skip
def test_what_is_no_photo_is_refused_with_a_reason(live, name, kind, data, said):
    before = pixels(live, "result")
    give(live, name, kind, data)
    live.get_by_text(said).wait_for()
    assert off(pixels(live, "result"), before) == 0


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_a_photo_can_be_dropped_and_pasted(live, photo, event):
    n = drawn(live)
    live.evaluate(
        """([kind, bytes]) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], 'a.jpg', { type: 'image/jpeg' }));
          const event = kind === 'drop'
            ? new DragEvent('drop', { dataTransfer: data, bubbles: true })
            : new ClipboardEvent('paste', { clipboardData: data, bubbles: true });
          document.querySelector('.panels').dispatchEvent(event);
        }""",
        [event, list(jpeg(photo))],
    )
    settled(live, n + 1)
    assert live.locator(".photo canvas").is_visible()


def test_the_camera_gives_a_photo(live):
    n = drawn(live)
    live.get_by_role("button", name="camera", exact=True).click()
    live.wait_for_function("document.querySelector('video').videoWidth > 0")
    live.get_by_role("button", name="take the picture").click()
    settled(live, n + 1)
    assert live.locator(".photo canvas").is_visible()
    assert live.evaluate("document.querySelector('video').srcObject.active") is False


def test_a_photo_leaves_the_page_in_no_request(live, photo):
    asked, n = len(live.asked), drawn(live)
    give(live, "me.jpg", "image/jpeg", jpeg(photo))
    settled(live, n + 1)
    for name in ("right", "blur", "cover"):
        change(live, name, 3)
    assert live.asked[asked:] == []


# The page around it


@pytest.mark.parametrize("name", FIRST)
def test_it_loads_on_first_touch_and_within_its_budget(name, site, visit):
    page = visit(f"{site}/{name}.html")
    assert not [url for url in page.asked if "vendor" in url or "weights" in url]
    page.click(".play > button")
    settled(page, 1)
    page.wait_for_load_state("networkidle")
    change(page, "right", 12)
    sizes = page.evaluate(
        "performance.getEntriesByType('resource').filter((e) => e.name.includes('/play/'))"
        ".map((e) => e.transferSize)"
    )
    assert 0 < sum(sizes) <= 1.5e6
    foot = page.locator(".foot").inner_text()
    assert f"{sum(sizes) / 1e6:.2f} MB" in foot
    assert re.search(r"\d ms a face", foot)


def test_it_always_says_that_details_are_invented(live):
    assert "invented" in live.locator(".made-up").inner_text()


@pytest.mark.parametrize("kind", ["index", "toy", "eyes"])
def test_everyone_can_use_it(kind, site, visit):
    page = visit(f"{site}/{kind}.html", reduced_motion="reduce")
    page.click(".play > button")
    page.wait_for_selector(".play-box canvas")
    if kind == "index":
        settled(page, 1)
    for width in (375, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert violations(page, BY_LOOKS if width == 375 else None) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate("document.getAnimations().length") == 0
            for face in page.locator("figure > canvas:first-child").all():
                assert face.bounding_box()["width"] >= 128


def test_it_can_be_driven_by_keys_alone(site, visit):
    page = visit(f"{site}/index.html")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    settled(page, 1)
    before, reached = pixels(page, "result"), set()
    for _ in range(60):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.dataset.name ?? document.activeElement.type")
        reached.add(name)
        if name == "turn":
            page.keyboard.press("ArrowRight")
    settled(page, 2)
    assert reached >= {"λ", "turn", "cover", "divider", "file", "color", "select-one"}
    assert off(pixels(page, "result"), before) > 5


def test_memory_does_not_grow(live):
    change(live, "right", 1)
    held = live.locator(".play-box").get_attribute("data-held")
    live.evaluate(
        """async () => {
          const input = document.querySelector("[data-name='right']");
          const busy = () => input.closest('.play-box').getAttribute('aria-busy') === 'true';
          for (let i = 0; i < 500; i++) {
            input.value = i % 17;
            input.dispatchEvent(new Event('input'));
            await new Promise(requestAnimationFrame);
            while (busy()) await new Promise(requestAnimationFrame);
          }
        }"""
    )
    assert drawn(live) > 500
    assert live.locator(".play-box").get_attribute("data-held") == held


def test_two_tabs_do_not_mind_each_other(site, visit):
    pages = [visit(f"{site}/index.html") for _ in range(2)]
    for page in pages:
        page.click(".play > button")
    for page in pages:
        settled(page, 1)
    change(pages[0], "turn", 0)
    assert off(pixels(pages[0], "result"), pixels(pages[1], "result")) > 20


def test_without_javascript_the_still_picture_stays(site, visit):
    page = visit(f"{site}/index.html", java_script_enabled=False)
    assert page.locator(".play img").is_visible()
    assert page.locator("button").count() == 0


def test_what_cannot_load_leaves_the_picture_and_says_why(site, browser):
    page = browser.new_page()
    page.route("**/*.safetensors*", lambda route: route.abort())
    page.goto(f"{site}/index.html")
    page.click(".play > button")
    page.get_by_text("It does not run here").wait_for()
    assert page.locator(".play img").is_visible()
    page.close()


# The game of chapter 2


@pytest.fixture
def toy(site, visit):
    page = visit(f"{site}/toy.html", reduced_motion="reduce")
    page.click(".play > button")
    page.wait_for_selector(".toy[data-iteration]")
    return page


def test_a_step_is_one_equation_of_algorithm_1(toy):
    seen = []
    for _ in range(5):
        toy.get_by_role("button", name="step").click()
        seen.append(toy.locator(".lit").get_attribute("data-eq"))
    assert seen == ["4", "5", "7", "8", "4"]
    assert toy.locator(".toy").get_attribute("data-iteration") == "1"


def test_it_runs_pauses_and_begins_again(toy):
    toy.get_by_role("button", name="run").click()
    toy.wait_for_function("document.querySelector('.toy').dataset.iteration >= 3")
    toy.get_by_role("button", name="pause").click()
    toy.get_by_role("button", name="reset").click()
    assert toy.locator(".toy").get_attribute("data-iteration") == "0"


PLAYED = """async ([name, iterations]) => {
  const { Game } = await import('./_static/play/game.js');
  const { PRESETS } = await import('./_static/play/toy.js');
  return [0, 1, 2].map((seed) => {
    const game = new Game(PRESETS[name], seed);
    return Array.from({ length: 6 }, () => {
      game.iterate(iterations / 6);
      const p = game.points();
      const mean = (axis) => p.filter((_, i) => i % 2 === axis).reduce((a, b) => a + b) / 200;
      return { ...game.visited(p), value: game.value, centre: [mean(0), mean(1)] };
    });
  });
}"""
GUESS = -2 * np.log(2)  # the game's value where D cannot tell


def works(course):
    return course[-1]["heaps"] >= 7 and course[-1]["share"] > 0.6


def collapses(course):  # onto a heap or two, and stays
    return all(1 <= seen["heaps"] <= 2 and seen["share"] > 0.6 for seen in course[-2:])


def is_won_by_d(course):
    still = np.ptp([seen["centre"] for seen in course], axis=0).max() < 0.2
    return still and all(seen["heaps"] == 0 and seen["value"] > GUESS / 5 for seen in course)


def oscillates(course):
    moves = [np.hypot(*np.subtract(a["centre"], b["centre"])) for a, b in pairwise(course)]
    return max(moves[-3:]) > 0.5 and all(seen["heaps"] <= 4 for seen in course)


@pytest.mark.parametrize(
    ("name", "happens", "iterations"),
    [("it works", works, 600), ("mode collapse", collapses, 1200), ("D wins", is_won_by_d, 600),
     ("oscillation", oscillates, 1200)],
)  # fmt: skip
def test_a_preset_does_what_it_is_called_after_with_each_seed(toy, name, happens, iterations):
    courses = toy.evaluate(PLAYED, [name, iterations])
    assert all(happens(course) for course in courses), courses


def test_the_gradients_by_hand_are_right(toy):
    """Against differences of the game's value, in every parameter of D, and of G's loss in G's."""
    worst = toy.evaluate(
        """async () => {
          const { Game } = await import('./_static/play/game.js');
          let worst = 0;
          for (const saturating of [false, true])
            for (const phase of [4, 7]) {
              const settings = { rateD: 0, rateG: 0, updates: 1, saturating, lambda: 3 };
              const make = () => new Game(settings, 5, { width: 5, N: 7 });
              const run = (move) => {
                const game = make(), network = phase === 4 ? game.D : game.G;
                move?.(network);
                if (phase === 7) { game.step(); game.step(); }
                game.step();
                return game;
              };
              const grads = run().grads;
              grads.forEach((g, k) => g.forEach((value, i) => {
                const [up, down] = [1e-5, -1e-5].map((e) => {
                  const game = run((network) => { network.theta[k][i] += e; });
                  return phase === 4 ? game.value : game.loss;
                });
                worst = Math.max(worst, Math.abs((up - down) / 2e-5 - value));
              }));
            }
          return worst;
        }"""
    )
    assert worst < 1e-4


# The eyes


def strips(page):
    """What each column of the eyes shows: lists of pixels."""
    return page.evaluate(
        "[...document.querySelectorAll('.eyes figure')].map((figure) =>"
        "[...figure.querySelectorAll('canvas')].map((c) =>"
        "[...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]))"
    )


@pytest.fixture
def eyes(site, visit):
    page = visit(f"{site}/eyes.html")
    page.click(".play > button")
    page.get_by_role("button", name="train", exact=True).wait_for()
    return page


def test_eyes_are_seen_before_they_train_and_train_in_the_page(eyes):
    lr, bicubic, left, right, original = strips(eyes)
    assert bicubic == left == right
    assert all(np.std(strip) > 5 for strip in (*lr, *bicubic, *original))
    eyes.get_by_role("button", name="train", exact=True).click()
    eyes.wait_for_function("document.querySelector('.eyes').dataset.step >= 15", timeout=120_000)
    assert float(eyes.locator(".eyes").get_attribute("data-gain0")) > 0.5
    assert strips(eyes)[2] != left
    eyes.get_by_role("button", name="stop").click()
    eyes.get_by_role("button", name="train", exact=True).wait_for()


def test_where_training_is_impossible_there_is_a_recorded_run(eyes):
    eyes.evaluate(
        """() => {
          const { Worker } = window;
          window.Worker = class extends Worker {
            constructor(address, options) {
              const code = `let early; onmessage = (event) => { early = event; };
                            delete self.WebAssembly;
                            import('${address}').then(() => onmessage(early));`;
              super(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })), options);
            }
          };
        }"""
    )
    eyes.get_by_role("button", name="train", exact=True).click()
    eyes.get_by_text("It does not train here").wait_for()
    assert eyes.get_by_role("button", name="train", exact=True).is_visible()
    assert eyes.get_by_role("img", name="a still").is_visible()


# What the book's build does


def test_the_component_stays_small():
    parts = ("start", "page", "runtime", "image", "photo", "faces")
    lines = "\n".join((play.ASSETS / f"{part}.js").read_text() for part in parts).splitlines()
    code = [line for line in lines if line.strip() and not line.strip().startswith("//")]
    assert len(code) <= 500
    assert max(map(len, code)) <= 160


def cell(source):
    pictures = '<div class="output"><img alt="a" src="a.webp"/><img alt="b" src="b.webp"/></div>'
    return (
        f'<div class="cell container"><div class="cell_input"><pre>{source}</pre></div>'
        f'<div class="cell_output"><p>text</p>{pictures}</div></div>'
    )


def test_the_still_pictures_of_an_explorer_are_wrapped():
    body = play.live("04-objective", cell("explore.lam()") + cell("plot()"))
    assert body.count('class="play"') == 1
    soup = BeautifulSoup(body, "html.parser")
    (place,) = soup.select(".play")
    assert place["data-network"] == "lite-gan"
    assert [image["alt"] for image in place.select("img")] == ["a", "b"]
    assert place.find("p") is None


def test_a_page_without_explorers_is_left_as_it_is():
    body = cell("plot()") + "<br>"
    assert play.live("03-networks", body) is body


def test_pages_with_a_place_of_their_own_keep_it():
    body = f'<img src="a.png"><div class="play">{STILL}</div>'
    assert play.live("intro", body).count('class="play"') == 1
    assert play.live("intro", STILL).count('class="play"') == 1


def test_the_button_does_not_stand_in_a_link():
    body = play.live("intro", f'<p><a href="0.webp">{STILL}</a></p>')
    place = BeautifulSoup(body, "html.parser").select_one(".play")
    assert place.find_parent("a") is None
    assert place.select_one("a > img")


def test_vendored_files_are_those_of_the_manifest(tmp_path, monkeypatch):
    copy = tmp_path / "play"
    shutil.copytree(play.ASSETS, copy)
    (copy / "vendor/tf-core.min.js").write_text("other")
    monkeypatch.setattr(play, "ASSETS", copy)
    with pytest.raises(ValueError, match=r"tf-core\.min\.js is not the file"):
        play.publish(tmp_path / "out")
