"""The references as plain Markdown, from `book/references.bib`, to be read anywhere."""

from __future__ import annotations

from pathlib import Path

from pybtex.database import Entry, Person, parse_file

BIB = Path(__file__).resolve().parents[2] / "book" / "references.bib"


def plain(text: str) -> str:
    """What BibTeX means, without its braces and accents in LaTeX."""
    for written, meant in ((r"{\'e}", "é"), (r"{\'a}", "á"), (r"\&", "&"), ("--", "–")):
        text = text.replace(written, meant)
    return text.replace("{", "").replace("}", "")


def person(one: Person) -> str:
    """`Porikli, F.`"""
    last = plain(" ".join(one.prelast_names + one.last_names))
    return f"{last}, {' '.join(f'{name[0]}.' for name in one.first_names + one.middle_names)}"


def url(entry: Entry) -> str:
    """Where the work is: its DOI, else arXiv, else nothing."""
    if "doi" in entry.fields:
        return f"https://doi.org/{entry.fields['doi']}"
    return f"https://arxiv.org/abs/{entry.fields['eprint']}" if "eprint" in entry.fields else ""


def line(entry: Entry) -> str:
    """One entry of the list."""
    names = ["et al." if str(p) == "others" else person(p) for p in entry.persons["author"]]
    who = (
        ", ".join(names[:-1]) + (" & " if names[1:] and names[-1] != "et al." else " ") + names[-1]
    )
    kinds = ("booktitle", "journal", "publisher", "howpublished")
    where = next((plain(entry.fields[k]) for k in kinds if k in entry.fields), "")
    for key, sign in (("volume", " {}"), ("number", "({})"), ("pages", ", {}")):
        where += sign.format(plain(entry.fields[key])) if key in entry.fields else ""
    title = plain(entry.fields["title"])
    linked = f"[{title}]({url(entry)})" if url(entry) else f"*{title}*"
    return f"- {who.strip()} ({entry.fields['year']}). {linked}. {where}".rstrip(" .") + "."


def entries() -> str:
    """All entries by first author and year."""
    found = parse_file(BIB).entries.values()
    return "\n".join(sorted(map(line, found), key=lambda s: s.casefold()))
