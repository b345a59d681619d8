"""The self-checks: right solutions pass, each wrong one fails one property and only that."""

from __future__ import annotations

import ast
import functools
import math
import os
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from also_right import ALSO_RIGHT
from mutants import HEAD, MUTANTS, RIGHT_ONES

from urdgn_lite import check, objective, optimiser
from urdgn_lite.check.engine import Report
from urdgn_lite.check.exercise import Exercise
from urdgn_lite.grading.reading import parse
from urdgn_lite.grading.submission import assignments

BOOK = Path(__file__).parent.parent / "book"
GRADED = {p.check for a in assignments().values() for p in a.parts}
SEEDS = range(int(os.environ["SEEDS"])) if "SEEDS" in os.environ else [0, 1, 2, 2026]


def build(code: str) -> Any:
    namespace: dict[str, Any] = {}
    exec(compile(code, "<solution>", "exec"), namespace)
    return namespace["f"]


@functools.cache
def judged(task: str, code: str) -> Report:
    """What a check says of a mutant, once for all that look at it."""
    return check.SUITES[task](build(code), seed=1)


@pytest.mark.parametrize(
    ("task", "name", "fails", "code"), MUTANTS, ids=[f"{m[0]}: {m[1]}" for m in MUTANTS]
)
def test_a_misconception_fails_its_property_and_only_that(
    task: str, name: str, fails: str, code: str
) -> None:
    report = judged(task, code)
    assert report.failed == [fails], report


@pytest.mark.parametrize("task", RIGHT_ONES)
def test_right_solutions_pass_with_every_seed(task: str) -> None:
    """`SEEDS=1000 pytest tests/test_check.py -k every_seed` takes ten minutes of a core."""
    right, suite = build(RIGHT_ONES[task]), check.SUITES[task]
    wronged = {s: str(r) for s in SEEDS if not (r := suite(right, seed=s)).passed or r.score != 1}
    assert not wronged


@pytest.mark.parametrize(
    ("task", "name", "code"), ALSO_RIGHT, ids=[f"{r[0]}: {r[1]}" for r in ALSO_RIGHT]
)
def test_right_solutions_in_another_style_pass(task: str, name: str, code: str) -> None:
    for seed in (0, 1):
        report = check.SUITES[task](build(code), seed=seed)
        assert report.passed, report


EXERCISES = [s for s in check.SUITES.values() if isinstance(s, Exercise)]


@pytest.mark.parametrize("suite", EXERCISES, ids=lambda s: s.name)
def test_every_hint_is_given_to_the_mistake_that_it_names(suite: Exercise) -> None:
    assert suite(suite.reference).passed
    for hint, wrong in suite.mistakes.items():
        (right,) = [r for r in suite(wrong).results if r.state == "failed"]
        assert (right.property.name, right.why) == ("right", hint)


@pytest.mark.parametrize("task", sorted(GRADED))
def test_a_verdict_does_not_depend_on_the_seed(task: str) -> None:
    """A few seeds each time; rmsprop, sweep and choose were tried on a thousand once."""
    suite = check.SUITES[task]
    codes = [c for t, *_, c in MUTANTS if t == task][:: 4 if task in ("interval",) else 6]
    for code in codes:
        verdicts = [suite(build(code), seed=seed).failed for seed in range(100, 103)]
        assert verdicts == [judged(task, code).failed] * 3


def test_partial_credit_follows_the_size_of_the_error() -> None:
    def points(task: str, name: str) -> float:
        return judged(task, next(m[3] for m in MUTANTS if m[:2] == (task, name))).points(16)

    def negated(z: Any, x: Any, h: Any, lam: float) -> Any:
        return -objective.generator_loss(z, x, h, lam)

    assert check.objective(negated).points(16) == 4
    assert points("objective", "D's answers not averaged") == 12
    assert points("discriminator", "both labelled real") == 8
    assert points("rmsprop", "root forgotten") == 8
    wrong = [points(t, name) for t, name, *_ in MUTANTS if t == "objective"]
    assert max(wrong) <= 14


