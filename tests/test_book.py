"""The chapters as a reader finds them: one anatomy, nothing missing, nothing stale."""

import ast
import builtins
import functools
import importlib
import inspect
import itertools
import json
import pkgutil
import re
from pathlib import Path

import nbformat
import pytest
import solutions

import urdgn_lite
from urdgn_lite import methods, optimiser, presets  # noqa: F401 - optimiser ties Eqs. 5 and 8
from urdgn_lite.objective import EQUATIONS

BOOK = Path(__file__).parent.parent / "book"
PAGES = [*BOOK.glob("*.ipynb"), *BOOK.glob("*.md")]
CHAPTERS = sorted(BOOK.glob("[0-9]*.ipynb"))
ANATOMY = [
    "What you will learn", "You need", "In the paper", "Paper against ours", "Quiz", "Exercises",
    "Take-aways", "References",
]  # fmt: skip


@pytest.fixture(params=CHAPTERS, ids=lambda p: p.stem)
def chapter(request):
    return json.loads(request.param.read_text())


def cells(chapter, kind):
    return [c for c in chapter["cells"] if c["cell_type"] == kind]


def text(cell):
    return "".join(cell["source"])


def prose(chapter):
    return "\n".join(text(c) for c in cells(chapter, "markdown"))


def headings(chapter):
    unfenced = re.sub(r"(?s)```.*?```", "", prose(chapter))
    return re.findall(r"(?m)^(#+) (.+)$", unfenced)


def outputs(chapter):
    return [(c, o) for c in cells(chapter, "code") for o in c["outputs"]]


def test_there_are_chapters():
    assert len(CHAPTERS) >= 4


def test_the_sections_stand_in_the_agreed_order(chapter):
    found = [title for level, title in headings(chapter) if level == "##" and title in ANATOMY]
    assert found == ANATOMY


def test_one_title_and_no_heading_level_is_skipped(chapter):
    levels = [len(marks) for marks, _ in headings(chapter)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))


def test_every_picture_has_alt_text(chapter):
    for cell, output in outputs(chapter):
        if {"image/png", "image/jpeg", "image/svg+xml"} & set(output.get("data", {})):
            alt = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt) > 20, text(cell)
    assert not re.search(r"!\[\s*\]", prose(chapter))


def test_every_cell_was_executed_in_order_without_error(chapter):
    code = cells(chapter, "code")
    assert [c["execution_count"] for c in code] == list(range(1, len(code) + 1))
    assert not [o for _, o in outputs(chapter) if o["output_type"] == "error"]
    assert not [o for _, o in outputs(chapter) if o.get("name") == "stderr"]


def test_needs_are_stated_in_minutes(chapter):
    needs = prose(chapter).split("## You need")[1].split("\n## ")[0]
    for word in ("read", "CPU", "GPU"):
        assert word in needs


def test_every_quiz_answer_has_feedback(chapter):
    quiz = prose(chapter).split("## Quiz")[1].split("\n## ")[0]
    questions = re.split(r"(?m)^### Question \d+$", quiz)[1:]
    assert len(questions) >= 3
    for question in questions:
        answers = re.findall(r"(?s)<details>\n<summary>(.+?)</summary>(.+?)</details>", question)
        assert len(answers) >= 2
        assert all(len(feedback.strip()) > 10 for _, feedback in answers)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_the_quiz_is_answered_in_a_cell_that_gives_nothing_away(path):
    chapter = json.loads(path.read_text())
    asked = len(re.findall(r"(?m)^### Question \d+$", prose(chapter)))
    (cell,) = [c for c in cells(chapter, "code") if "check.quiz(" in text(c)]
    blank = ", ".join(f"{i}: None" for i in range(1, asked + 1))
    assert f'check.quiz("{path.stem}", {{{blank}}})' in text(cell)
    (shown,) = [o for o in cell["outputs"] if o["output_type"] == "execute_result"]
    assert "".join(shown["data"]["text/plain"]).count("not answered yet") == asked


@pytest.mark.parametrize("right", [0, 2])
def test_a_question_without_exactly_one_right_answer_is_refused(right):
    import sync

    words = ["**Yes.** So it is."] * right + ["No. It is not."] * (3 - right)
    folded = "".join(f"<details>\n<summary>{letter}. This.</summary>\n\n{word}\n\n</details>\n"
                     for letter, word in zip("ABC", words, strict=True))  # fmt: skip
    quiz = f"## Quiz\n\n### Question 1\n\nWhich?\n\n{folded}\n## Exercises\n"
    text = json.dumps({"cells": [{"cell_type": "markdown", "source": [quiz]}]})
    with pytest.raises(SystemExit, match=f"must begin with Yes, not {right}"):
        sync.questions(text)


