// All that the live pages know of their runtime, tfjs: load it, build a generator of the zoo, apply it.
// WebGPU where a graphics card is there, WebAssembly else. Runs in a page and in a worker.

export const loading = { done: 0, of: 0, said() {} }; // bytes; `said(done, of)` as they come
let tf;

// A file beside this one. The book holds it compressed: few hosts compress what they do not know.
async function unpacked(path, kind) {
  const answer = await fetch(new URL(`${path}.gz`, import.meta.url));
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  loading.of += Number(answer.headers.get("content-length"));
  const counted = new TransformStream({ transform(chunk, next) {
    loading.said((loading.done += chunk.length), loading.of);
    next.enqueue(chunk);
  } });
  const body = answer.body.pipeThrough(counted).pipeThrough(new DecompressionStream("gzip"));
  return new Response(body, { headers: { "content-type": kind } });
}
const address = async (path, kind) => URL.createObjectURL(await (await unpacked(path, kind)).blob());
const script = async (name) => import(await address(`vendor/${name}.min.js`, "text/javascript"));

const BACKENDS = {
  async webgpu() {
    const card = await navigator.gpu?.requestAdapter().catch(() => null);
    if (!card || card.info?.isFallbackAdapter) return false; // drawn by the CPU: WebAssembly is faster
    await script("tf-backend-webgpu");
    return tf.setBackend("webgpu");
  },
  async wasm() {
    const [code] = await Promise.all(
      [address("vendor/tfjs-backend-wasm-simd.wasm", "application/wasm"), script("tf-backend-wasm")]);
    tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false); // no static host sends the headers for it
    if (!(await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT")))
      throw new Error("this browser's WebAssembly has no SIMD");
    tf.wasm.setWasmPaths(Object.fromEntries(["", "-simd", "-threaded-simd"].map((kind) =>
      [`tfjs-backend-wasm${kind}.wasm`, code]))); // all three are to be named, the second is asked for
    return tf.setBackend("wasm");
  },
};

// tfjs with the first of the backends that works here.
export function runtime(...names) {
  return (runtime.ready ??= (async () => {
    const amd = globalThis.define; // require.js on the page would take the files for its own
    globalThis.define = undefined;
    try {
      await script("tf-core");
      tf = globalThis.tf;
      for (const name of names) if (await BACKENDS[name]()) return tf;
    } finally { globalThis.define = amd; }
    throw new Error("this browser can neither WebGPU nor WebAssembly");
  })().catch((error) => { runtime.ready = null; throw error; }));
}

const half = (bits) => { // IEEE 754 binary16
  const exponent = (bits >> 10) & 31, rest = bits & 1023, sign = bits & 0x8000 ? -1 : 1;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + rest / 1024) : rest / 2 ** 24);
};

// A generator of the zoo, as tools/sphinx/play.py writes it: LR face (16 × 16 × 3 values in [-1, 1])
// and its bicubic image -> promise of the HR face.
export async function generator(name) {
  const buffer = await (await unpacked(`weights/${name}.safetensors`)).arrayBuffer();
  await runtime.ready;
  const size = 8 + Number(new DataView(buffer).getBigUint64(0, true));
  const { __metadata__: about, ...tensors } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, size - 8)));
  const stored = ({ shape, data_offsets: [from, to] }) =>
    tf.tensor(Float32Array.from(new Uint16Array(buffer.slice(size + from, size + to)), half), shape);
  const layers = JSON.parse(about.layers).map((layer, i) =>
    ({ ...layer, filter: stored(tensors[`${i}.filter`]), bias: stored(tensors[`${i}.bias`]) }));

  function apply({ filter, bias, relu, skip, shuffle, framed }, before) {
    const pad = framed ? [[0, 0], [1, 1], [1, 1], [0, 0]] : "same";
    let y = tf.fused.conv2d({ x: before.at(-1), filter, bias, strides: 1, pad, activation: relu ? "relu" : "linear" });
    if (skip) y = tf.add(y, before.at(-2)); // a residual block ends
    if (shuffle) y = tf.depthToSpace(y, shuffle);
    return framed ? tf.slice(y, [0, 1, 1, 0], [1, y.shape[1] - 2, y.shape[2] - 2, y.shape[3]]) : y;
  }
  return async (lr, bicubic) => {
    const result = tf.tidy(() => {
      const values = [tf.tensor4d(lr, [1, 16, 16, 3])];
      for (const layer of layers) values.push(apply(layer, values));
      return values.at(-1);
    });
    const answer = await result.data();
    result.dispose();
    return about.adds === "bicubic" ? answer.map((v, i) => v + bicubic[i]) : answer.slice();
  };
}

export const about = () => ({ backend: tf.getBackend(), held: tf.memory().numTensors }); // held: must not grow
