// The trained generators at the reader's hand: a face, a network and its λ, damages.
import * as im from "./image.js";
import { el, numbers, signed, slider } from "./page.js";
import { own } from "./photo.js";
import { about, generator, loading, runtime } from "./runtime.js";

const here = (path) => new URL(path, import.meta.url).href;
const FACES = 8, EYE = [28, 44, 32, 24]; // x, y, width, height of the enlarged eye in HR pixels
const LAMBDA = new Map([["0", "lite-gan-0"], ["1", "lite-gan-1"], ["10", "lite-gan-10"],
  ["100", "lite-gan"], ["10³", "lite-gan-1e3"], ["10⁴", "lite-gan-1e4"], ["∞", "lite"]]);
const NETWORKS = ["residual-gan", "residual", "residual-s-gan", "residual-s", "residual-s-imaginary", ...LAMBDA.values()];
const STEPS = [-32, -24, -16, -8, -4, -3, -2, -1, 0, 1, 2, 3, 4, 8, 16, 24, 32], PLACES = [...Array(16).keys()];
const DAMAGES = { // the explorers' controls: name -> [values, neutral, unit]
  right: [STEPS, 0, " px"], down: [STEPS, 0, " px"],
  turn: [[-180, ...Array.from({ length: 19 }, (_, i) => 10 * i - 90), 180], 0, "°"],
  blur: [[0, 1, 2, 3, 4, 6, 8], 0, " px"], noise: [[0, 2, 5, 10, 15, 20, 30], 0],
  light: [[0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.5], 1], side: [[-1, -0.6, -0.3, 0, 0.3, 0.6, 1], 0],
  cover: [PLACES.slice(0, 9), 0], "cover x": [PLACES, 6], "cover y": [PLACES, 6],
};
const KEYS = { ArrowLeft: 255, ArrowRight: 1, ArrowUp: 240, ArrowDown: 16, " ": 0, Enter: 0 }; // steps over 256 pixels
const canvas = (width, height, name) => el("canvas", { width, height, role: "img", "aria-label": name });

const loaded = new Map(); // network -> promise of its function
function network(name) {
  if (!loaded.has(name)) loaded.set(name, generator(name).catch((error) => { loaded.delete(name); throw error; }));
  return loaded.get(name);
}
function pixelsOf(image) {
  const context = canvas(128, 128, "").getContext("2d");
  context.drawImage(image, 0, 0, 128, 128);
  return im.fromCanvas(context, 128);
}

