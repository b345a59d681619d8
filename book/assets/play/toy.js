// Chapter 2's game of points in the plane, trained while one watches (see game.js).
import { Game } from "./game.js";
import { el, signed, slider } from "./page.js";

export const PRESETS = { // found by trying; the tests hold what each is called after, with three seeds
  "it works": { rateD: 4e-3, rateG: 1e-3, updates: 1, saturating: false, lambda: 0 },
  "mode collapse": { rateD: 4e-3, rateG: 1e-4, updates: 4, saturating: true, lambda: 0 },
  "D wins": { rateD: 1e-2, rateG: 1e-5, updates: 5, saturating: true, lambda: 0 },
  oscillation: { rateD: 3e-4, rateG: 1e-3, updates: 1, saturating: false, lambda: 0 },
};
const TELL = {
  "it works": "G's points find all eight heaps, and D can hardly tell them apart any more.",
  "mode collapse": "D is too sure, and sends all of G's points the same way: they end on one or two of the eight heaps, and stay.",
  "D wins": "D is sure of every point: log(1 − D) is flat there, so G learns nothing and stays where it began.",
  oscillation: "G runs to where D is fooled, D follows, and so on round the ring.",
};
const RATES = new Map([["0.00001", 1e-5], ...[1e-4, 3e-4, 1e-3, 2e-3, 4e-3, 1e-2].map((v) => [`${v}`, v])]);
const EQUATIONS = { // number -> whose, what it does
  4: ["D", "Eq. 4: gradient of D over N pairs"], 5: ["D", "Eq. 5: D climbs by RMSprop"],
  7: ["G", "Eq. 7: gradient of G over N pairs"], 8: ["G", "Eq. 8: G descends by RMSprop"],
};
const SPEEDS = new Map([["an equation a second", 0], ["an update a frame", 1], ["five a frame", 5]]);
const SIDE = 320, REACH = 1.8, CELLS = 40; // pixels, half the plane's side, places of D's field
const REAL = "#3a9b5c", FAKE = "#d1495b";
const px = (v) => ((v + REACH) / (2 * REACH)) * SIDE;

