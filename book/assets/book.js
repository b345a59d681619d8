// What a page does by itself: quizzes and checks that answer, and wide parts that a keyboard can scroll.

function quiz(section) {
  const questions = [...section.querySelectorAll("section")].filter((q) => /^question/.test(q.id));
  const score = document.createElement("p");
  score.setAttribute("role", "status");
  const state = new Map();
  questions.forEach((question, number) => {
    const answers = [...question.children].filter((child) => child.matches("details"));
    const field = document.createElement("fieldset");
    field.className = "quiz";
    field.setAttribute("aria-labelledby", question.querySelector("h3, h4").id ||= `quiz-${number}`);
    answers.forEach((answer) => {
      const label = document.createElement("label");
      const choice = document.createElement("input");
      choice.type = "radio";
      choice.name = `quiz-${number}`;
      label.append(choice, ...answer.querySelector("summary").childNodes);
      const feedback = document.createElement("div");
      feedback.hidden = true;
      answer.querySelector("summary").remove();
      feedback.append(...answer.childNodes);
      const right = feedback.textContent.trim().startsWith("Yes");
      choice.addEventListener("change", () => {
        field.querySelectorAll("div").forEach((other) => { other.hidden = other !== feedback; });
        field.querySelectorAll("label").forEach((other) => other.classList.remove("right", "wrong"));
        label.classList.add(right ? "right" : "wrong");
        state.set(number, right);
        const good = [...state.values()].filter(Boolean).length;
        score.textContent = `${good} of ${questions.length} right, ${questions.length - state.size} to go.`;
      });
      field.append(label, feedback);
    });
    answers[0].before(field);
    answers.forEach((answer) => answer.remove());
  });
  section.querySelectorAll(".cell").forEach((cell) => {
    if (cell.textContent.includes("check.quiz(")) cell.replaceWith(score);  // it needs a kernel
  });
  if (questions.length && !score.isConnected) questions.at(-1).append(score);
}

// A check without Python: the reader's numbers beside what is right, and what mistakes give.
function byHand(place, number) {
  const [right, wrong] = [place.dataset.right, place.dataset.wrong].map(JSON.parse);
  const input = document.createElement("input");
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  const question = place.querySelector("p");
  question.id = `by-hand-${number}`;
  input.setAttribute("aria-labelledby", question.id);
  input.inputMode = "text";
  input.placeholder = right.length > 1 ? `${right.length} numbers` : "a number";
  input.addEventListener("change", () => {
    const found = input.value.replace(/[−–]/g, "-").replace(/(\d),(?=\d{3}(\D|$))/g, "$1").split(/[\s,;]+/).filter(Boolean).map(Number);
    const like = (other) => other.length === found.length &&
      other.every((v, i) => Math.abs(v - found[i]) <= 0.005 * Math.abs(v) + 1e-4);
    const hint = wrong.find(([numbers]) => like(numbers))?.[1];
    const count = found.length === right.length ? "not that" : `${right.length === 1 ? "one number is" : `${right.length} numbers are`} asked for`;
    said.textContent = !found.length ? "" : like(right) ? "✓ right" : found.some(Number.isNaN) ? "✗ numbers only, with a point" : `✗ ${hint ?? count}`;
    said.className = like(right) ? "right" : "wrong";
  });
  question.after(input, " ", said);
}

const WIDE = ".wide, table, pre, div.math, mjx-container[display]";

function reachable() {
  for (const part of document.querySelectorAll(`article :is(${WIDE})`)) {
    if (part.scrollWidth > part.clientWidth + 1) part.tabIndex = 0;
    else part.removeAttribute("tabindex");
  }
}

document.querySelectorAll("section#quiz").forEach(quiz);
document.querySelectorAll(".by-hand[data-right]").forEach(byHand);
new ResizeObserver(reachable).observe(document.querySelector("article"));  // formulas come late
addEventListener("resize", reachable);
