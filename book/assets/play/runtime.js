// All that the live pages know of their runtime, tfjs on WebAssembly: load it, build a generator
// from the zoo's own file, apply it. Runs in a page and in a worker.

let tf;
const here = (path) => new URL(path, import.meta.url).href;

// The runtime's own files; `said(done, of)` after each.
export function runtime(said = () => {}) {
  return (runtime.loading ??= (async () => {
    if (typeof WebAssembly !== "object") throw new Error("this browser has no WebAssembly");
    const amd = globalThis.define; // require.js on the page would take the files for its own
    globalThis.define = undefined;
    await import("./vendor/tf-core.min.js");
    said(1, 3);
    await import("./vendor/tf-backend-wasm.min.js");
    globalThis.define = amd;
    said(2, 3);
    tf = globalThis.tf;
    tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
    if (!(await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT")))
      throw new Error("this browser's WebAssembly has no SIMD");
    const file = here("vendor/tfjs-backend-wasm-simd.wasm"); // the one of three that is ever asked for
    tf.wasm.setWasmPaths(Object.fromEntries(["", "-simd", "-threaded-simd"].map((kind) =>
      [`tfjs-backend-wasm${kind}.wasm`, file])));
    await tf.setBackend("wasm");
    said(3, 3);
    return tf;
  })().catch((error) => { runtime.loading = null; throw error; }));
}

const half = (bits) => { // IEEE 754 binary16
  const exponent = (bits >> 10) & 31, rest = bits & 1023, sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0) return (sign * rest) / 2 ** 24;
  if (exponent === 31) return rest ? NaN : sign * Infinity;
  return sign * 2 ** (exponent - 15) * (1 + rest / 1024);
};

// A .safetensors file: its card, and name -> { shape, values }.
export async function read(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  const buffer = await answer.arrayBuffer();
  const size = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, size)));
  const { __metadata__: about, ...tensors } = header;
  const stored = {};
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(tensors)) {
    const bytes = buffer.slice(8 + size + from, 8 + size + to);
    if (dtype === "F16") stored[name] = { shape, values: Float32Array.from(new Uint16Array(bytes), half) };
    if (dtype === "F32") stored[name] = { shape, values: new Float32Array(bytes) };
  }
  return { card: JSON.parse(about.card.replace(/: (Infinity|NaN)/g, ": null")), stored }; // Python's JSON
}

// torch's layer as tfjs's: filter and bias. `norm` names a batch normalisation to fold in,
// `shuffle` the factor of a pixel shuffle that follows (tfjs orders its channels otherwise).
function layer(stored, name, { norm, turned = false, shuffle = 1 } = {}) {
  const { shape, values } = stored[`${name}.weight`];
  let bias = Float32Array.from(stored[`${name}.bias`].values);
  const [a, b, h, w] = shape, out = turned ? b : a, into = turned ? a : b;
  let scale = new Float32Array(out).fill(1);
  if (norm) {
    const of = (what) => stored[`${norm}.${what}`].values;
    scale = scale.map((_, o) => of("weight")[o] / Math.sqrt(of("running_var")[o] + 1e-5));
    bias = bias.map((v, o) => (v - of("running_mean")[o]) * scale[o] + of("bias")[o]);
  }
  const s = shuffle ** 2, place = (o) => (o % s) * (out / s) + Math.trunc(o / s);
  const filter = new Float32Array(values.length), offset = new Float32Array(out);
  for (let o = 0; o < out; o++) {
    offset[place(o)] = bias[o];
    for (let i = 0; i < into; i++)
      for (let k = 0; k < h * w; k++) {
        const from = turned ? (i * out + o) * h * w + k : (o * into + i) * h * w + k;
        const to = turned ? (k * out + o) * into + i : (k * into + i) * out + place(o);
        filter[to] = values[from] * scale[o];
      }
  }
  const order = turned ? [h, w, out, into] : [h, w, into, out];
  return { filter: tf.tensor4d(filter, order), bias: tf.tensor1d(offset) };
}

const conv = (x, { filter, bias }, activation = "linear") =>
  tf.fused.conv2d({ x, filter, strides: 1, pad: "same", bias, activation });
const twice = (x, { filter, bias }) => {
  const [n, h, w] = x.shape;
  return tf.relu(tf.add(tf.conv2dTranspose(x, filter, [n, 2 * h, 2 * w, filter.shape[2]], 2, "same"), bias));
};

const BUILDERS = {
  deconvolutional(stored) { // networks.Deconvolutional
    const head = layer(stored, "0", { norm: "1" }), body = layer(stored, "3", { norm: "4" });
    const larger = [6, 9, 12].map((i) => layer(stored, `${i}`, { norm: `${i + 1}`, turned: true }));
    const last = layer(stored, "15");
    return (l) => conv(larger.reduce(twice, conv(conv(l, head, "relu"), body, "relu")), last);
  },
  residual(stored, { blocks }) { // networks.Residual, without the bicubic image
    const head = layer(stored, "head"), last = layer(stored, "last", { shuffle: 4 });
    const body = Array.from({ length: blocks }, (_, i) =>
      ["a", "b"].map((part) => layer(stored, `body.${i}.${part}`)));
    const middle = layer(stored, "twice.0", { shuffle: 2 });
    return (l) => {
      let x = conv(l, head);
      for (const [a, b] of body) x = tf.add(x, conv(conv(x, a, "relu"), b));
      x = tf.relu(tf.depthToSpace(conv(x, middle), 2));
      return tf.depthToSpace(conv(x, last), 4);
    };
  },
};

// A generator of the zoo: LR face (16 × 16 × 3 values in [-1, 1]) and its bicubic image -> HR face.
export async function generator(url) {
  const { card, stored } = await read(url);
  const { kind, ...sizes } = card.preset.generator;
  const network = BUILDERS[kind](stored, sizes);
  return (lr, bicubic) => {
    const answer = tf.tidy(() => network(tf.tensor4d(lr, [1, 16, 16, 3])));
    const values = answer.dataSync();
    answer.dispose();
    return kind === "residual" ? values.map((v, i) => v + bicubic[i]) : Float32Array.from(values);
  };
}

export const held = () => tf.memory().numTensors; // for the test that memory does not grow
