// The trained generators at the reader's hand: a face, a network and its λ, damages.
import * as im from "./image.js";
import { own } from "./photo.js";
import { el, numbers, signed, slider } from "./page.js";
import { generator, held, runtime } from "./runtime.js";

const here = (path) => new URL(path, import.meta.url).href;
const FACES = 8, EYE = [28, 44, 32, 24]; // x, y, width, height of the enlarged eye in HR pixels
const LAMBDA = new Map([["0", "lite-gan-0"], ["1", "lite-gan-1"], ["10", "lite-gan-10"],
  ["100", "lite-gan"], ["10³", "lite-gan-1e3"], ["10⁴", "lite-gan-1e4"], ["∞", "lite"]]);
const NETWORKS = ["residual-gan", "residual", "residual-s-gan", "residual-s", "residual-s-imaginary"];
const DAMAGES = { // the explorers' controls: name -> [values, neutral, unit]
  right: [[-32, -24, -16, -8, -4, -3, -2, -1, 0, 1, 2, 3, 4, 8, 16, 24, 32], 0, " px"],
  down: [[-32, -24, -16, -8, -4, -3, -2, -1, 0, 1, 2, 3, 4, 8, 16, 24, 32], 0, " px"],
  turn: [[-180, ...Array.from({ length: 19 }, (_, i) => 10 * i - 90), 180], 0, "°"],
  blur: [[0, 1, 2, 3, 4, 6, 8], 0, " px"],
  noise: [[0, 2, 5, 10, 15, 20, 30], 0, ""],
  light: [[0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.5], 1, ""],
  side: [[-1, -0.6, -0.3, 0, 0.3, 0.6, 1], 0, ""],
  cover: [[0, 1, 2, 3, 4, 5, 6, 7, 8], 0, ""],
  "cover x": [Array.from({ length: 16 }, (_, i) => i), 6, ""],
  "cover y": [Array.from({ length: 16 }, (_, i) => i), 6, ""],
};
const loaded = new Map(); // network -> promise of its function
const network = (name) => loaded.get(name) ?? loaded.set(name, generator(here(`weights/${name}.safetensors`))
  .catch((error) => { loaded.delete(name); throw error; })).get(name);

async function imaginary(i) {
  const image = new Image();
  image.src = here(`faces/${i}.webp`);
  await image.decode();
  const context = canvasOf(128, 128).getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return im.fromCanvas(context, 128);
}
const canvasOf = (width, height) => el("canvas", { width, height });