export async function start() {
  let settings = { ...PRESETS["it works"] }, seed = 0, game, running = false, lit = 0, last = 0;
  const plane = el("canvas", { width: SIDE, height: SIDE, role: "img" });
  const losses = el("canvas", { width: SIDE, height: 120, role: "img",
    "aria-label": "the value of the game for D, and G's loss, over the iterations" });
  const steps = Object.fromEntries(Object.entries(EQUATIONS).map(([n, [who, text]]) =>
    [n, el("li", { "data-eq": n, class: who }, text)]));
  const status = el("p", { class: "numbers" }), said = el("p", { role: "status", class: "foot" });
  const field = Float64Array.from({ length: CELLS * CELLS * 2 }, (_, i) => {
    const place = Math.trunc(i / 2), k = i % 2 ? CELLS - 1 - Math.trunc(place / CELLS) : place % CELLS;
    return ((k + 0.5) / CELLS) * 2 * REACH - REACH;
  });

  function dots(context, points, colour) {
    context.fillStyle = colour;
    for (let i = 0; i < points.length; i += 2) context.fillRect(px(points[i]) - 2, px(-points[i + 1]) - 2, 4, 4);
  }

  function draw() {
    const context = plane.getContext("2d"), cell = SIDE / CELLS;
    game.opinion(field).forEach((p, k) => { // white where D cannot tell, green where it says real
      const strength = Math.abs(2 * p - 1);
      context.fillStyle = p > 0.5 ? `rgb(${[255 - 110 * strength, 255, 255 - 110 * strength]})`
        : `rgb(${[255, 255 - 80 * strength, 255 - 40 * strength]})`;
      context.fillRect((k % CELLS) * cell, Math.trunc(k / CELLS) * cell, cell + 1, cell + 1);
    });
    const points = shown.G(), visited = game.visited(points);
    dots(context, shown.real, REAL);
    dots(context, points, FAKE);
    if (game.push) { // where Eq. 7 sends G's points
      context.strokeStyle = FAKE;
      context.beginPath();
      for (let i = 0; i < game.fake.length; i += 2) {
        const [x, y, u, v] = [game.fake[i], game.fake[i + 1], -game.push[i], -game.push[i + 1]];
        context.moveTo(px(x), px(-y));
        context.lineTo(px(x + 12 * u), px(-y - 12 * v));
      }
      context.stroke();
    }
    const graph = losses.getContext("2d"), recent = game.history.slice(-SIDE);
    const values = recent.flat(), low = Math.min(-1.5, ...values), high = Math.max(1.5, ...values);
    graph.clearRect(0, 0, SIDE, 120);
    [["D", 0, REAL], ["G", 1, FAKE]].forEach(([, which, colour]) => {
      graph.strokeStyle = colour;
      graph.beginPath();
      recent.forEach((pair, x) => graph.lineTo(x, 118 - (116 * (pair[which] - low)) / (high - low)));
      graph.stroke();
    });
    for (const [n, item] of Object.entries(steps)) {
      item.classList.toggle("lit", running && speed.value > 0 ? true : Number(n) === lit);
      item.toggleAttribute("aria-current", Number(n) === lit);
    }
    const [value, loss] = game.history.at(-1) ?? [game.value ?? NaN, game.loss ?? NaN];
    const text = `${Math.round(100 * visited.share)} % of G's points lie near a heap, ${visited.heaps} of 8 heaps are visited`;
    plane.setAttribute("aria-label", `the plane: D's opinion, eight real heaps, G's points. ${text}`);
    status.textContent = `iteration ${game.iteration} · ${text}` +
      (Number.isNaN(value) ? "" : ` · value for D ${signed(value, 2)} (a guess: −1.39), G's loss ${signed(loss, 2)}`);
    Object.assign(box.dataset, { iteration: game.iteration, lit, heaps: visited.heaps, share: visited.share });
  }

  const shown = {}; // the same noise in every picture, so that points move instead of flicker
  function reset() {
    const wasRunning = running;
    stop();
    game = new Game(settings, seed);
    shown.noise = game.noise(200);
    shown.real = game.real(200);
    shown.G = () => game.G.forward(shown.noise, 200);
    lit = 0;
    draw();
    if (wasRunning) run();
  }
  function frame(now) {
    if (!running) return;
    if (speed.value) { game.iterate(speed.value); lit = 8; } else if (now - last > 1000) { last = now; lit = game.step(); }
    draw();
    requestAnimationFrame(frame);
  }
  function run() { running = true; go.textContent = "pause"; last = 0; requestAnimationFrame(frame); }
  function stop() { running = false; go.textContent = "run"; }

  const go = el("button", { type: "button", onclick: () => (running ? (stop(), draw()) : run()) }, "run");
  const one = el("button", { type: "button", onclick: () => {
    stop();
    lit = game.step();
    said.textContent = `${EQUATIONS[lit][1]}${lit === 4 || lit === 7 ? `; its length is ${game.length.toPrecision(2)}` : ""}`;
    draw();
  } }, "step");
  const again = el("button", { type: "button", onclick: reset }, "reset");
  const seeds = el("input", { type: "number", min: "0", max: "999", value: "0", "aria-label": "seed", "data-name": "seed",
    onchange: () => { seed = Number(seeds.value); reset(); } });
  const set = (name) => (control) => () => { settings[name] = control().value; };
  const control = (label, choices, name) => {
    const made = slider(label, choices, settings[name], set(name)(() => made));
    return [name, made];
  };
  const controls = Object.fromEntries([
    control("D's rate", RATES, "rateD"), control("G's rate", RATES, "rateG"),
    control("D's turns", new Map([1, 2, 3, 4, 5].map((v) => [`${v} per turn of G`, v])), "updates"),
    control("λ", new Map([0, 0.1, 1, 10, 100].map((v) => [`${v}`, v])), "lambda"),
    control("G's term", new Map([["−log D", false], ["log(1 − D)", true]]), "saturating"),
  ]);
  const speed = slider("speed", SPEEDS, 1, () => {});
  const presets = el("div", { class: "buttons", role: "group", "aria-label": "presets" },
    ...Object.entries(PRESETS).map(([name, values]) => el("button", { type: "button", onclick: () => {
      settings = { ...values };
      for (const [key, value] of Object.entries(values)) controls[key].set(value);
      reset();
      said.textContent = TELL[name];
      run();
    } }, name)));
  const box = el("div", { class: "play-box toy" },
    el("div", { class: "half" },
      el("div", {}, plane, losses, el("small", {},
        el("b", { class: "key", style: `border-color: ${REAL}` }, "real heaps, value for D"), " · ",
        el("b", { class: "key", style: `border-color: ${FAKE}` }, "G's points, G's loss"), " · green: D says real; lines: where Eq. 7 sends G's points")),
      el("div", {}, presets, el("div", { class: "buttons" }, go, one, again, el("label", {}, "seed ", seeds)),
        ...Object.values(controls).map(({ row }) => row), speed.row, el("ol", { class: "equations" }, ...Object.values(steps)), said)),
    status,
    el("p", { class: "foot" }, "Algorithm 1 in this page: RMSprop with α = 0.9, N = 64 pairs, two networks of 32 hidden units twice. " +
      "The λ term pulls each point to a real one drawn by chance: here no point has a partner of its own."));
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) setTimeout(run);
  reset();
  return box;
}
