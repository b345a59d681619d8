// Every `.play` of a page: today's picture with a button; the live component comes on first touch.
import { el } from "./page.js";

for (const place of document.querySelectorAll(".play")) {
  const { kind = "faces", label = "Play with it live" } = place.dataset;
  const progress = el("progress", { "aria-label": "loading" }), note = el("p", { role: "status" });
  const button = el("button", { type: "button", onclick: async () => {
    button.disabled = true;
    button.replaceChildren("Loading … ", progress);
    try {
      const { start } = await import(`./${kind}.js`);
      const live = await start(place.dataset, (done, of) => Object.assign(progress, { max: of, value: done }));
      const still = [...place.childNodes].filter((node) => node !== button && node !== note);
      place.replaceChildren(live);
      live.addEventListener("failed", () => place.append(...still)); // found out later
      place.classList.add("live");
      live.querySelector("input, select, button")?.focus({ preventScroll: true });
    } catch (error) {
      Object.assign(button, { disabled: false, textContent: label });
      note.textContent = `It does not run here: ${error.message}. The picture stays.`;
    }
  } }, label);
  place.append(button, note);
}
