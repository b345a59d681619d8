// λ of Eq. 2 trained in the page on eyes alone: two values side by side, a worker each.
import { fromCanvas, resize, toCanvas } from "./image.js";
import { el, signed, slider } from "./page.js";

const here = (path) => new URL(path, import.meta.url).href;
const W = 80, H = 32, PIXELS = 200, GAME = 200;
const COUNT = 300, ROW = 20, TEST = 4; // pairs of eyes, how many a row of their sheets, the last are not trained on
const LAMBDAS = new Map([0, 10, 50, 100, 400, 1000, 2000, 10000].map((v) => [v.toLocaleString("en"), v]));

async function sheet(name, width, height) { // each strip of a sheet as values in [-1, 1]
  const picture = el("img", { src: here(name) });
  await picture.decode();
  const context = el("canvas", { width: ROW * width, height: (COUNT / ROW) * height }).getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  return Array.from({ length: COUNT }, (_, k) =>
    fromCanvas(context, width, height, (k % ROW) * width, Math.trunc(k / ROW) * height));
}

export async function start() {
  const [l, h] = await Promise.all([sheet("eyes-lr.png", 10, 4), sheet("eyes.webp", W, H)]);
  const strips = { l, h, b: l.map((strip) => resize(strip, W, H, 10, 4)) };
  const column = (title, shown, ...size) => {
    const canvases = shown.slice(-TEST).map((strip) => {
      const canvas = el("canvas", { role: "img", "aria-label": title });
      toCanvas(canvas, strip, ...size);
      return canvas;
    });
    const said = el("small");
    return { canvases, said, element: el("figure", {}, el("figcaption", {}, title), ...canvases, said) };
  };
  const untrained = ["λ on the left", "λ on the right"].map((title) => column(title, strips.b, W, H));
  const columns = [column("input", l, 10, 4), column("bicubic", strips.b, W, H), ...untrained, column("original", h, W, H)];
  const status = el("p", { role: "status" }, "Before training, both generators give the bicubic picture.");
  const lambdas = [400, 50].map((value, i) => slider(["left λ", "right λ"][i], LAMBDAS, value, () => {}));
  let workers = [];
  const stop = () => { workers.forEach((worker) => worker.terminate()); workers = []; go.textContent = "train"; };

  function told(i, { made, step, phase, ms, gain, sharpness, held, done, error }) {
    if (error) {
      stop();
      status.textContent = `It does not train here: ${error}. Below is a recorded run.`;
      box.dispatchEvent(new Event("failed"));
    }
    if (made) {
      const { canvases, said } = untrained[i];
      canvases.forEach((canvas, k) => toCanvas(canvas, made.subarray(k * W * H * 3, (k + 1) * W * H * 3), W, H));
      said.textContent = `${signed(gain)} dB, sharpness ${sharpness.toFixed(2)}`;
      status.textContent = `update ${step} of ${PIXELS + GAME}, ${phase === "pixels" ? "pixels alone" : "the game of Eq. 2"}; ${ms.toFixed(0)} ms each`;
      Object.assign(box.dataset, { step, held, [`gain${i}`]: gain, [`sharpness${i}`]: sharpness });
    }
    if (done && (workers[i].done = true) && workers.every((worker) => worker.done)) stop();
  }
  const go = el("button", { type: "button", onclick: () => {
    if (workers.length) return stop();
    go.textContent = "stop";
    status.textContent = "loading …";
    workers = lambdas.map(({ value }, i) => {
      const worker = new Worker(here("eyes-worker.js"), { type: "module" });
      worker.onmessage = ({ data }) => told(i, data);
      worker.onerror = ({ message }) => told(i, { error: message || "no worker" });
      worker.postMessage({ lambda: value, pixels: PIXELS, game: GAME, strips, test: TEST });
      return worker;
    });
  } }, "train");
  const box = el("div", { class: "play-box eyes" },
    ...lambdas.map(({ row }) => row), el("div", { class: "buttons" }, go), status,
    el("div", { class: "panels" }, ...columns.map(({ element }) => element)),
    el("p", { class: "foot" }, `Two generators of this page's own, ${COUNT - TEST} pairs of imaginary eyes, and the ${TEST} below: ${PIXELS} updates of the ` +
      `pixel term, then ${GAME} of the game, 8 pairs each. Sharpness: the difference of neighbouring pixels, over that of the originals. The details are invented.`));
  return box;
}
