import ast
import functools

import matplotlib as mpl
import pytest
import torch

import urdgn_lite
from urdgn_lite import objective
from urdgn_lite.lesson import notebook
from urdgn_lite.measure.damages import Images


@pytest.fixture
def shown(monkeypatch):
    """What `display` was given."""
    pieces = []
    monkeypatch.setattr(notebook, "display", pieces.append)
    return pieces


def code(shown):
    (piece,) = shown
    assert piece.data.startswith("```python\n")
    assert piece.data.endswith("\n```")
    return piece.data.removeprefix("```python\n").removesuffix("\n```")


def documented(a: int) -> int:
    """Add one.

    This paragraph is for the reference, not for the chapter.
    """
    # the reader sees this line
    return a + 1


def one_line(a: int) -> int:
    """Add one."""
    return a + 1


def undocumented(a: int) -> int:
    return a + 1


class Adder:
    def add(self, a: int) -> int:
        """Add one.

        Never shown.
        """
        return a + 1


def test_of_a_docstring_the_first_line_alone_is_shown(shown):
    notebook.source(documented)
    assert code(shown) == (
        'def documented(a):\n    """Add one."""\n    # the reader sees this line\n    return a + 1'
    )


@pytest.mark.parametrize("function", [one_line, undocumented])
def test_a_function_without_a_long_docstring_is_shown_as_it_is(shown, function):
    notebook.source(function)
    body = '    """Add one."""\n' if function is one_line else ""
    expected = f"def {function.__name__}(a):\n{body}    return a + 1"
    assert code(shown) == expected


def test_a_method_is_shown_without_its_indentation(shown):
    notebook.source(Adder.add)
    assert code(shown).startswith("def add(self, a):\n    ")
    assert "Never shown" not in code(shown)


def test_a_class_can_be_shown(shown):
    notebook.source(Adder)
    assert code(shown).startswith("class Adder:\n    def add")


@functools.lru_cache(maxsize=2)
@torch.no_grad()
def decorated(
    images: Images, names: dict[str, int], method: str = "antialiased", *, also: float = 0.5
) -> Images:
    x: int = len(names)  # the reader sees this too
    return images, x, method, also, 1  # type: ignore[return-value]


def test_what_serves_tools_alone_is_not_shown(shown):
    notebook.source(decorated)
    assert code(shown) == (
        '@torch.no_grad()\ndef decorated(images, names, method="antialiased", *, also=0.5):\n'
        "    x: int = len(names)  # the reader sees this too\n"
        "    return images, x, method, also, 1"
    )
    assert max(map(len, code(shown).splitlines())) <= notebook.WIDTH


def test_a_long_signature_is_broken_at_the_width_of_the_column(shown):
    notebook.source(objective.generator_loss)
    opening = code(shown).split("):")[0].splitlines()
    assert opening[0] == "def generator_loss("
    assert max(map(len, opening)) <= notebook.WIDTH


@pytest.mark.parametrize("label", sorted(objective.EQUATIONS))
def test_the_code_of_every_equation_is_shown_as_valid_python(shown, label):
    for function in objective.EQUATIONS[label]:
        shown.clear()
        notebook.source(function)
        (definition,) = ast.parse(code(shown)).body
        assert definition.name == function.__name__
        assert len(ast.get_docstring(definition).splitlines()) == 1
        assert len(definition.body) >= 2, "the code itself is shown"


def test_setup_prints_versions_and_device_and_sets_the_style(capsys):
    with mpl.rc_context():
        notebook.setup()
        notebook.setup()  # harmless
        assert mpl.rcParams["figure.facecolor"] == "none"
    first, second = capsys.readouterr().out.splitlines()
    assert first == second
    assert first.startswith(f"urdgn_lite {urdgn_lite.__version__} · torch {torch.__version__} · ")
    assert first.rpartition("device ")[2]