def test_at_least_25_misconceptions_and_every_property_has_one() -> None:
    assert len(MUTANTS) >= 25
    assert len({m[3] for m in MUTANTS}) == len(MUTANTS), "two mutants are the same code"
    hit = {(task, fails) for task, _, fails, _ in MUTANTS}
    hit |= {(suite.name, "right") for suite in EXERCISES}  # by the mistakes that have hints, above
    for name, suite in check.SUITES.items():
        assert {(name, p.name) for p in suite.properties} <= hit


def test_the_packages_own_functions_pass() -> None:
    assert check.objective(objective.generator_loss).passed
    assert check.discriminator(
        lambda D, generated, real: objective.discriminator_value(D(real), D(generated.detach()))
    ).passed

    def step(theta: Any, gradient: Any, delta: Any, eta: float, alpha: float, eps: float,
             maximize: bool = False) -> tuple[Any, Any]:  # fmt: skip
        theta, delta = theta.clone(), delta.clone()
        optimiser.rmsprop_step(theta, gradient, delta, eta=eta, alpha=alpha, eps=eps,
                               maximize=maximize)  # fmt: skip
        return theta, delta

    assert check.rmsprop(step).passed


def test_the_other_adversarial_term_can_be_asked_for() -> None:
    def other(z: Any, x: Any, h: Any, lam: float) -> Any:
        return objective.generator_loss(z, x, h, lam, "non-saturating")

    assert check.objective(other, adversarial="non-saturating").passed
    assert check.objective(other).failed == ["term"]
    wrong = check.objective(objective.generator_loss, adversarial="non-saturating")
    assert wrong.failed == ["term"]


def test_a_report_says_what_on_which_input_and_where_to_read() -> None:
    report = check.objective(lambda z, x, h, lam: objective.generator_loss(z, x, h, lam**2))
    text = str(report)
    assert "✗ the loss is a straight line in λ" in text
    assert "input: z = (" in text
    assert "read again: chapter" in text
    assert text.endswith("16 of 18 hold, 1 wait for those above them.")
    assert "logsigmoid" not in text
    assert repr(report) == text


def test_every_place_to_read_again_exists() -> None:
    headings = {}
    for path in [*BOOK.glob("*.ipynb"), *BOOK.glob("assignments/*.ipynb")]:
        cells = [c for c in nbformat.read(path, 4).cells if c.cell_type == "markdown"]
        found = re.findall(r"(?m)^#+ (?:\d+\. )?(.+)$", "\n".join(c.source for c in cells))
        headings[found[0]] = found
    for suite in check.SUITES.values():
        for where in {p.where for p in suite.properties}:
            chapter, section = re.fullmatch(r"(?:chapter )?“?(.+?)”?, “(.+)”", where).groups()  # type: ignore[union-attr]
            (title,) = [h for h in headings if f"{h.lower()}:".startswith(f"{chapter.lower()}:")]
            assert any(section in h for h in headings[title]), where


def test_no_feedback_holds_the_solution() -> None:
    for task, _, _, code in MUTANTS:
        text = str(judged(task, code))
        for secret in ("logsigmoid", ".detach()", "sqrt", "softplus", "square()", "randint"):
            assert secret not in text


STUBS = ("...", "pass", '"""What it does."""', "raise NotImplementedError", "return None",
         'raise NotImplementedError("Your code here.")', "loss = 1")  # fmt: skip


@pytest.mark.parametrize("task", check.SUITES)
def test_what_is_not_written_yet_is_said_to_be_so(task: str) -> None:
    for body in STUBS:
        report = check.SUITES[task](build(f"def f(*a, **k):\n    {body}\n"))
        assert report.failed == ["answers"]
        assert report.results[0].why.startswith("not written yet")
        assert report.score == 0
    assert "Your code here." in str(check.SUITES[task](build(f"def f(*a, **k): {STUBS[-2]}")))


