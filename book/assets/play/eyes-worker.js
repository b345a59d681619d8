// Eq. 2 trained on eyes alone, in a worker: G and D of `urdgn_lite.lesson.eyes`, by tfjs.
import { runtime } from "./runtime.js";

const W = 80, H = 32, BATCH = 8; // pixels, pairs of an update
const PERIOD = 5; // updates between pictures
let tf, state;

// tfjs's small core knows no gradients. These are all that G and D need.
function teach() {
  const fit = (dy, { shape, rank }) => { // back to the shape before broadcasting
    const axes = [...Array(dy.rank - rank).keys()];
    for (let i = 0; i < rank; i++) if (shape[i] === 1) axes.push(dy.rank - rank + i);
    return tf.reshape(axes.length ? tf.sum(dy, axes) : dy, shape);
  };
  const two = (f, g) => (dy, [a, b]) => ({ a: () => fit(f(dy, a, b), a), b: () => fit(g(dy, a, b), b) });
  const one = (name, f) => (dy, [x], attrs) => ({ [name]: () => f(dy, x, attrs) });
  const ab = ["a", "b"], x = ["x"];
  const known = {
    Add: [ab, two((dy) => dy, (dy) => dy)],
    Multiply: [ab, two((dy, a, b) => tf.mul(dy, b), (dy, a) => tf.mul(dy, a))],
    SquaredDifference: [ab, two((dy, a, b) => tf.mul(dy, tf.mul(2, tf.sub(a, b))),
                                (dy, a, b) => tf.mul(dy, tf.mul(2, tf.sub(b, a))))],
    BatchMatMul: [ab, (dy, [a, b]) => ({ a: () => tf.matMul(dy, b, false, true), b: () => tf.matMul(a, dy, true) })],
    Neg: [x, one("x", tf.neg)],
    Mean: [x, one("x", (dy, v) => tf.mul(tf.onesLike(v), tf.div(dy, v.size)))],
    Relu: [x, one("x", (dy, v) => tf.mul(dy, tf.step(v)))],
    LeakyRelu: [x, one("x", (dy, v, { alpha }) => tf.mul(dy, tf.step(v, alpha)))],
    Softplus: [x, one("x", (dy, v) => tf.mul(dy, tf.sigmoid(v)))],
    Reshape: [x, one("x", (dy, v) => tf.reshape(dy, v.shape))],
    Transpose: [x, one("x", (dy, v, { perm }) => tf.transpose(dy, perm.map((_, i) => perm.indexOf(i))))],
    PadV2: [x, one("x", (dy, v, { paddings }) => tf.slice(dy, paddings.map(([before]) => before), v.shape))],
    Conv2D: [["x", "filter"], (dy, [v, filter]) => ({ // stride 1, no padding
      x: () => tf.conv2d(framed(dy, filter.shape[0] - 1),
                         tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]), 1, "valid"),
      filter: () => filterGradient(v, dy, filter.shape),
    })],
  };
  for (const [kernelName, [inputsToSave, gradFunc]] of Object.entries(known))
    tf.registerGradient({ kernelName, inputsToSave, gradFunc });
}

const framed = (x, by) => tf.pad(x, [[0, 0], [by, by], [by, by], [0, 0]]);
function filterGradient(x, dy, [kh, kw, into, out]) { // a product of matrices for each tap
  const [n, h, w] = dy.shape, flat = tf.reshape(dy, [-1, out]), taps = [];
  for (let i = 0; i < kh; i++)
    for (let j = 0; j < kw; j++) {
      const seen = tf.reshape(tf.slice(x, [0, i, j, 0], [n, h, w, into]), [-1, into]);
      taps.push(tf.matMul(tf.transpose(seen), flat)); // matMul's own transposition is slow
    }
  return tf.reshape(tf.stack(taps), [kh, kw, into, out]);
}

const begin = (shape, zero = false) => { // as torch's convolutions do
  const bound = zero ? 0 : 1 / Math.sqrt(shape.slice(0, -1).reduce((a, b) => a * b));
  return [tf.variable(tf.randomUniform(shape, -bound, bound, "float32", state.seed++)),
          tf.variable(tf.randomUniform([shape.at(-1)], -bound, bound, "float32", state.seed++))];
};
const conv = (x, [filter, bias]) => tf.add(tf.conv2d(framed(x, 1), filter, 1, "valid"), bias);
const halve = (x, [filter, bias]) => { // 4 × 4 with stride 2, as 2 × 2 over blocks of 2 × 2 pixels
  const [n, h, w, c] = x.shape, blocks = tf.reshape(framed(x, 1), [n * (h / 2 + 1), 2, w / 2 + 1, 2 * c]);
  const folded = tf.reshape(tf.transpose(blocks, [0, 2, 1, 3]), [n, h / 2 + 1, w / 2 + 1, 4 * c]);
  return tf.add(tf.conv2d(folded, filter, 1, "valid"), bias);
};