def exercises(chapter):
    """The exercises: (heading, all that belongs to it)."""
    start = next(i for i, c in enumerate(chapter["cells"]) if text(c).startswith("## Exercises"))
    after = "\n".join(text(c) for c in chapter["cells"][start:]).split("\n## Take-aways")[0]
    parts = re.split(r"(?m)^(?=(?:### |\*\*)\d+\. )", after)[1:]
    return [(part.splitlines()[0], part) for part in parts]


def test_every_exercise_is_checked_or_says_that_it_is_free(chapter):
    assert len(exercises(chapter)) >= 3
    for heading, part in exercises(chapter):
        assert ("(free)" in heading) != ("check." in part or "wanted" in part), heading


def test_at_least_three_exercises_have_a_solution_that_holds(chapter):
    solved = solutions.cells(nbformat.from_dict({**chapter, "cells": joined(chapter)}))
    assert len(solved) >= 3
    assert not [cell.source for cell in solved for o in cell.outputs if "not written yet" in o.text]


def joined(chapter):
    return [{**cell, "source": text(cell)} for cell in chapter["cells"]]


def test_an_exercise_is_an_empty_cell_and_no_solution_lies_open(chapter):
    """As Colab and JupyterLab show it, which know of no tags."""
    assert not [c for c in chapter["cells"] if "hide-cell" in c["metadata"].get("tags", [])]
    start = next(i for i, c in enumerate(chapter["cells"]) if text(c).startswith("## Exercises"))
    code = map(text, cells({"cells": chapter["cells"][start:]}, "code"))
    yours = [ast.parse(source).body for source in code if "your turn" in source.lower()]
    assert len(yours) == len(exercises(chapter))
    for function in (f for body in yours for f in body if isinstance(f, ast.FunctionDef)):
        (only,) = function.body[bool(ast.get_docstring(function)) :]
        assert isinstance(only, ast.Raise) or ast.unparse(only) == "...", function.name


def test_a_notebook_stays_small_and_holds_no_widget_state(chapter):
    assert len(json.dumps(chapter)) < 1_000_000
    assert "widgets" not in chapter["metadata"]


def test_no_curve_gets_a_dark_box_in_jupyterlab(chapter):
    assert not [
        o for _, o in outputs(chapter) if o.get("metadata", {}).get("needs_background") == "dark"
    ]


def test_colab_opens_it_on_a_gpu(chapter):
    assert chapter["metadata"]["accelerator"] == "GPU"


MODULES = {m.name for m in pkgutil.iter_modules(urdgn_lite.__path__)}


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.stem)
def test_code_words_of_the_package_exist(path):
    page = prose(json.loads(path.read_text())) if path.suffix == ".ipynb" else path.read_text()
    page = re.sub(r"(?s)```.*?```", "", page)
    page = page.replace("`run.opt_", "`opt_")  # of a run, in chapter 6
    for word in re.findall(r"(?<!`)`(?:urdgn_lite\.)?([a-z_]+(?:\.\w+)+)(?:\(.*?\))?`", page):
        module, *names = word.split(".")
        if module in MODULES and names != ["py"]:
            found = importlib.import_module(f"urdgn_lite.{module}")
            for name in names:
                assert hasattr(found, name), word
                found = getattr(found, name)


NAMED = {*presets.PRESETS, *methods.names()}
FAMILIES = {name.split("-")[0] for name in NAMED}
ELSEWHERE = {"bce", "f"}  # a student's answer; any function


@functools.cache
def words_of_the_package():
    """Every name that its modules, classes and signatures hold."""
    found = {*MODULES, *vars(builtins)}
    for name in MODULES - {"__main__"}:
        module = importlib.import_module(f"urdgn_lite.{name}")
        found |= {*vars(module), *words(inspect.getsource(module))}
    return found


def words(code):
    return set(re.findall(r"[^\W\d]\w*", code))


def code_words(page):
    """Of the words set as code: calls, names with an underscore, names like those of the zoo."""
    page = re.sub(r"(?s)```.*?```", "", page)
    for word in re.findall(r"(?<![`}])`([^`\n]+)`", page):
        name = word.partition("(")[0]
        call = word.endswith(")") and name.isidentifier()
        if call or (name.isidentifier() and "_" in name.strip("_")):
            yield "word", name
        elif re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", word) and word.split("-")[0] in FAMILIES:
            yield "name", word