def test_every_stub_of_the_book_is_said_to_be_so() -> None:
    asked = set()
    for path in [*BOOK.glob("[0-9]*.ipynb"), *BOOK.glob("assignments/a?.ipynb")]:
        code = [c.source for c in nbformat.read(path, 4).cells if c.cell_type == "code"]
        stubs = {f.name: ast.unparse(f) for source in code for f in functions(source)}
        for task, name in re.findall(r"(?m)^check\.(\w+)\((\w+)\)$", "\n".join(code)):
            namespace: dict[str, Any] = {}
            exec(stubs[name], namespace)
            report = check.SUITES[task](namespace[name])
            assert report.results[0].why.startswith("not written yet"), (path.name, name)
            asked.add(task)
    assert asked == set(check.SUITES), "a check that nothing in the book asks for"


def functions(source: str) -> list[ast.FunctionDef]:
    body, _ = parse(source)
    return [node for node in body or () if isinstance(node, ast.FunctionDef)]


@pytest.mark.parametrize("task", RIGHT_ONES)
@pytest.mark.parametrize(
    "body", ["return None", "return 'text'", "return 1 / 0", "raise SystemExit", "return [1] * 9",
             "return 0.0", "return float('nan')", "return True"],
)  # fmt: skip
def test_nonsense_earns_nothing_and_raises_nothing(task: str, body: str) -> None:
    function = build(f"{HEAD}\ndef f(*a, **k):\n    {body}\n")
    report = check.SUITES[task](function)
    assert report.failed[0] in ("answers", "right")
    if task in GRADED:
        assert report.failed == ["answers"]
        assert report.points(10) == 0


def test_another_seed_draws_other_inputs() -> None:
    wrong = build(next(m[3] for m in MUTANTS if m[1] == "λ²"))
    assert str(check.objective(wrong)) == str(check.objective(wrong))
    assert str(check.objective(wrong)) != str(check.objective(wrong, seed=1))


def test_points_are_halves_and_full_only_for_everything() -> None:
    wrong = build(next(m[3] for m in MUTANTS if m[1] == "ĥ not detached"))
    report = check.discriminator(wrong)
    assert 0 < report.points(8) < 8
    assert math.isclose(report.points(8) * 2 % 1, 0)


ONE = {"demo": [
    {"right": "B", "feedback": {"A": "No: that is D's.", "B": "Yes: G's."}},
    {"right": "A", "feedback": {"A": "**Yes.** $\\hat h$", "B": "No."}},
]}  # fmt: skip


def test_a_quiz_gives_each_answer_its_own_feedback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urdgn_lite.check.quizzes.stored", lambda: ONE)
    assert check.quiz("demo", {1: " b", 2: "A"}).passed
    half = check.quiz("demo", {1: "A", 2: "a"})
    assert not half.passed
    assert str(half).splitlines() == [
        "1 ✗ A: No: that is D's.", "2 ✓ A: **Yes.** $\\hat h$", "1 of 2 right."
    ]  # fmt: skip
    assert half._repr_markdown_().split("\n\n") == str(half).splitlines()
    assert "'z' is no answer: choose one of A, B" in str(check.quiz("demo", {1: "z"}))


def test_a_quiz_that_is_not_answered_gives_nothing_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urdgn_lite.check.quizzes.stored", lambda: ONE)
    blank = check.quiz("demo", {1: None, 2: None})
    assert str(blank) == "1 – not answered yet\n2 – not answered yet\n0 of 2 right."
    assert str(check.quiz("demo", {})) == str(blank)


def test_a_wrong_chapter_or_question_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="no quiz of '99-none': there are 01-problem"):
        check.quiz("99-none", {1: "A"})
    with pytest.raises(ValueError, match="has questions 1 … 3, not 4"):
        check.quiz("01-problem", {4: "A"})


def test_every_chapters_quiz_can_be_passed_and_each_wrong_letter_is_marked_so() -> None:
    from urdgn_lite.check.quizzes import stored

    for chapter, questions in stored().items():
        right = {i: q["right"] for i, q in enumerate(questions, 1)}
        assert check.quiz(chapter, right).passed
        for i, question in enumerate(questions, 1):
            for letter in set(question["feedback"]) - {question["right"]}:
                line = str(check.quiz(chapter, {i: letter})).splitlines()[i - 1]
                assert line.startswith(f"{i} ✗ {letter}: ")
                assert "Yes" not in line[:12]