export async function start({ network: first = "residual-s-gan", open = "" }, said) {
  await runtime((done) => said(done, 5));
  (await network(first))(new Float32Array(768), new Float32Array(49152)); // the first is slow
  said(4, 5);
  const state = { h: await imaginary(0), lr: null, paint: new Map(), name: first };
  said(5, 5);

  const box = el("div", { class: "play-box" });
  const panels = {}, swipe = [canvasOf(128, 128), canvasOf(128, 128)];
  const row = el("div", { class: "panels" }, ...["input", "bicubic", "result", "original"].map((name) => {
    const face = canvasOf(128, 128), eye = canvasOf(EYE[2] * 8, EYE[3] * 8), text = el("small");
    for (const canvas of [face, eye]) canvas.setAttribute("role", "img");
    panels[name] = { face, eye, text };
    eye.setAttribute("aria-label", `${name}, one eye enlarged`);
    return el("figure", { "data-panel": name }, face, eye, el("figcaption", {}, name, " ", text));
  }));
  const status = el("p", { role: "status", class: "numbers" }), foot = el("p", { class: "foot" });
  const divider = el("input", { type: "range", min: "0", max: "100", value: "50", "data-name": "divider",
    "aria-label": "divider between bicubic and result",
    oninput: () => { swipe[1].style.clipPath = `inset(0 0 0 ${divider.value}%)`; } });
  swipe.forEach((canvas, i) => { canvas.setAttribute("role", "img"); canvas.setAttribute("aria-label", ["bicubic", "result"][i]); });
  const stack = el("div", { class: "stack", onpointermove: (event) => {
    const box = stack.getBoundingClientRect();
    divider.value = (100 * (event.clientX - box.left)) / box.width;
    divider.dispatchEvent(new Event("input"));
  } }, ...swipe);

  // What follows from the state: damaged LR face, bicubic, result, numbers.
  async function compute() {
    const d = Object.fromEntries(Object.entries(damages).map(([name, control]) => [name, control.value]));
    const { h: whole, paint, name } = state, G = await network(name);
    let h = whole && im.relight(im.rotate(im.shift(whole, d.right, d.down), d.turn), d.light, d.side);
    let lr = state.lr ?? im.downsample(im.blur(h, d.blur));
    if (!h) lr = im.rounded(im.relight(im.rotate(im.shift(lr, ...[d.right, d.down].map((v) => Math.round(v / 8))), d.turn), d.light, d.side));
    lr = im.rounded(im.noise(lr, d.noise));
    const hidden = new Set(paint.keys());
    for (let y = d["cover y"]; y < Math.min(d["cover y"] + d.cover, 16); y++)
      for (let x = d["cover x"]; x < Math.min(d["cover x"] + d.cover, 16); x++) {
        hidden.add(y * 16 + x);
        lr.fill(-1, (y * 16 + x) * 3, (y * 16 + x) * 3 + 3);
      }
    for (const [place, colour] of paint) lr.set(colour, place * 3);
    const bicubic = im.resize(lr, 128), from = performance.now();
    const result = G(lr, bicubic), ms = performance.now() - from;
    return { lr, bicubic, result, h, hidden, ms };
  }

  function draw({ lr, bicubic, result, h, hidden, ms }) {
    const [b, r] = h ? [bicubic, result].map((face) => im.psnr(face, h, hidden)) : [];
    const consistency = im.psnr(im.resize(im.rounded(result), 16), lr);
    const texts = { input: "16 × 16", bicubic: h ? `${b.toFixed(1)} dB` : "", original: "",
                    result: h ? `${r.toFixed(1)} dB` : "" };
    for (const [name, face] of Object.entries({ input: lr, bicubic, result, original: h })) {
      const panel = panels[name], scale = name === "input" ? 1 / 8 : 1;
      panel.face.closest("figure").hidden = !face;
      if (!face) continue;
      im.toCanvas(panel.face, face);
      panel.face.setAttribute("aria-label", `${name} ${texts[name]}`);
      panel.text.textContent = texts[name];
      const eye = panel.eye.getContext("2d");
      eye.imageSmoothingEnabled = scale === 1;
      eye.drawImage(panel.face, ...EYE.map((v) => v * scale), 0, 0, EYE[2] * 8, EYE[3] * 8);
    }
    im.toCanvas(swipe[0], bicubic);
    im.toCanvas(swipe[1], result);
    const gain = h ? `gain over bicubic ${signed(r - b)} dB${hidden.size ? " outside of what is hidden" : ""} · ` : "";
    status.textContent = `${state.name}: ${gain}shrunk again it matches the input to ${consistency.toFixed(0)} dB`;
    const files = performance.getEntriesByType("resource").filter(({ name }) => name.startsWith(here(".")));
    const bytes = files.reduce((sum, file) => sum + (file.transferSize || file.encodedBodySize), 0);
    foot.textContent = `Runs in this page: ${(bytes / 1e6).toFixed(2)} MB loaded, ${ms.toFixed(0)} ms a face on one ` +
      "thread (tfjs, WebAssembly). Your photo never leaves this page.";
    box.dataset.held = held();
    box.dataset.drawn = Number(box.dataset.drawn ?? 0) + 1;
  }

  let busy = false, again = false;
  async function update() {
    if (busy) { again = true; return; }
    busy = true;
    box.setAttribute("aria-busy", "true");
    do {
      again = false;
      try { draw(await compute()); } catch (error) { status.textContent = `It does not run here: ${error.message}`; }
      await new Promise(requestAnimationFrame);
    } while (again);
    busy = false;
    box.setAttribute("aria-busy", "false");
  }

  // Controls
  const damages = {};
  for (const [name, [values, neutral, unit]] of Object.entries(DAMAGES))
    damages[name] = slider(name, numbers(values, unit), neutral, update);
  const lambda = slider("λ", LAMBDA, LAMBDA.get("100"), () => use(lambda.value));
  const choose = el("select", { "aria-label": "network", onchange: () => use(choose.value) },
    ...[...NETWORKS, ...LAMBDA.values()].map((name) => el("option", { value: name }, name)));
  function use(name) {
    state.name = choose.value = name;
    lambda.set([...LAMBDA.values()].includes(name) ? name : name.endsWith("-gan") ? "lite-gan" : "lite");
    update();
  }
  function take(face, small = null) {
    Object.assign(state, { h: face, lr: small });
    state.paint.clear();
    update();
  }
  const thumbs = el("div", { class: "thumbs", role: "group", "aria-label": "imaginary faces" },
    ...Array.from({ length: FACES }, (_, i) => el("button", {
      type: "button", "aria-label": `imaginary face ${i + 1}`,
      onclick: async () => { photo.close(); take(await imaginary(i)); },
    }, el("img", { src: here(`faces/${i}.webp`), alt: "", width: 48, height: 48 }))));

  const photo = own(take);
  const colour = el("input", { type: "color", value: "#000000", "aria-label": "colour to paint with" });
  const input = panels.input.face;
  Object.assign(input, { tabIndex: 0 });
  let cursor = 0;
  function dab(place) {
    const hex = colour.value;
    state.paint.set(place, [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 127.5 - 1));
    update();
  }
  const at = ({ clientX, clientY }) => {
    const { left, top, width } = input.getBoundingClientRect();
    const [x, y] = [clientX - left, clientY - top].map((v) => Math.min(Math.max(Math.floor((16 * v) / width), 0), 15));
    return y * 16 + x;
  };
  input.addEventListener("pointerdown", (event) => { input.setPointerCapture(event.pointerId); dab(at(event)); });
  input.addEventListener("pointermove", (event) => { if (event.buttons) dab(at(event)); });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -16, ArrowDown: 16 }[event.key];
    if (!step && event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (step) cursor = (cursor + step + 256) % 256;
    else dab(cursor);
    input.parentElement.style.setProperty("--x", cursor % 16);
    input.parentElement.style.setProperty("--y", Math.trunc(cursor / 16));
  });
  const reset = el("button", { type: "button", onclick: () => {
    for (const [name, [, neutral]] of Object.entries(DAMAGES)) damages[name].set(neutral);
    state.paint.clear();
    update();
  } }, "undo all damage");

  const group = (name, ...children) => el("details", { open: open.split(" ").includes(name), "data-group": name },
    el("summary", {}, { photo: "A face, or your own photo", lambda: "Network and λ", damage: "Damage it" }[name]), ...children);
  box.append(row,
    el("p", { class: "made-up" }, "Sixty-three of every sixty-four pixels are invented: a face that fits the sixteen by sixteen, not the person's own."),
    status,
    el("div", { class: "half" },
      el("div", { class: "swipe" }, stack, divider, el("small", {}, "bicubic | result: move the divider")),
      el("div", {},
        group("photo", thumbs, photo.element),
        group("lambda", el("label", { class: "row" }, el("span", {}, "network"), choose), lambda.row),
        group("damage", ...Object.values(damages).map(({ row }) => row),
          el("label", { class: "row" }, el("span", {}, "paint"), colour),
          el("small", {}, "Paint on the input: drag, or arrow keys and space. "), reset))),
    foot);
  photo.listen(box);
  use(first);
  return box;
}