def stray(page, code):
    known = words_of_the_package() | words(code) | ELSEWHERE
    return [w for kind, w in code_words(page) if w not in (known if kind == "word" else NAMED)]


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.stem)
def test_bare_code_words_exist_in_the_package_or_in_the_chapter(path):
    page, code = path.read_text(), ""
    if path.suffix == ".ipynb":
        chapter = json.loads(page)
        page, code = prose(chapter), "\n".join(text(c) for c in cells(chapter, "code"))
    assert not stray(page, code)


def test_a_renamed_function_or_network_is_noticed():
    page = "Call `generator_losses(z)`, or `upsample_cubic`, and load `residual-xl`."
    assert stray(page, "") == ["generator_losses", "upsample_cubic", "residual-xl"]
    page = "`generator_loss(z, …)`, `upsample_bicubic`, `residual-s`, `my_face`, `eval()`, `a-b`"
    assert not stray(page, "my_face = 1")


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.stem)
def test_no_internal_link_leads_nowhere(path):
    page = prose(json.loads(path.read_text())) if path.suffix == ".ipynb" else path.read_text()
    for target in re.findall(r"\]\((?!https?:|#)([^)]+)\)", page):
        assert (BOOK / target.partition("#")[0]).exists(), target
    for number in re.findall(r"\bEqs?\. (\d+)", page):
        assert f"eq:{number}" in labels(), number


@pytest.mark.parametrize("path", [p for p in PAGES if p.suffix == ".ipynb"], ids=lambda p: p.stem)
def test_the_text_reads_well_where_nobody_knows_sphinx(path):
    page = re.sub(r"(?s)```.*?```", "", prose(json.loads(path.read_text())))
    assert not re.findall(r"\{[\w:-]+\}`|\$\$ *\(|(?m:^(?:\([\w:-]+\)=|:::|```\{))", page)


def test_a_citation_leads_to_the_work_that_it_names():
    entries = (BOOK / "bibliography.md").read_text().splitlines()
    for path in PAGES:
        page = prose(json.loads(path.read_text())) if path.suffix == ".ipynb" else path.read_text()
        for names, year, target in re.findall(
            r"\[([A-ZÖ][^\]]+?),? \(?(\d{4})\)?\]\(([^)]+)\)", page
        ):
            first = re.split(r" & | et al\.", names)[0]
            (entry,) = [e for e in entries if e.startswith(f"- {first}") and f"({year})" in e
                        and (" & " not in names or names.split(" & ")[1] in e)
                        and (target in e or target == "bibliography.md")]  # fmt: skip
            assert ("](" in entry) == (target != "bibliography.md"), names


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_a_chapter_stands_in_the_contents_and_on_the_first_page(path):
    assert f"file: {path.stem}\n" in (BOOK / "_toc.yml").read_text()
    number = int(path.stem[:2])
    title = text(json.loads(path.read_text())["cells"][0]).splitlines()[0].removeprefix("# ")
    assert f"\n{number}. [{title}]({path.name}): " in (BOOK / "intro.md").read_text()


def test_the_first_page_begins_with_the_result_and_offers_three_routes():
    page = (BOOK / "intro.md").read_text()
    opening = page.partition("```{image}")[0]
    assert re.search(r"\+\d\.\d\d dB", opening)
    assert len(opening.split()) < 80, "the picture belongs to the first screen"
    for route in ("one hour", "one day", "three weeks"):
        assert f"| **{route}** |" in page
    ready = page.split("## Are you ready?")[1].split("\n## ")[0]
    questions = re.findall(r"(?s)<summary>(\d)\..*?</summary>(.*?)</details>", ready)
    assert 3 <= len(questions) <= 5
    assert all("*Not sure?*" in answer for _, answer in questions)


@functools.cache
def labels():
    found = []
    for path in CHAPTERS:
        numbers = re.findall(r"\\tag\{(\d+)\}", prose(json.loads(path.read_text())))
        found += [f"eq:{n}" for n in numbers]
    return found


def test_every_equation_of_the_paper_is_labelled_once():
    assert sorted(labels()) == [f"eq:{n}" for n in range(1, 9)]


def test_every_implemented_equation_is_in_the_book_and_is_shown_with_its_code():
    everything = "".join(p.read_text() for p in CHAPTERS)
    assert set(EQUATIONS) <= set(labels())
    for functions in EQUATIONS.values():
        for function in functions:
            assert f"{function.__name__})" in everything, f"no chapter shows {function.__name__}"


def test_the_equations_without_a_function_are_the_two_gradients():
    assert set(labels()) - set(EQUATIONS) == {"eq:3", "eq:6"}