function networks() {
  const width = 48, G = [begin([3, 3, 3, width])];
  for (let i = 0; i < 8; i++) G.push(begin([3, 3, width, width]));
  G.push(begin([3, 3, width, 192], true));
  const D = [[3, 32], [32, 64], [64, 96]].map(([a, b]) => begin([2, 2, 4 * a, b])).concat([begin([96 * 40, 1])]);
  return { G, D };
}

function generate(l, bicubic) {
  let x = conv(l, state.G[0]);
  for (let i = 1; i < 9; i += 2) x = tf.add(x, conv(tf.relu(conv(x, state.G[i])), state.G[i + 1]));
  x = tf.reshape(conv(x, state.G[9]), [-1, 10, 8, 24]); // the 8 × 8 colours of each LR pixel
  return tf.add(bicubic, tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [-1, H, W, 3]));
}
function judge(h) {
  for (const layer of state.D.slice(0, 3)) h = tf.leakyRelu(halve(h, layer), 0.2);
  return tf.add(tf.matMul(tf.reshape(h, [-1, 96 * 40]), state.D[3][0]), state.D[3][1]);
}
const gradients = (loss, network, by) => {
  const { grads, value } = tf.variableGrads(loss, network.flat());
  by.applyGradients(grads);
  tf.dispose(grads);
  value.dispose();
};
const surprise = (z) => tf.mean(tf.softplus(tf.neg(z))); // −log σ(z)

function update(game, lambda) {
  const picks = Array.from({ length: BATCH }, () => Math.trunc(Math.random() * (state.h.length - state.test)));
  const stack = (strips, shape) => tf.stack(picks.map((k) => tf.tensor(strips[k], shape)));
  const [l, bicubic, h] = [stack(state.l, [4, 10, 3]), stack(state.b, [H, W, 3]), stack(state.h, [H, W, 3])];
  if (game) { // Eq. 4: D climbs, which is the same as going down with the sign changed
    const made = generate(l, bicubic);
    gradients(() => tf.add(surprise(judge(h)), surprise(tf.neg(judge(made)))), state.D, state.byD);
  }
  gradients(() => { // Eq. 7, with −log D
    const made = generate(l, bicubic), pixels = tf.mean(tf.squaredDifference(made, h));
    return game ? tf.add(surprise(judge(made)), tf.mul(lambda, pixels)) : pixels;
  }, state.G, state.byG);
}

const steepness = (x) => { // mean difference of neighbouring pixels
  let sum = 0;
  for (let i = 0; i < x.length; i++) if (Math.trunc(i / 3) % W) sum += Math.abs(x[i] - x[i - 3]);
  return sum;
};
function look(from) { // the test eyes: pictures, gain over bicubic, sharpness
  const of = (strips) => strips.slice(-state.test);
  const made = tf.tidy(() => tf.clipByValue(generate(
    tf.stack(of(state.l).map((v) => tf.tensor(v, [4, 10, 3]))),
    tf.stack(of(state.b).map((v) => tf.tensor(v, [H, W, 3])))), -1, 1).dataSync());
  const h = Float32Array.of(...of(state.h).flatMap((v) => [...v])), b = of(state.b).flatMap((v) => [...v]);
  const error = (x) => x.reduce((sum, v, i) => sum + (v - h[i]) ** 2, 0);
  return { made, gain: 10 * Math.log10(error(b) / error(made)), sharpness: steepness(made) / steepness(h) };
}

async function train({ lambda, pixels, game, strips, test }) {
  tf = await runtime("wasm");
  teach();
  state = { seed: 1, test, ...strips };
  Object.assign(state, networks(), { byG: tf.train.adam(1e-3), byD: tf.train.adam(1e-3) });
  const started = performance.now();
  for (let step = 0; step <= pixels + game; step++) {
    if (step) tf.tidy(() => update(step > pixels, lambda));
    if (step === pixels) state.byG = tf.train.adam(1e-3);
    if (step % PERIOD === 0)
      postMessage({ step, phase: step <= pixels ? "pixels" : "game", ms: (performance.now() - started) / Math.max(step, 1),
                    held: tf.memory().numTensors, ...look() });
    await new Promise((go) => setTimeout(go));
  }
  postMessage({ done: true });
}

onmessage = ({ data }) => train(data).catch((error) => postMessage({ error: error.message }));
