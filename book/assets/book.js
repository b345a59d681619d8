// Two things that a page does by itself: quizzes that answer, and wide parts that a keyboard can scroll.

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

const WIDE = "table, pre, div.math, mjx-container[display]";

function reachable() {
  for (const part of document.querySelectorAll(`article :is(${WIDE})`)) {
    if (part.scrollWidth > part.clientWidth + 1) part.tabIndex = 0;
    else part.removeAttribute("tabindex");
  }
}

document.querySelectorAll("section#quiz").forEach(quiz);
new ResizeObserver(reachable).observe(document.querySelector("article"));  // formulas come late
addEventListener("resize", reachable);
