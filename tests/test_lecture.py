"""Slides and quizzes for a lecture: every question, every right answer, the chapters' figures."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_two_lectures_and_all_quizzes(tmp_path: Path) -> None:
    call = [sys.executable, str(ROOT / "tools" / "book" / "lecture.py"), "--out", str(tmp_path)]
    subprocess.run(call, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    gift = (tmp_path / "quizzes.gift").read_text(encoding="utf-8")
    stored = json.loads((ROOT / "urdgn_lite" / "data" / "quizzes.json").read_text(encoding="utf-8"))
    asked = [q for chapter in stored.values() for q in chapter]
    assert len(re.findall(r"(?m)^::", gift)) == len(asked)
    assert len(re.findall(r"(?m)^=", gift)) == len(asked)
    assert len(re.findall(r"(?m)^[=~]", gift)) == sum(len(q["feedback"]) for q in asked)
    bare = re.sub(r"\\.", "", gift)  # without what is escaped: the format's own signs are left
    for question in bare.strip().split("\n\n"):
        text = r"[^\n~=#{}]+"
        form = rf"::[^:]+::\[html\]{text} {{\n([=~]{text} #{text}\n){{2,}}}}"
        assert re.fullmatch(form, question)
    assert not re.search(r"(?<!\$)\$(?!\$)|\*\*", gift), "Markdown that Moodle would show as it is"
    for name in ("lecture-1", "lecture-2"):
        page = (tmp_path / f"{name}.html").read_text(encoding="utf-8")
        assert page.count("<section") > 20
        assert "<img" in page or "data:image" in page
        assert "NotImplementedError" not in page
