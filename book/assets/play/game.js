// Algorithm 1 on points in the plane: two small networks, their gradients by hand, RMSprop.
import { gaussian, random } from "./image.js";

// A network in → width → width → out with ReLU between; values and gradients as plain arrays.
class Network {
  constructor(into, width, out, uniform) { // begins as torch's Linear does
    this.sizes = [[into, width], [width, width], [width, out]];
    const begin = (length, a) => Float64Array.from({ length }, () => (2 * uniform() - 1) / Math.sqrt(a));
    this.W = this.sizes.map(([a, b]) => begin(a * b, a));
    this.b = this.sizes.map(([a, b]) => begin(b, a));
    this.theta = [...this.W, ...this.b];
    this.delta = this.theta.map((p) => new Float64Array(p.length)); // Δ of Eqs. 5 and 8
  }

  forward(x, n) { // n rows of `into` values; keeps what backward needs
    this.kept = [x];
    this.sizes.forEach(([a, b], layer) => {
      const y = new Float64Array(n * b), W = this.W[layer], bias = this.b[layer];
      for (let r = 0; r < n; r++)
        for (let j = 0; j < b; j++) {
          let sum = bias[j];
          for (let i = 0; i < a; i++) sum += x[r * a + i] * W[j * a + i];
          y[r * b + j] = layer < 2 && sum < 0 ? 0 : sum;
        }
      this.kept.push((x = y));
    });
    return x;
  }

  backward(dy, n) { // gradients of the parameters, and of the input
    const grads = this.theta.map((p) => new Float64Array(p.length));
    for (let layer = 2; layer >= 0; layer--) {
      const [a, b] = this.sizes[layer], x = this.kept[layer], y = this.kept[layer + 1];
      const dx = new Float64Array(n * a), W = this.W[layer], dW = grads[layer], db = grads[3 + layer];
      for (let r = 0; r < n; r++)
        for (let j = 0; j < b; j++) {
          const d = dy[r * b + j];
          if (layer < 2 && y[r * b + j] <= 0) continue;
          db[j] += d;
          for (let i = 0; i < a; i++) {
            dW[j * a + i] += d * x[r * a + i];
            dx[r * a + i] += d * W[j * a + i];
          }
        }
      dy = dx;
    }
    return { grads, dx: dy };
  }

  // Eq. 5 with sign +1 (D ascends), Eq. 8 with sign -1 (G descends).
  rmsprop(grads, rate, sign, alpha = 0.9, eps = 1e-8) {
    grads.forEach((g, k) => {
      const delta = this.delta[k], theta = this.theta[k];
      for (let i = 0; i < g.length; i++) {
        delta[i] = alpha * delta[i] + (1 - alpha) * g[i] * g[i];
        theta[i] += (sign * rate * g[i]) / Math.sqrt(delta[i] + eps);
      }
    });
  }
}

const sigmoid = (z) => 1 / (1 + Math.exp(-z));
const logSigmoid = (z) => Math.min(z, 0) - Math.log1p(Math.exp(-Math.abs(z)));
const size = (grads) => Math.sqrt(grads.flatMap((g) => [...g]).reduce((a, v) => a + v * v, 0));

export class Game {
  // `settings` may change while it runs: rateD, rateG, updates, saturating, lambda.
  constructor(settings, seed = 0, { width = 32, N = 64, heaps = 8 } = {}) {
    this.settings = settings;
    this.uniform = random(seed);
    this.normal = gaussian(this.uniform);
    this.N = N;
    this.heaps = Array.from({ length: heaps }, (_, k) =>
      [Math.cos((2 * Math.PI * k) / heaps), Math.sin((2 * Math.PI * k) / heaps)]);
    this.G = new Network(2, width, 2, this.uniform);
    this.D = new Network(2, width, 1, this.uniform);
    this.iteration = this.move = 0;
    this.phase = 4; // the equation whose turn it is
    this.history = [];
  }

  real(n = this.N) {
    const heap = () => this.heaps[Math.trunc(this.uniform() * this.heaps.length)];
    return Float64Array.from(Array.from({ length: n }, heap).flat(), (v) => v + 0.08 * this.normal());
  }
  noise(n = this.N) { return Float64Array.from({ length: 2 * n }, this.normal); }

  // One equation: 4 and 5 for D (`updates` times), then 7 and 8 for G. Returns its number.
  step() {
    const { N, settings: s } = this, done = this.phase;
    if (done === 4) { // ∂F/∂D over N pairs
      const real = this.real(), fake = this.G.forward(this.noise(), N);
      const z = this.D.forward(Float64Array.of(...real, ...fake), 2 * N);
      this.grads = this.D.backward(z.map((v, i) => (i < N ? sigmoid(-v) : -sigmoid(v)) / N), 2 * N).grads;
      this.value = z.reduce((sum, v, i) => sum + logSigmoid(i < N ? v : -v), 0) / N;
      this.phase = 5;
    } else if (done === 5) {
      this.D.rmsprop(this.grads, s.rateD, 1);
      this.move = (this.move + 1) % s.updates;
      this.phase = this.move ? 4 : 7;
    } else if (done === 7) { // ∂F/∂G over N pairs
      const real = this.real();
      this.fake = this.G.forward(this.noise(), N);
      const z = this.D.forward(this.fake, N);
      const dz = z.map((v) => (s.saturating ? -sigmoid(v) : -sigmoid(-v)) / N);
      this.push = this.D.backward(dz, N).dx.map((v, i) => v + (s.lambda * (this.fake[i] - real[i])) / N);
      this.grads = this.G.backward(this.push, N).grads;
      const pixels = this.fake.reduce((sum, v, i) => sum + (v - real[i]) ** 2, 0) / (2 * N);
      const fooling = z.reduce((sum, v) => sum + (s.saturating ? logSigmoid(-v) : -logSigmoid(v)), 0) / N;
      this.loss = fooling + s.lambda * pixels;
      this.phase = 8;
    } else {
      this.G.rmsprop(this.grads, s.rateG, -1);
      this.iteration++;
      this.history.push([this.value, this.loss]);
      this.phase = 4;
    }
    if (done === 4 || done === 7) this.length = size(this.grads);
    return done;
  }

  iterate(count = 1) { for (const end = this.iteration + count; this.iteration < end;) this.step(); }

  points(n = 200) { return this.G.forward(this.noise(n), n); }
  opinion(places) { return this.D.forward(places, places.length / 2).map(sigmoid); }

  // Share of G's points near a heap, and how many heaps have more than 2 % of them.
  visited(points = this.points()) {
    const counts = this.heaps.map(() => 0), n = points.length / 2;
    for (let r = 0; r < n; r++) {
      const far = this.heaps.map(([x, y]) => Math.hypot(points[2 * r] - x, points[2 * r + 1] - y));
      const nearest = far.indexOf(Math.min(...far));
      if (far[nearest] < 0.3) counts[nearest]++;
    }
    return { share: counts.reduce((a, b) => a + b) / n, heaps: counts.filter((c) => c > 0.02 * n).length, counts };
  }
}
