// Faces as plain numbers, as `urdgn_lite.degrade` treats them: Float32Array of h × w × 3 values in
// [-1, 1], row by row. A damage returns a new face.

const cubic = (a) => (x) => {
  x = Math.abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((x - 5) * x + 8) * x * a - 4 * a : 0;
};
export const clamp = (x, low, high) => Math.min(Math.max(x, low), high);
const side = (face) => Math.sqrt(face.length / 3);

// Damages and sizes are linear, across and down alike: a matrix is a list of rows, and a row a list
// of places and one of their weights.
const matrix = (n, row) => Array.from({ length: n }, (_, i) => row(i));

const bicubic = (n, m) => { // from n values to m with a = -0.5, over the whole footprint where m < n
  const scale = n / m, stretch = Math.max(scale, 1), kernel = cubic(-0.5);
  return matrix(m, (i) => {
    const centre = scale * (i + 0.5), from = Math.max(Math.trunc(centre - 2 * stretch + 0.5), 0);
    const to = Math.min(Math.trunc(centre + 2 * stretch + 0.5), n);
    const places = matrix(to - from, (j) => from + j), weights = places.map((j) => kernel((j + 0.5 - centre) / stretch));
    const sum = weights.reduce((total, weight) => total + weight);
    return [places, weights.map((weight) => weight / sum)];
  });
};

// A l Bᵀ for each colour. Faces are squares; strips of eyes, w pixels wide, are not.
function linear(face, across, down, w = side(face)) {
  const h = face.length / 3 / w, stride = across.length * 3, sum = new Float64Array(stride);
  const wide = new Float64Array(h * stride), out = new Float32Array(down.length * stride);
  for (let y = 0; y < h; y++)
    across.forEach(([places, weights], x) => {
      for (let k = 0; k < places.length; k++)
        for (let c = 0; c < 3; c++) wide[y * stride + x * 3 + c] += weights[k] * face[(y * w + places[k]) * 3 + c];
    });
  down.forEach(([places, weights], y) => {
    sum.fill(0);
    for (let k = 0; k < places.length; k++)
      for (let i = 0; i < stride; i++) sum[i] += weights[k] * wide[places[k] * stride + i];
    out.set(sum, y * stride);
  });
  return out;
}

export const resize = (face, W, H = W, w = side(face), h = w) => linear(face, bicubic(w, W), bicubic(h, H), w);

export function toBytes(face) {
  const bytes = new Uint8ClampedArray(face.length);
  for (let i = 0; i < face.length; i++) bytes[i] = Math.fround((face[i] + 1) * 127.5); // ties as torch's
  return bytes;
}
export const toFloat = (bytes) => new Float32Array(bytes).map((v) => v / 127.5 - 1);
export const rounded = (face) => toFloat(toBytes(face)); // as a file would be
export const downsample = (face) => rounded(resize(face, 16));

export const fromCanvas = (context, width, height = width, left = 0, top = 0) =>
  toFloat(context.getImageData(left, top, width, height).data.filter((_, i) => i % 4 < 3));

export function toCanvas(canvas, face, width = side(face), height = width) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const bytes = toBytes(face), image = new ImageData(width, height);
  image.data.fill(255);
  for (let i = 0; i < bytes.length; i++) image.data[i + Math.trunc(i / 3)] = bytes[i];
  canvas.getContext("2d").putImageData(image, 0, 0);
}

export function shift(face, dx, dy) {
  const n = side(face), by = (d) => matrix(n, (i) => [[clamp(i - d, 0, n - 1)], [1]]);
  return linear(face, by(dx), by(dy));
}

export function blur(face, sigma) {
  if (!sigma) return face;
  const n = side(face), reach = Math.ceil(4 * sigma);
  const kernel = matrix(2 * reach + 1, (k) => Math.exp(-((k - reach) ** 2) / (2 * sigma * sigma)));
  const total = kernel.reduce((a, b) => a + b), weights = kernel.map((weight) => weight / total);
  const rows = matrix(n, (i) => [kernel.map((_, k) => clamp(i + k - reach, 0, n - 1)), weights]);
  return linear(face, rows, rows);
}

// Counter-clockwise about the centre; bicubic with torch's a = -0.75, the edge mirrored.
export function rotate(face, degrees) {
  if (degrees % 360 === 0) return face;
  const n = side(face), kernel = cubic(-0.75), middle = (n - 1) / 2, out = new Float32Array(face.length);
  const cos = Math.cos((degrees * Math.PI) / 180), sin = Math.sin((degrees * Math.PI) / 180);
  const within = (i) => ((i % (2 * n)) + 2 * n) % (2 * n);
  const mirror = (i) => Math.min(within(i), within(-1 - i));
  for (let p = 0; p < n * n; p++) {
    const x = (p % n) - middle, y = Math.trunc(p / n) - middle;
    const u = cos * x - sin * y + middle, v = sin * x + cos * y + middle;
    for (let j = Math.floor(v) - 1; j < Math.floor(v) + 3; j++)
      for (let i = Math.floor(u) - 1; i < Math.floor(u) + 3; i++) {
        const weight = kernel(u - i) * kernel(v - j), place = (mirror(j) * n + mirror(i)) * 3;
        for (let c = 0; c < 3; c++) out[p * 3 + c] += weight * face[place + c];
      }
  }
  return out.map((v) => clamp(v, -1, 1));
}

export function relight(face, gain, slope) {
  const n = side(face);
  return face.map((v, k) => {
    const x = ((Math.trunc(k / 3) % n) + 0.5) * (2 / n) - 1;
    return clamp((v + 1) * gain * (1 + slope * x) - 1, -1, 1);
  });
}

export function random(seed) { // mulberry32, uniform in [0, 1)
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
export const gaussian = (uniform) => () =>
  Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());

export function noise(face, sigma) {
  const draw = gaussian(random(0));
  return face.map((v) => clamp(v + (sigma / 127.5) * draw(), -1, 1));
}

// PSNR in dB of 8-bit pictures; pixels of `hidden` (a set of LR pixels) do not count.
export function psnr(a, b, hidden = new Set()) {
  const n = side(a), step = n / 16, x = toBytes(a), y = toBytes(b);
  let sum = 0, count = 0;
  for (let i = 0; i < a.length; i++) {
    const p = Math.trunc(i / 3);
    if (hidden.size && hidden.has(Math.trunc(p / n / step) * 16 + Math.trunc((p % n) / step))) continue;
    sum += (x[i] - y[i]) ** 2;
    count++;
  }
  return sum ? 10 * Math.log10((255 ** 2 * count) / sum) : Infinity;
}
