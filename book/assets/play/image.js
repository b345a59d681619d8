// Faces as plain numbers, as `urdgn_lite.degrade` treats them: Float32Array of h × w × 3 values in
// [-1, 1], row by row. A damage returns a new face.

const cubic = (a) => (x) => {
  x = Math.abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((x - 5) * x + 8) * x * a - 4 * a : 0;
};
const clamp = (x, low, high) => Math.min(Math.max(x, low), high);
const side = (face) => Math.sqrt(face.length / 3);

// Rows of A: bicubic (a = -0.5) from n values to m, over the whole footprint where m < n.
function weights(n, m) {
  const scale = n / m, stretch = Math.max(scale, 1), kernel = cubic(-0.5);
  return Array.from({ length: m }, (_, i) => {
    const centre = scale * (i + 0.5);
    const from = Math.max(Math.trunc(centre - 2 * stretch + 0.5), 0);
    const to = Math.min(Math.trunc(centre + 2 * stretch + 0.5), n);
    const row = [];
    for (let j = from; j < to; j++) row.push(kernel((j + 0.5 - centre) / stretch));
    const sum = row.reduce((a, b) => a + b);
    return { from, row: row.map((w) => w / sum) };
  });
}

const known = new Map();
function matrix(n, m) {
  const key = `${n} ${m}`;
  if (!known.has(key)) known.set(key, weights(n, m));
  return known.get(key);
}

// A l Bᵀ for each colour, to W × H pixels; faces are squares, strips of eyes are not.
export function resize(face, W, H = W, w = side(face), h = w) {
  const across = matrix(w, W), down = matrix(h, H);
  const wide = new Float64Array(h * W * 3), out = new Float32Array(H * W * 3);
  for (let y = 0; y < h; y++)
    across.forEach(({ from, row }, x) => {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let j = 0; j < row.length; j++) sum += row[j] * face[(y * w + from + j) * 3 + c];
        wide[(y * W + x) * 3 + c] = sum;
      }
    });
  down.forEach(({ from, row }, y) => {
    for (let k = 0; k < W * 3; k++) {
      let sum = 0;
      for (let j = 0; j < row.length; j++) sum += row[j] * wide[(from + j) * W * 3 + k];
      out[y * W * 3 + k] = sum;
    }
  });
  return out;
}

const even = (x) => (x % 1 === 0.5 ? 2 * Math.round(x / 2) : Math.round(x)); // ties as torch's
export const toBytes = (face) => Uint8ClampedArray.from(face, (v) => even((v + 1) * 127.5));
export const toFloat = (bytes) => Float32Array.from(bytes, (v) => v / 127.5 - 1);
export const rounded = (face) => toFloat(toBytes(face)); // as a file would be
export const downsample = (face) => rounded(resize(face, 16));

export function fromCanvas(context, size) {
  const rgba = context.getImageData(0, 0, size, size).data;
  return Float32Array.from({ length: size * size * 3 }, (_, i) =>
    rgba[Math.trunc(i / 3) * 4 + (i % 3)] / 127.5 - 1);
}

export function toCanvas(canvas, face) {
  const size = side(face), bytes = toBytes(face);
  if (canvas.width !== size) canvas.width = canvas.height = size;
  const image = new ImageData(size, size);
  for (let i = 0; i < size * size; i++) {
    image.data.set(bytes.subarray(3 * i, 3 * i + 3), 4 * i);
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// Each pixel of the result from a place (x, y) of the face.
function moved(face, from) {
  const n = side(face), out = new Float32Array(face.length);
  for (let y = 0; y < n; y++)
    for (let x = 0; x < n; x++) from(x, y, (c, value) => { out[(y * n + x) * 3 + c] = value; });
  return out;
}

export function shift(face, dx, dy) {
  const n = side(face);
  return moved(face, (x, y, put) => {
    const place = (clamp(y - dy, 0, n - 1) * n + clamp(x - dx, 0, n - 1)) * 3;
    for (let c = 0; c < 3; c++) put(c, face[place + c]);
  });
}

// Counter-clockwise about the centre; bicubic with torch's a = -0.75, the edge mirrored.
export function rotate(face, degrees) {
  if (degrees % 360 === 0) return face;
  const n = side(face), kernel = cubic(-0.75), middle = (n - 1) / 2;
  const cos = Math.cos((degrees * Math.PI) / 180), sin = Math.sin((degrees * Math.PI) / 180);
  const mirror = (i) => {
    i = ((i % (2 * n)) + 2 * n) % (2 * n);
    return i < n ? i : 2 * n - 1 - i;
  };
  return moved(face, (x, y, put) => {
    const u = cos * (x - middle) - sin * (y - middle) + middle;
    const v = sin * (x - middle) + cos * (y - middle) + middle;
    const x0 = Math.floor(u), y0 = Math.floor(v), sum = [0, 0, 0];
    for (let j = y0 - 1; j < y0 + 3; j++)
      for (let i = x0 - 1; i < x0 + 3; i++) {
        const weight = kernel(u - i) * kernel(v - j), place = (mirror(j) * n + mirror(i)) * 3;
        for (let c = 0; c < 3; c++) sum[c] += weight * face[place + c];
      }
    sum.forEach((value, c) => put(c, clamp(value, -1, 1)));
  });
}

export function blur(face, sigma) {
  if (!sigma) return face;
  const n = side(face), reach = Math.ceil(4 * sigma), kernel = [];
  for (let k = -reach; k <= reach; k++) kernel.push(Math.exp((-k * k) / (2 * sigma * sigma)));
  const total = kernel.reduce((a, b) => a + b);
  const along = (image, dx, dy) => moved(image, (x, y, put) => {
    const sum = [0, 0, 0];
    kernel.forEach((weight, k) => {
      const i = clamp(x + dx * (k - reach), 0, n - 1), j = clamp(y + dy * (k - reach), 0, n - 1);
      for (let c = 0; c < 3; c++) sum[c] += (weight / total) * image[(j * n + i) * 3 + c];
    });
    sum.forEach((value, c) => put(c, value));
  });
  return along(along(face, 1, 0), 0, 1);
}

export function random(seed) { // mulberry32, uniform in [0, 1)
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function gaussian(uniform) {
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

export function noise(face, sigma) {
  if (!sigma) return face;
  const draw = gaussian(random(0));
  return face.map((v) => clamp(v + (sigma / 127.5) * draw(), -1, 1));
}

export function relight(face, gain, slope) {
  const n = side(face);
  return face.map((v, k) => {
    const x = ((Math.trunc(k / 3) % n) + 0.5) * (2 / n) - 1;
    return clamp((v + 1) * gain * (1 + slope * x) - 1, -1, 1);
  });
}

// PSNR in dB of 8-bit pictures; pixels of `hidden` (a set of LR pixels) do not count.
export function psnr(a, b, hidden = new Set()) {
  const n = side(a), step = n / 16, x = toBytes(a), y = toBytes(b);
  let sum = 0, count = 0;
  for (let i = 0; i < a.length; i++) {
    const p = Math.trunc(i / 3);
    if (hidden.has(Math.trunc(p / n / step) * 16 + Math.trunc((p % n) / step))) continue;
    sum += (x[i] - y[i]) ** 2;
    count++;
  }
  return sum ? 10 * Math.log10((255 ** 2 * count) / sum) : Infinity;
}
