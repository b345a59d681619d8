// λ of Eq. 2 trained in the page on eyes alone: two values side by side, a worker each.
import { toCanvas } from "./image.js";
import { el, signed, slider } from "./page.js";

const W = 80, H = 32, PIXELS = 200, GAME = 200;
const LAMBDAS = new Map([0, 10, 50, 100, 400, 1000, 2000, 10000].map((v) => [v.toLocaleString("en"), v]));

export async function start() {
  const column = (title) => {
    const canvases = Array.from({ length: 4 }, () => el("canvas", { width: W, height: H, role: "img", "aria-label": title }));
    const said = el("small");
    return { canvases, said, element: el("figure", {}, el("figcaption", {}, title), ...canvases, said) };
  };
  const columns = ["input", "λ on the left", "λ on the right", "original"].map(column);
  const status = el("p", { role: "status" });
  const lambdas = [400, 50].map((value, i) => slider(["left λ", "right λ"][i], LAMBDAS, value, () => {}));
  let workers = [];
  const stop = () => { workers.forEach((worker) => worker.terminate()); workers = []; go.textContent = "train"; };

  function told(i, { originals, inputs, made, step, phase, ms, gain, sharpness, held, done, error }) {
    if (error) {
      stop();
      status.textContent = `It does not train here: ${error}. Below is a recorded run.`;
      box.dispatchEvent(new Event("failed"));
    }
    if (originals) {
      originals.forEach((v, k) => toCanvas(columns[3].canvases[k], v, W, H));
      inputs.forEach((v, k) => toCanvas(columns[0].canvases[k], v, 10, 4));
    }
    if (made) {
      const { canvases, said } = columns[1 + i];
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
      const worker = new Worker(new URL("eyes-worker.js", import.meta.url), { type: "module" });
      worker.onmessage = ({ data }) => told(i, data);
      worker.onerror = ({ message }) => told(i, { error: message || "no worker" });
      worker.postMessage({ lambda: value, pixels: PIXELS, game: GAME });
      return worker;
    });
  } }, "train");
  const box = el("div", { class: "play-box eyes" },
    ...lambdas.map(({ row }) => row), el("div", { class: "buttons" }, go), status,
    el("div", { class: "panels" }, ...columns.map(({ element }) => element)),
    el("p", { class: "foot" }, `Two generators of this page's own, 300 pairs of imaginary eyes: ${PIXELS} updates of the pixel term, then ${GAME} of the game, ` +
      "8 pairs each. Sharpness: the difference of neighbouring pixels, over that of the originals. The details are invented."));
  return box;
}