export async function start({ network: first = "residual-s-gan", open = "" }, said) {
  loading.said = said;
  const faces = PLACES.slice(0, FACES).map((i) => el("img", { src: here(`faces/${i}.webp`), alt: "", width: 48, height: 48 }));
  const [, G] = await Promise.all([runtime("webgpu", "wasm"), network(first), faces[0].decode()]);
  await G(new Float32Array(768), new Float32Array(49152)); // the first is slow
  const state = { h: pixelsOf(faces[0]), lr: null, paint: new Map(), name: first };
  loading.said = (done, of) => { status.textContent = `${state.name} is loading: ${(done / 1e6).toFixed(1)} of ${(of / 1e6).toFixed(1)} MB`; };

  // What follows from the state: damaged LR face, bicubic, result.
  async function compute() {
    const { paint, name } = state, G = await network(name), d = (damage) => damages[damage].value;
    const turned = (face, px) => im.relight(im.rotate(
      im.shift(face, Math.round(d("right") / px), Math.round(d("down") / px)), d("turn")), d("light"), d("side"));
    const h = state.h && turned(state.h, 1);
    const lr = im.rounded(im.noise(h ? im.downsample(im.blur(h, d("blur"))) : im.rounded(turned(state.lr, 8)), d("noise")));
    const colours = new Map(paint), covered = (axis) => PLACES.slice(d(axis), d(axis) + d("cover"));
    for (const y of covered("cover y")) for (const x of covered("cover x")) colours.set(y * 16 + x, [-1, -1, -1]);
    for (const [place, colour] of colours) lr.set(colour, place * 3);
    const bicubic = im.resize(lr, 128), from = performance.now(), result = await G(lr, bicubic);
    return { lr, bicubic, result, h, hidden: new Set(colours.keys()), ms: performance.now() - from };
  }

  function draw({ lr, bicubic, result, h, hidden, ms }) {
    const [b, r] = [bicubic, result].map((face) => h && im.psnr(face, h, hidden));
    const texts = { input: "16 × 16", bicubic: h ? `${b.toFixed(1)} dB` : "", result: h ? `${r.toFixed(1)} dB` : "", original: "" };
    for (const [name, face] of Object.entries({ input: lr, bicubic, result, original: h })) {
      const panel = panels[name], scale = name === "input" ? 1 / 8 : 1, eye = panel.eye.getContext("2d");
      panel.figure.hidden = !face;
      if (!face) continue;
      im.toCanvas(panel.face, face);
      panel.face.setAttribute("aria-label", `${name} ${texts[name]}`);
      panel.text.textContent = texts[name];
      eye.imageSmoothingEnabled = scale === 1;
      eye.drawImage(panel.face, ...EYE.map((v) => v * scale), 0, 0, EYE[2] * 8, EYE[3] * 8);
    }
    [bicubic, result].forEach((face, i) => im.toCanvas(stack.children[i], face));
    const gain = h ? `gain over bicubic ${signed(r - b)} dB${hidden.size ? " outside of what is hidden" : ""} · ` : "";
    const consistency = im.psnr(im.resize(im.rounded(result), 16), lr);
    status.textContent = `${state.name}: ${gain}shrunk again it matches the input to ${consistency.toFixed(0)} dB`;
    const files = performance.getEntriesByType("resource").filter(({ name }) => name.startsWith(here(".")));
    const bytes = files.reduce((sum, file) => sum + (file.transferSize || file.encodedBodySize), 0), { held, backend } = about();
    foot.textContent = `Runs in this page: ${(bytes / 1e6).toFixed(2)} MB loaded, ${ms.toFixed(0)} ms a face ` +
      `(tfjs, ${backend === "wasm" ? "WebAssembly on one thread" : "WebGPU"}). Your photo never leaves this page.`;
    Object.assign(box.dataset, { held, drawn: Number(box.dataset.drawn ?? 0) + 1 });
  }

  let wanted = false;
  async function update() { // one at a time, and after it what came meanwhile
    wanted = true;
    if (box.ariaBusy === "true") return;
    for (box.ariaBusy = "true"; wanted; await new Promise(requestAnimationFrame)) {
      wanted = false;
      try { draw(await compute()); } catch (error) { status.textContent = `It does not run here: ${error.message}`; }
    }
    box.ariaBusy = "false";
  }

  // What is seen
  const panels = Object.fromEntries(["input", "bicubic", "result", "original"].map((name) => {
    const face = canvas(128, 128, name), eye = canvas(EYE[2] * 8, EYE[3] * 8, `${name}, one eye enlarged`);
    const text = el("small"), figure = el("figure", { "data-panel": name }, face, eye, el("figcaption", {}, name, " ", text));
    return [name, { figure, face, eye, text }];
  }));
  const status = el("p", { role: "status", class: "numbers" }), foot = el("p", { class: "foot" });
  const divider = el("input", { type: "range", "data-name": "divider", "aria-label": "divider between bicubic and result",
    oninput: () => stack.style.setProperty("--at", `${divider.value}%`) });
  const stack = el("div", { class: "stack" }, canvas(128, 128, "bicubic"), canvas(128, 128, "result"), divider);

  // What is chosen
  function take(h, lr = null) {
    Object.assign(state, { h, lr });
    state.paint.clear();
    update();
  }
  const photo = own(take);
  const thumbs = faces.map((image, i) => el("button", { type: "button", "aria-label": `imaginary face ${i + 1}`,
    onclick: () => { photo.close(); take(pixelsOf(image)); } }, image));
  const lambda = slider("λ", LAMBDA, "lite-gan", () => use(lambda.value));
  const choose = el("select", { "aria-label": "network", onchange: () => use(choose.value) },
    ...NETWORKS.map((value) => el("option", { value }, value)));
  function use(name) {
    state.name = choose.value = name;
    lambda.set([...LAMBDA.values()].includes(name) ? name : name.endsWith("-gan") ? "lite-gan" : "lite");
    update();
  }

  // What is damaged
  const damages = Object.fromEntries(Object.entries(DAMAGES).map(([name, [values, neutral, unit]]) =>
    [name, slider(name, numbers(values, unit), neutral, update)]));
  const undo = el("button", { type: "button", onclick: () => {
    for (const [name, [, neutral]] of Object.entries(DAMAGES)) damages[name].set(neutral);
    state.paint.clear();
    update();
  } }, "undo all damage");
  const colour = el("input", { type: "color", value: "#000000", "aria-label": "colour to paint with" });
  const { face: input, figure } = panels.input;
  function dab(place) {
    state.paint.set(place, [1, 3, 5].map((i) => parseInt(colour.value.slice(i, i + 2), 16) / 127.5 - 1));
    update();
  }
  const paint = ({ offsetX, offsetY }) => {
    const [x, y] = [offsetX, offsetY].map((v) => im.clamp(Math.floor((16 * v) / input.clientWidth), 0, 15));
    dab(y * 16 + x);
  };
  let cursor = 0; // where the arrow keys are
  input.tabIndex = 0;
  input.addEventListener("click", paint); // a finger taps: when it moves, it scrolls
  input.addEventListener("pointermove", (event) => event.buttons && event.pointerType !== "touch" && paint(event));
  input.addEventListener("keydown", (event) => {
    if (!(event.key in KEYS)) return;
    event.preventDefault();
    if (KEYS[event.key]) cursor = (cursor + KEYS[event.key]) % 256;
    else dab(cursor);
    figure.style.setProperty("--x", cursor % 16);
    figure.style.setProperty("--y", Math.trunc(cursor / 16));
  });

  const group = (name, title, ...children) =>
    el("details", { open: open.split(" ").includes(name), "data-group": name }, el("summary", {}, title), ...children);
  const box = el("div", { class: "play-box" },
    el("div", { class: "panels" }, ...Object.values(panels).map(({ figure }) => figure)),
    el("p", { class: "made-up" }, "Sixty-three of every sixty-four pixels are invented: a face that fits the sixteen by sixteen, not the person's own."),
    el("div", { class: "half" },
      el("div", { class: "swipe" }, stack, el("small", {}, "bicubic | result: drag the divider"), status),
      el("div", {},
        group("photo", "A face, or your own photo",
          el("div", { class: "thumbs", role: "group", "aria-label": "imaginary faces" }, ...thumbs), photo.element),
        group("lambda", "Network and λ", el("label", { class: "row" }, el("span", {}, "network"), choose), lambda.row),
        group("damage", "Damage it", ...Object.values(damages).map(({ row }) => row),
          el("label", { class: "row" }, el("span", {}, "paint"), colour),
          el("small", {}, "Paint on the input: tap, drag the mouse, or arrow keys and space. "), undo))),
    foot);
  photo.listen(box);
  use(first);
  return box;
}
