"""The chapters' equations against the transcript of the paper's: what is labelled eq:N is Eq. N."""

import json
import re
from pathlib import Path

import pytest
import yaml

from urdgn_lite.measure.evaluate import ledger

EQUATIONS = yaml.safe_load((ledger() / "equations.yml").read_text())["equations"]
BOOK = Path(__file__).parent.parent / "book"


def labelled():
    """Number -> (page, TeX) of every labelled equation."""
    found = {}
    for path in sorted(BOOK.glob("*.ipynb")):
        for cell in json.loads(path.read_text())["cells"]:
            text = "".join(cell["source"])
            for tex in re.findall(r"(?s)\$\$((?:(?!\$\$).)*)\$\$", text):
                if cell["cell_type"] == "markdown" and (tag := re.search(r"\\tag\{(\d)\}", tex)):
                    found.setdefault(int(tag[1]), []).append((path.stem, tex))
    return found


LABELLED = labelled()


@pytest.mark.parametrize("number", EQUATIONS)
def test_an_equation_of_the_book_is_the_paper_s_of_that_number(number):
    equation = EQUATIONS[number]
    assert len(LABELLED.get(number, [])) == 1, f"eq:{number} is to be labelled once"
    page, tex = LABELLED[number][0]
    tex = re.sub(r"\\[,;!:]|\\(?i:big)[lr]?|\\left|\\right|\\tag|[\s{}]", "", tex)
    where = f"{page}, eq:{number}: {tex}"
    for player in "DG":
        if equation["player"] != "both":
            assert (f"theta_{player}" in tex) == (player == equation["player"]), where
    if equation["kind"] == "update":
        assert r"\delta" in tex, where
        assert re.search(r"([+-])\\eta", tex)[1] == equation["sign"], where
        return
    assert ("lambda" in tex) == ("pixel" in equation["terms"]), where
    assert (r"\logD(" in tex) == ("real" in equation["terms"]), where
    assert (r"\log(1-D(G(" in tex) == ("fake" in equation["terms"]), where
    batch = equation["kind"] == "stochastic gradient"
    assert (r"\frac1N\sum_" in tex) == batch, where
    assert (r"\mathbbE" in tex) != batch, where
    assert (r"\nabla_" in tex) == (equation["kind"] != "value"), where
