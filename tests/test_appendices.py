"""Appendices: every symbol, term and command that they name exists."""

import importlib
import inspect
import io
import re
import shlex
from pathlib import Path

import pytest
import typer.main
import yaml

from urdgn_lite import cli

ROOT = Path(__file__).parent.parent
BOOK = ROOT / "book"
NOTATION = (BOOK / "notation.md").read_text()
GLOSSARY = (BOOK / "glossary.md").read_text()
FAQ = (BOOK / "faq.md").read_text()
REFERENCE = re.compile(r"([\w.]+)\.(\w+)(?:\((\w+)\))?")  # module.name, or module.name(argument)


def resolve(reference):
    """The object that `module.name` or `module.name(argument)` stands for."""
    module, name, argument = REFERENCE.fullmatch(reference).groups()
    found = getattr(importlib.import_module(f"urdgn_lite.{module}"), name)
    assert argument is None or argument in inspect.signature(found).parameters, reference
    return found


def rows(text):
    """Cells of all tables' body rows."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[c.strip() for c in line.strip("|").split(" | ")] for line in lines]


def test_every_symbol_leads_to_code_that_exists():
    body = [row for row in rows(NOTATION) if row[0] != "symbol" and not row[0].startswith("---")]
    assert len(body) > 25
    for symbol, meaning, code, _ in body:
        references = re.findall(r"`([^`]+)`", code)
        assert references, symbol
        assert meaning, symbol
        for reference in references:
            resolve(reference)


@pytest.mark.parametrize(
    "reference", ["objective.generator_los", "objective.generator_loss(lambda_)"]
)
def test_a_wrong_reference_is_noticed(reference):
    with pytest.raises((AttributeError, AssertionError)):
        resolve(reference)


def test_the_notation_reaches_every_equation():
    assert set(re.findall(r"Eq\. (\d)", NOTATION)) == set("12345678")


def terms():
    inside = re.search(r"(?s)```\{glossary\}\n(.*?)```", GLOSSARY)[1]
    return re.findall(r"(?m)^(\S.*)\n  (.*)$", inside)


def test_every_term_has_two_sentences_and_a_chapter():
    assert len(terms()) > 30
    for term, definition in terms():
        sentences, link = definition.split(" → ")
        assert len(re.findall(r"[.!?](?= [A-ZλO]|$)", sentences)) == 2, term
        assert re.fullmatch(r"\[.+\]\([\w-]+\.\w+\)", link), term


def test_terms_stand_in_alphabetical_order():
    names = [term.lower().removeprefix("λ (") for term, _ in terms() if not term.startswith("λ")]
    assert names == sorted(names)


@pytest.mark.parametrize("page", ["notation.md", "glossary.md", "faq.md", "api.md"])
def test_links_lead_to_pages_of_the_book(page):
    for target in re.findall(r"\{doc\}`([\w-]+)`", (BOOK / page).read_text()):
        assert list(BOOK.glob(f"{target}.*")), f"{page} links to {target}"
        assert f"file: {target}\n" in (BOOK / "_toc.yml").read_text(), target


def commands():
    blocks = re.findall(r"(?s)```bash\n(.*?)```", FAQ)
    return [line for block in blocks for line in block.splitlines()]


def test_every_command_of_the_faq_exists_with_its_options():
    known = typer.main.get_command(cli.app)
    assert len(commands()) >= 7
    for line in commands():
        program, name, *words = shlex.split(line)
        assert program == "urdgn-lite"
        command = known.commands[name]
        command.make_context(name, words, resilient_parsing=False).close()


def test_the_python_of_the_faq_runs():
    for block in re.findall(r"(?s)```python\n(.*?)```", FAQ):
        exec(compile(block, "faq.md", "exec"), {})


def test_the_code_words_of_the_faq_exist():
    words = re.findall(r"`([\w.]+\.\w+)(?:\([^`]*\))?`", FAQ)
    assert len(words) >= 4
    for word in words:
        if word not in {"CITATION.cff"}:
            resolve(word)


DOCSTRING = """Do it to `a_b` at 100 %.

Parameters
----------
first_one, second : what they
    are (a_b_ is no link).

Returns
-------
The thing: done. Also:
third : more
    of it.
The end.

>>> f(x_)
"""


@pytest.fixture
def api_pages():
    return importlib.import_module("api_pages")


def test_numpy_sections_become_definition_lists(api_pages):
    assert api_pages.to_rst(DOCSTRING.splitlines()) == [
        "Do it to `a_b` at 100 %.", "",
        "", ".. rubric:: Parameters", "",
        "``first_one, second``", "    what they", r"    are (a\_b\_ is no link).", "",
        "", ".. rubric:: Returns", "", "The thing: done. Also:", "",
        "``third``", "    more", "    of it.", "", "The end.", "", ">>> f(x_)",
    ]  # fmt: skip


def test_the_reference_has_a_section_for_every_public_module(api_pages):
    files = {p.stem for p in (ROOT / "urdgn_lite").glob("[a-z]*.py")}
    assert {f"urdgn_lite.{name}" for name in files} <= set(api_pages.modules())
    assert "urdgn_lite.check" in api_pages.modules()
    assert not [name for name in api_pages.modules() if "._" in name]
    assert api_pages.PLACE in (BOOK / "api.md").read_text()


def test_every_docstring_can_be_set(api_pages, tmp_path):
    from sphinx.application import Sphinx

    (tmp_path / "index.rst").write_text(
        "API\n===\n\n"
        + "\n".join(
            f".. automodule:: {name}\n   :members:\n   :ignore-module-all:\n"
            for name in api_pages.modules()
        )
    )
    settings = yaml.safe_load((ROOT / "_config.yml").read_text())["sphinx"]["config"]
    config = {k: v for k, v in settings.items() if k.startswith("autodoc") or k == "default_role"}
    config |= {"extensions": ["api_pages"], "project": "x", "nitpicky": True}
    warnings = io.StringIO()
    out = tmp_path / "out"
    Sphinx(tmp_path, None, out, tmp_path / "trees", "text", config, None, warnings).build()
    assert warnings.getvalue() == ""
    assert "urdgn_lite.objective.generator_loss(z_fake" in (out / "index.txt").read_text()
