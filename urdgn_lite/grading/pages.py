"""What students get, and what a teacher reads: pages that a browser opens, with nothing that runs.

A page of feedback for each submission, zipped by student; a page for each question with all
written answers side by side, anonymous, with the rubric to tick.
"""

from __future__ import annotations

import hashlib
import html
import io
import re
import zipfile
from collections import Counter
from pathlib import Path

from urdgn_lite import store
from urdgn_lite.grading.grade import Grade
from urdgn_lite.grading.submission import Assignment, assignments, read_csv
from urdgn_lite.grading.table import Row, anonymous, number, plain, spare, write_table

MARKS = ["id", "points", "comment"]

STYLE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><style>
:root{{color-scheme:light dark}}
body{{font:16px/1.5 sans-serif;max-width:50em;margin:1em auto;padding:0 1em;overflow-wrap:anywhere}}
body:has(main){{max-width:90em}} h1{{line-height:1.2}}
main{{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(22em,100%),1fr));gap:1em}}
article{{border:1px solid #888;border-radius:.4em;padding:0 1em 1em}}
pre{{white-space:pre-wrap;background:#8882;padding:.6em;border-radius:.4em}}
mark{{background:#8a4b00;color:#fff;padding:0 .4em;border-radius:.4em;font-size:1rem}}
label{{display:block;margin:.3em 0}} textarea{{display:block;width:100%;box-sizing:border-box}}
</style><h1>{title}</h1>
"""
SAVE = """<p><button onclick="save()">Save the points</button> as <code>{file}</code>, beside this
page; then grade again, and they are in the table.</p><script>
const articles = [...document.querySelectorAll('article')]
const points = a => a.querySelector('.points')
articles.forEach(a => a.oninput = e => {{
  if (e.target.type == 'checkbox')
    points(a).value = [...a.querySelectorAll(':checked')].reduce((sum, box) => sum + +box.value, 0)
}})
function save() {{
  const quoted = text => '"' + text.replace(/"/g, '""') + '"'
  const line = a => [a.id, points(a).value, quoted(a.querySelector('textarea').value)].join(',')
  const text = ['id,points,comment', ...articles.map(line)].join('\\n')
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([text], {{type: 'text/csv'}}))
  link.download = '{file}'
  link.click()
}}</script>
"""


def marks(folder: Path) -> dict[tuple[str, str], dict[str, Row]]:
    """(anonymous id, assignment) → text → its row, from the files that a teacher filled in."""
    found: dict[tuple[str, str], dict[str, Row]] = {}
    for name, asked in assignments().items():
        for text in asked.written:
            path = folder / f"{name}-{text}.csv"
            spare(path, MARKS)
            for row in read_csv(path) if path.exists() else ():
                if row["points"].strip() or row["comment"].strip():
                    found.setdefault((row["id"], name), {})[text] = row
    return found


def sums(found: dict[tuple[str, str], dict[str, Row]]) -> dict[tuple[str, str], float]:
    """Points of all written answers of each submission that has some."""
    given = {key: [r["points"] for r in rows.values()] for key, rows in found.items()}
    return {key: sum(map(number, points)) for key, points in given.items() if any(points)}


def write_questions(grades: list[Grade], folder: Path) -> list[Path]:
    """A page and a csv for each question; points that are there stay."""
    given, made = marks(folder), []
    for name, asked in assignments().items():
        here = sorted(
            (g for g in grades if g.submission.assignment == name and g.written), key=anonymous
        )
        for text, most in asked.written.items() if here else ():
            answers = {anonymous(g): g.written[text] for g in here}
            filled = {i: t[text] for (i, a), t in given.items() if a == name and text in t}
            path = folder / f"{name}-{text}.csv"
            rows = answers | filled  # of those who are not graded now as well
            write_table([{"id": i} | filled.get(i, {}) for i in rows], path, MARKS)
            page = _question(asked, text, most, answers, filled, path.name)
            made.append(_write(path.with_suffix(".html"), page))
    return made


def flags(text: str, everybody: Counter[str]) -> list[str]:
    """What is worth a look before reading."""
    bare = re.sub(r"\*Your answer: write here[^*]*\*", "", text).strip()
    if len(bare) < 20:
        return ["empty"]
    found = [] if re.search(r"\d", bare) else ["no number"]
    return found + [f"{everybody[text]} times the same text"] * (everybody[text] > 1)


def _question(
    asked: Assignment, text: str, most: float, answers: dict[str, str], filled: dict[str, Row],
    file: str,
) -> str:  # fmt: skip
    lines = [STYLE.format(title=html.escape(f"{asked.title}, {text}: {most:g} points")), "<main>"]
    everybody = Counter(answers.values())
    for name, answer in answers.items():
        told = "".join(f" <mark>{f}</mark>" for f in flags(answer, everybody))
        lines += [f'<article id="{name}"><h2>{name}{told}</h2><pre>{_safe(answer)}</pre>']
        lines += [
            f'<label><input type="checkbox" value="{points:g}"> {points:g}: {_safe(what)}</label>'
            for points, what in asked.rubrics.get(text, ())
        ]
        mark = filled.get(name, {})
        points, comment = (_safe(mark.get(k, "")) for k in ("points", "comment"))
        lines += [
            f'<label>points <input class="points" size="4" value="{points}"></label>'
            f'<label>comment <textarea rows="2">{comment}</textarea></label></article>'
        ]
    return "\n".join([*lines, "</main>", SAVE.format(file=file)])


def _safe(text: str) -> str:
    return html.escape(re.sub(r"[^\n\t\x20-\x7e\xa0-\u2027\u2030-\u205f\u2070-\uffff]", "?", text))


def write_feedback(grades: list[Grade], found: list[Row], folder: Path) -> list[Path]:
    """A page for each submission, and `feedback.zip` with a folder a student."""
    known, given = assignments(), marks(folder.parent / "written")
    by_file = {r["file"]: r for r in found}
    made, zipped = list[Path](), io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = b"urdgn_lite"
        for s, g in ((g.submission, g) for g in grades if g.submission.file):
            mark = given.get((anonymous(g), s.assignment), {})
            page = _page(g, known.get(s.assignment), by_file.get(plain(s.file), {}), mark)
            stem = re.sub(r"[^\w-]+", "-", s.file.removesuffix(".ipynb")).strip("-")[:120]
            made.append(_write(folder / f"{stem or 'page'}.html", page))
            owner = Path(s.file).parts[0]
            if "_assignsubmission_" not in owner:
                owner = re.sub(r"[/\\]+|^\.+", "-", plain(s.student))
            archive.writestr(f"{owner}/{made[-1].name}", page)
    archive_path = folder.with_name(f"{folder.name}.zip")
    store.spare(archive_path)
    store.write(archive_path, zipped.getvalue())
    return made


def _write(path: Path, page: str) -> Path:
    """Write a page where none is, or ours as we left it; else beside it, as NAME-new."""
    body = f"{page}\n".encode(errors="replace")
    if path.exists():
        old, _, seal = path.read_bytes().rpartition(b"<!--")
        if seal.strip(b" ->\n") != _seal(old):
            return _write(path.with_stem(f"{path.stem}-new"), page)
    store.write(path, body + b"<!-- " + _seal(body) + b" -->\n")
    return path


def _seal(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest()[:16].encode()


def _page(g: Grade, asked: Assignment | None, row: Row, given: dict[str, Row]) -> str:
    lines = [STYLE.format(title=html.escape(asked.title if asked else "Not graded"))]
    file = _safe(plain(g.submission.file))
    lines += [f"<p>{file}: <b>{g.checks:g} of {g.of:g}</b> points by checks.</p>"]
    if "" in g.remarks:
        lines.append(f"<p>{_safe(plain(g.remarks['']))}</p>")
    if cells := g.remarks.get("cells"):
        lines.append(f"<p><mark>{_safe(plain(cells))}</mark></p>")
    for part in asked.parts if asked else ():
        lines.append(f"<h2>{part.id}: {g.points.get(part.id, 0):g} of {part.points:g}</h2>")
        right = "all correct" if g.points.get(part.id) == part.points else "not judged"
        lines.append(f"<p>{_safe(plain(g.remarks.get(part.id, right)))}</p>")
        if report := g.reports.get(part.id):
            lines.append(f"<pre>{_safe(str(report))}</pre>")
    for name, points in (asked.written if asked else {}).items():
        mark = given.get(name, {})
        lines.append(f"<h2>{name}: {_safe(mark.get('points', '…'))} of {points:g}</h2>")
        lines.append(
            f"<p>{_safe(mark.get('comment', '') or 'Your teacher reads this one.')}</p>"
            if not mark or mark.get("comment")
            else ""
        )
    if comment := row.get("comment", "").lstrip("'"):
        lines.append(f"<h2>From your teacher</h2><p>{_safe(comment)}</p>")
    return "\n".join(lines)
