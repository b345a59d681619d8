// Every `.play` of a page: today's picture with a button; the live component comes on first touch.
for (const place of document.querySelectorAll(".play")) {
  const { kind = "faces", label = "Play with it live" } = place.dataset;
  if (!location.protocol.startsWith("http")) continue; // a browser reads no weights from a file://
  const button = document.createElement("button");
  const progress = document.createElement("progress");
  const note = document.createElement("p");
  button.type = "button";
  button.textContent = label;
  progress.setAttribute("aria-label", "loading");
  note.setAttribute("role", "status");
  button.onclick = async () => {
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
      button.disabled = false;
      button.textContent = label;
      note.textContent = `It does not run here: ${error.message}. The picture stays.`;
    }
  };
  place.append(button, note);
}
