// The reader's own photo: read here, two dots laid on its eyes, handed over as a face. Nothing is sent.
import { clamp, fromCanvas, resize, rounded } from "./image.js";
import { el } from "./page.js";

const EYE = [44, 56], APART = 40; // where the book's faces have their left eye, and how far the other is
const FINE = 4, SIDE = 128 * FINE; // drawn finer, then reduced
const MOST = 1280; // side of the working copy
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

async function upright(file) {
  if (!file.type.startsWith("image/")) throw new Error(`${file.name} is no picture (${file.type || "unknown kind"})`);
  return createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => {
    throw new Error(`this browser cannot read ${file.name}`);
  });
}

function onWhite(picture, width, height) { // what is transparent becomes white
  const canvas = el("canvas", { width, height }), context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, width, height);
  return canvas;
}

// `take` gets each face that is made: HR, or null and an LR face.
export function own(take) {
  const face = el("canvas", { width: SIDE, height: SIDE }).getContext("2d", { willReadFrequently: true });
  let photo = null, stream = null;

  function cut() { // turned, sized and moved until the dots lie where faces have their eyes
    const [[x, y], [right, low]] = dots.map(({ at }) => at).sort(([a], [b]) => a - b);
    const [u, v] = [right - x, low - y], size = (APART * FINE) / (u * u + v * v || 1), [a, b] = [u * size, -v * size];
    face.resetTransform();
    face.fillRect(0, 0, SIDE, SIDE); // what lies outside of the photo is black
    face.setTransform(a, b, -b, a, EYE[0] * FINE - a * x + b * y, EYE[1] * FINE - b * x - a * y);
    face.drawImage(photo, 0, 0);
    take(rounded(resize(fromCanvas(face, SIDE), 128)));
  }
  function place(dot, x, y) {
    dot.at = [clamp(x, 0, photo.width), clamp(y, 0, photo.height)];
    Object.assign(dot.style, { left: `${(100 * dot.at[0]) / photo.width}%`, top: `${(100 * dot.at[1]) / photo.height}%` });
  }
  function move(dot, dx, dy) { // in CSS pixels
    const scale = photo.width / photo.clientWidth;
    place(dot, dot.at[0] + dx * scale, dot.at[1] + dy * scale);
    cut();
  }
  const dots = ["one eye", "the other eye"].map((name) => {
    let last = null;
    const dot = el("button", { type: "button", class: "dot", "aria-label": `${name}: drag, or arrow keys`,
      onpointerdown: (event) => { dot.setPointerCapture(event.pointerId); last = event; },
      onpointermove: (event) => {
        if (!dot.hasPointerCapture(event.pointerId)) return;
        move(dot, event.clientX - last.clientX, event.clientY - last.clientY);
        last = event;
      },
      onkeydown: (event) => {
        if (!ARROWS[event.key]) return;
        event.preventDefault();
        move(dot, ...ARROWS[event.key]);
      } });
    return dot;
  });

  function show(picture, width, height) {
    const scale = Math.min(1, MOST / Math.max(width, height));
    photo = onWhite(picture, Math.round(width * scale), Math.round(height * scale));
    view.replaceChildren(photo, ...dots);
    stage.hidden = false;
    const apart = 0.16 * Math.min(photo.width, photo.height); // a guess: a portrait, its eyes above the middle
    [-apart, apart].forEach((by, i) => place(dots[i], photo.width / 2 + by, 0.44 * photo.height));
    cut();
  }
  async function open(file) {
    if (!file) return;
    close();
    try {
      const bitmap = await upright(file), { width, height } = bitmap;
      if (width === 16 && height === 16) { // an LR face as it is
        note.textContent = "16 × 16 pixels: taken as it is. Nobody here knows the original.";
        take(null, fromCanvas(onWhite(bitmap, 16, 16).getContext("2d"), 16));
      } else if (Math.min(width, height) < 64) throw new Error(`${width} × ${height} pixels are too few`);
      else show(bitmap, width, height);
    } catch (error) { note.textContent = `${error.message}: take a JPEG, PNG or WebP of at least 64 pixels a side.`; }
  }
  function close() {
    stream?.getTracks().forEach((track) => track.stop());
    video.hidden = shoot.hidden = stage.hidden = true;
    note.textContent = "";
  }
  async function film() {
    close();
    try {
      video.srcObject = stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
      video.hidden = shoot.hidden = false;
    } catch { note.textContent = "No camera, or none that this page may use."; }
  }

  const file = el("input", { type: "file", accept: "image/*", "aria-label": "a photo of your own", onchange: () => open(file.files[0]) });
  const camera = el("button", { type: "button", onclick: film }, "camera");
  const note = el("p", { role: "status" });
  const video = el("video", { hidden: true, muted: true, playsInline: true, autoplay: true, "aria-label": "camera" });
  const shoot = el("button", { type: "button", hidden: true,
    onclick: () => { close(); show(video, video.videoWidth, video.videoHeight); } }, "take the picture");
  const view = el("div", { class: "photo" });
  const stage = el("div", { hidden: true }, view, el("small", {}, "Lay the two dots on the eyes: drag them, or use the arrow keys."));
  const element = el("div", {}, el("div", { class: "row" }, file, camera),
    el("small", {}, "or drop one here, or paste it. It never leaves this page."), note, video, shoot, stage);
  return { element, close, listen(box) {
    box.addEventListener("dragover", (event) => event.preventDefault());
    box.addEventListener("drop", (event) => { event.preventDefault(); open(event.dataTransfer.files[0]); });
    box.addEventListener("paste", (event) => open(event.clipboardData.files[0]));
  } };
}
