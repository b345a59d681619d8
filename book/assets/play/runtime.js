// All that the live pages know of their runtime, tfjs on WebAssembly: load it, build a generator of
// the zoo, apply it. Runs in a page and in a worker.

let tf;

// A file beside this one. The book holds it compressed: few hosts compress what they do not know.
async function unpacked(path, kind) {
  const answer = await fetch(new URL(`${path}.gz`, import.meta.url));
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return new Response(answer.body.pipeThrough(new DecompressionStream("gzip")), { headers: { "content-type": kind } });
}
const address = async (path, kind) => URL.createObjectURL(await (await unpacked(path, kind)).blob());

// The runtime's own files; `said(done)` after each of three.
export function runtime(said = () => {}) {
  return (runtime.loading ??= (async () => {
    if (typeof WebAssembly !== "object" || typeof DecompressionStream !== "function")
      throw new Error("this browser has no WebAssembly, or cannot unpack files");
    const amd = globalThis.define; // require.js on the page would take the files for its own
    globalThis.define = undefined;
    try {
      await import(await address("vendor/tf-core.min.js", "text/javascript"));
      said(1);
      await import(await address("vendor/tf-backend-wasm.min.js", "text/javascript"));
    } finally { globalThis.define = amd; }
    said(2);
    tf = globalThis.tf;
    tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false); // no static host sends the headers for it
    if (!(await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT")))
      throw new Error("this browser's WebAssembly has no SIMD");
    const file = await address("vendor/tfjs-backend-wasm-simd.wasm", "application/wasm");
    tf.wasm.setWasmPaths(Object.fromEntries(["", "-simd", "-threaded-simd"].map((kind) =>
      [`tfjs-backend-wasm${kind}.wasm`, file]))); // all three are to be named, the second is asked for
    await tf.setBackend("wasm");
    said(3);
    return tf;
  })().catch((error) => { runtime.loading = null; throw error; }));
}

const half = (bits) => { // IEEE 754 binary16
  const exponent = (bits >> 10) & 31, rest = bits & 1023, sign = bits & 0x8000 ? -1 : 1;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + rest / 1024) : rest / 2 ** 24);
};

// A generator of the zoo, as tools/sphinx/play.py writes it: LR face (16 × 16 × 3 values in [-1, 1])
// and its bicubic image -> HR face.
export async function generator(name) {
  const buffer = await (await unpacked(`weights/${name}.safetensors`)).arrayBuffer();
  const size = 8 + Number(new DataView(buffer).getBigUint64(0, true));
  const { __metadata__: about, ...tensors } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, size - 8)));
  const stored = ({ shape, data_offsets: [from, to] }) =>
    tf.tensor(Float32Array.from(new Uint16Array(buffer.slice(size + from, size + to)), half), shape);
  const layers = JSON.parse(about.layers).map((layer, i) =>
    ({ ...layer, filter: stored(tensors[`${i}.filter`]), bias: stored(tensors[`${i}.bias`]) }));

  function apply({ filter, bias, relu, double, skip, shuffle }, before) {
    const x = before.at(-1), [, h, w] = x.shape;
    let y = double ? tf.add(tf.conv2dTranspose(x, filter, [1, 2 * h, 2 * w, filter.shape[2]], 2, "same"), bias)
      : tf.fused.conv2d({ x, filter, strides: 1, pad: "same", bias });
    if (skip) y = tf.add(y, before.at(-2)); // a residual block ends
    if (relu) y = tf.relu(y);
    return shuffle ? tf.depthToSpace(y, shuffle) : y;
  }
  return (lr, bicubic) => tf.tidy(() => {
    const values = [tf.tensor4d(lr, [1, 16, 16, 3])];
    for (const layer of layers) values.push(apply(layer, values));
    const answer = values.at(-1).dataSync();
    return about.adds === "bicubic" ? answer.map((v, i) => v + bicubic[i]) : answer.slice();
  });
}

export const held = () => tf.memory().numTensors; // for the test that memory does not grow
