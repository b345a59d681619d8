// What the live pages share: elements, labelled controls, numbers as the book writes them.

export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else if (value !== false) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export const signed = (x, digits = 1) => `${x < 0 ? "−" : "+"}${Math.abs(x).toFixed(digits)}`;

// A slider over a Map label -> value; `changed` is called when it moves.
export function slider(name, choices, start, changed) {
  const labels = [...choices.keys()], values = [...choices.values()];
  const said = el("output");
  const input = el("input", {
    type: "range", min: "0", max: `${labels.length - 1}`, "aria-label": name, "data-name": name,
    oninput: () => { show(); changed(); },
  });
  const show = () => {
    said.textContent = labels[input.value];
    input.setAttribute("aria-valuetext", labels[input.value]);
  };
  const set = (value) => { input.value = values.indexOf(value); show(); };
  set(start);
  return { row: el("label", { class: "row" }, el("span", {}, name), input, said), set,
           get value() { return values[input.value]; } };
}

export const numbers = (values, unit = "") =>
  new Map(values.map((v) => [`${v}${unit}`.replace("-", "−"), v]));
