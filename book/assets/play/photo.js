// The reader's own photo: read here, moved until its eyes lie in two marks, handed over as a face.
// Nothing is sent.
import { fromCanvas, resize, rounded } from "./image.js";
import { el } from "./page.js";

const MARKS = [[44, 56], [84, 56]]; // where the book's faces have their eyes, of 128 × 128
const FINE = 4, SIDE = 128 * FINE, MIDDLE = [64 * FINE, 56 * FINE]; // drawn finer, then reduced
const MOST = 1280; // side of the working copy
const TURN = Math.PI / 90;

async function upright(file) {
  const name = file.name || "this";
  if (!file.type.startsWith("image/"))
    throw new Error(`${name} is no picture (${file.type || "unknown kind"}): take a JPEG, PNG or WebP`);
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new Error(`this browser cannot read ${name}: take a JPEG, PNG or WebP`);
  }
}

function onWhite(picture, width, height) { // what is transparent becomes white
  const canvas = el("canvas", { width, height }), context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, width, height);
  return canvas;
}

export function own(take) {
  const note = el("p", { role: "status" });
  const view = el("canvas", { width: SIDE, height: SIDE, role: "img", tabIndex: 0,
    "aria-label": "your photo: arrow keys move it, plus and minus zoom, comma and full stop turn" });
  const context = view.getContext("2d", { willReadFrequently: true });
  let photo = null, stream = null;
  let m = {}; // the photo's (u, v) is drawn at (a u − b v + x, b u + a v + y)

  // Turned and zoomed by the complex number a + bi about a place, then moved.
  function move(dx, dy, a = 1, b = 0, [cx, cy] = MIDDLE) {
    const [x, y] = [m.x - cx, m.y - cy];
    m = { a: a * m.a - b * m.b, b: a * m.b + b * m.a, x: cx + dx + a * x - b * y, y: cy + dy + b * x + a * y };
    context.resetTransform();
    context.fillRect(0, 0, SIDE, SIDE); // what lies outside of the photo is black
    context.setTransform(m.a, m.b, -m.b, m.a, m.x, m.y);
    context.drawImage(photo, 0, 0);
    take(rounded(resize(fromCanvas(context, SIDE), 128)));
  }
  const turn = (by) => move(0, 0, Math.cos(by), Math.sin(by));
  const moves = { // key -> what it does, and the button's sign and name
    ArrowLeft: [() => move(-FINE, 0)], ArrowRight: [() => move(FINE, 0)],
    ArrowUp: [() => move(0, -FINE)], ArrowDown: [() => move(0, FINE)],
    "+": [() => move(0, 0, 1.05), "+", "larger"], "-": [() => move(0, 0, 1 / 1.05), "−", "smaller"],
    ",": [() => turn(-TURN), "↺", "turn to the left"], ".": [() => turn(TURN), "↻", "turn to the right"],
  };
  const act = (event, key) => { if (moves[key]) { event.preventDefault(); moves[key][0](); } };
  const buttons = Object.entries(moves).filter(([, [, sign]]) => sign).map(([key, [, sign, name]]) =>
    el("button", { type: "button", "aria-label": name, onclick: (event) => act(event, key) }, sign));
  const marks = MARKS.map(([x, y]) =>
    el("span", { class: "mark", style: `left: ${(100 * x) / 128}%; top: ${(100 * y) / 128}%` }));
  const stage = el("div", { hidden: true }, el("div", { class: "photo" }, view, ...marks),
    el("div", { class: "buttons" }, ...buttons), el("small", {},
      "Drag, pinch and turn the photo until each eye lies in a mark. Keys: arrows, + and −, comma and full stop."));

  const fingers = new Map();
  const at = ({ clientX, clientY }) => {
    const { left, top, width } = view.getBoundingClientRect();
    return [clientX - left, clientY - top].map((v) => (v * SIDE) / width);
  };
  view.addEventListener("pointerdown", (event) => {
    view.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at(event));
  });
  view.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    const [p, q] = fingers.values();
    fingers.set(event.pointerId, at(event));
    const [to, other] = fingers.values(), by = [to[0] - p[0], to[1] - p[1]];
    if (!q) return move(...by);
    const [u, v, s, t] = [q[0] - p[0], q[1] - p[1], other[0] - to[0], other[1] - to[1]], r = u * u + v * v;
    if (r) move(...by, (s * u + t * v) / r, (t * u - s * v) / r, p); // (s + ti) / (u + vi)
  });
  for (const end of ["pointerup", "pointercancel"])
    view.addEventListener(end, (event) => fingers.delete(event.pointerId));
  view.addEventListener("wheel", (event) => {
    if (document.activeElement !== view) return; // else the page scrolls
    event.preventDefault();
    move(0, 0, 1.001 ** -event.deltaY, 0, at(event));
  });
  view.addEventListener("keydown", (event) => act(event, event.key));

  function show(picture, width, height) { // a guess: a portrait, its eyes a little above the middle
    const scale = Math.min(1, MOST / Math.max(width, height));
    photo = onWhite(picture, Math.round(width * scale), Math.round(height * scale));
    const a = (40 * FINE) / (0.32 * Math.min(photo.width, photo.height));
    m = { a, b: 0, x: MIDDLE[0] - a * 0.5 * photo.width, y: MIDDLE[1] - a * 0.44 * photo.height };
    stage.hidden = false;
    move(0, 0);
  }

  async function open(file) {
    if (!file) return;
    close();
    try {
      const bitmap = await upright(file), { width, height } = bitmap;
      if (width === 16 && height === 16) { // an LR face as it is
        note.textContent = "16 × 16 pixels: taken as it is. Nobody here knows the original.";
        take(null, fromCanvas(onWhite(bitmap, 16, 16).getContext("2d"), 16));
      } else if (Math.min(width, height) < 64)
        note.textContent = `${width} × ${height} pixels: neither 16 × 16 nor at least 64 a side.`;
      else show(bitmap, width, height);
      bitmap.close();
    } catch (error) { note.textContent = error.message; }
  }

  function release() {
    stream?.getTracks().forEach((track) => track.stop());
    video.hidden = shoot.hidden = true;
  }
  function close() {
    release();
    stage.hidden = true;
    note.textContent = "";
  }
  const video = el("video", { hidden: true, muted: true, playsInline: true, autoplay: true, "aria-label": "camera" });
  const shoot = el("button", { type: "button", hidden: true, onclick: () => {
    show(video, video.videoWidth, video.videoHeight);
    release();
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
    "or drop one here, or paste it. It never leaves this page."), note, video, shoot, stage);
  return { element, close, listen(box) {
    box.addEventListener("dragover", (event) => event.preventDefault());
    box.addEventListener("drop", (event) => { event.preventDefault(); open(event.dataTransfer.files[0]); });
    box.addEventListener("paste", (event) => open(event.clipboardData.files[0]));
  } };
}
