// The reader's own photo: read here, aligned by two eyes, handed over as a face. Nothing is sent.
import { fromCanvas, resize, rounded } from "./image.js";
import { el } from "./page.js";

const EYES = [[44, 56], [84, 56]]; // where the book's faces have them, of 128 × 128
const MOST = 1280, FINE = 4; // side of the working copy; drawn so much finer, then reduced

async function upright(file) {
  if (!file.type.startsWith("image/"))
    throw new Error(`${file.name || "this"} is no picture (${file.type || "unknown kind"}): take a JPEG, PNG or WebP`);
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new Error(`this browser cannot read ${file.name || "this picture"}: take a JPEG, PNG or WebP`);
  }
}

export function own(take) {
  const note = el("p", { role: "status" });
  const view = el("canvas", { role: "img", "aria-label": "your photo" });
  const dots = ["left", "right"].map((name, i) => el("button", {
    type: "button", class: "dot", "data-eye": name,
    "aria-label": `the eye on the ${name}: drag it, or move it with the arrow keys`,
  }));
  const place = el("div", { class: "photo", hidden: true }, view, ...dots);
  let eyes = [], stream = null;

  function cut() {
    const size = 128 * FINE, canvas = el("canvas", { width: size, height: size });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const [[s0x, s0y], [s1x, s1y]] = eyes.map(([x, y]) => [x * view.width, y * view.height]);
    const [[t0x, t0y], [t1x]] = EYES.map((p) => p.map((v) => v * FINE));
    const length = (s1x - s0x) ** 2 + (s1y - s0y) ** 2;
    if (length < 16) { note.textContent = "The eyes are too near to each other."; return; }
    const a = ((s1x - s0x) * (t1x - t0x)) / length, b = (-(s1y - s0y) * (t1x - t0x)) / length;
    context.fillRect(0, 0, size, size); // what lies outside of the photo is black
    context.imageSmoothingQuality = "high";
    context.setTransform(a, b, -b, a, t0x - a * s0x + b * s0y, t0y - b * s0x - a * s0y);
    context.drawImage(view, 0, 0);
    note.textContent = "Drag the two dots onto the eyes.";
    take(rounded(resize(fromCanvas(context, size), 128)));
  }

  function put(i, x, y) {
    eyes[i] = [x, y].map((v) => Math.min(Math.max(v, 0), 1));
    dots[i].style.left = `${100 * eyes[i][0]}%`;
    dots[i].style.top = `${100 * eyes[i][1]}%`;
  }
  dots.forEach((dot, i) => {
    dot.addEventListener("pointerdown", (event) => { dot.setPointerCapture(event.pointerId); event.preventDefault(); dot.focus(); });
    dot.addEventListener("pointermove", (event) => {
      if (!event.buttons) return;
      const { left, top, width, height } = view.getBoundingClientRect();
      put(i, (event.clientX - left) / width, (event.clientY - top) / height);
      cut();
    });
    dot.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!move) return;
      event.preventDefault();
      const step = event.shiftKey ? 0.05 : 0.01;
      put(i, eyes[i][0] + step * move[0], eyes[i][1] + step * move[1]);
      cut();
    });
  });

  function show(picture, width, height) {
    const scale = Math.min(1, MOST / Math.max(width, height));
    Object.assign(view, { width: Math.round(width * scale), height: Math.round(height * scale) });
    const context = view.getContext("2d");
    context.fillStyle = "white"; // behind what is transparent
    context.fillRect(0, 0, view.width, view.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, 0, 0, view.width, view.height);
    const apart = (0.16 * Math.min(view.width, view.height)) / view.width;
    put(0, 0.5 - apart, 0.44);
    put(1, 0.5 + apart, 0.44);
    place.hidden = false;
    cut();
  }

  async function open(file) {
    if (!file) return;
    close();
    try {
      const bitmap = await upright(file);
      if (bitmap.width === 16 && bitmap.height === 16) { // an LR face as it is
        const context = el("canvas", { width: 16, height: 16 }).getContext("2d");
        context.fillStyle = "white";
        context.fillRect(0, 0, 16, 16);
        context.drawImage(bitmap, 0, 0);
        note.textContent = "16 × 16 pixels: taken as it is. Nobody here knows the original.";
        take(null, fromCanvas(context, 16));
      } else if (Math.min(bitmap.width, bitmap.height) < 64) {
        note.textContent = `${bitmap.width} × ${bitmap.height} pixels: neither 16 × 16 nor at least 64 a side.`;
      } else show(bitmap, bitmap.width, bitmap.height);
      bitmap.close();
    } catch (error) { note.textContent = error.message; }
  }

  function close() {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.hidden = shoot.hidden = place.hidden = true;
    note.textContent = "";
  }
  const video = el("video", { hidden: true, muted: true, playsInline: true, autoplay: true, "aria-label": "camera" });
  const shoot = el("button", { type: "button", hidden: true, onclick: () => {
    const still = el("canvas", { width: video.videoWidth, height: video.videoHeight });
    still.getContext("2d").drawImage(video, 0, 0);
    close();
    show(still, still.width, still.height);
  } }, "take the picture");
  const camera = el("button", { type: "button", onclick: async () => {
    close();
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
      video.srcObject = stream;
      video.hidden = shoot.hidden = false;
    } catch { note.textContent = "No camera, or none that this page may use."; }
  } }, "camera");
  const file = el("input", { type: "file", accept: "image/*", "aria-label": "a photo of your own",
    onchange: () => open(file.files[0]) });
  const element = el("div", {}, el("div", { class: "row" }, file, camera), el("small", {},
    "or drop one here, or paste it. It never leaves this page."), note, video, shoot, place);
  return { element, close, listen(box) {
    box.addEventListener("dragover", (event) => event.preventDefault());
    box.addEventListener("drop", (event) => { event.preventDefault(); open(event.dataTransfer.files[0]); });
    box.addEventListener("paste", (event) => open(event.clipboardData.files[0]));
  } };
}
