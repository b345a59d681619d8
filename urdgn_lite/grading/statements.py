"""Which statements of a notebook one function needs: reading alone, nothing is executed."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator
from dataclasses import dataclass, field

from urdgn_lite.grading.reading import UNREADABLE

STAR = "*"  # what `from module import *` binds: perhaps the very name that is looked for
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass
class Needed:
    """Statements to run, in order; and what was needed, but left out: name → why."""

    statements: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)


def at_once(node: ast.AST) -> Iterator[ast.AST]:
    """What runs as soon as the statement does: all of it but the bodies of functions."""
    todo = [node]
    while todo:
        one = todo.pop()
        yield one
        if isinstance(one, ast.comprehension):
            todo += [one.iter, *one.ifs]  # its variables end with it
        elif not isinstance(one, FUNCTIONS):
            todo += ast.iter_child_nodes(one)
        elif not isinstance(one, ast.Lambda):
            todo += one.decorator_list


def binds(node: ast.stmt) -> set[str]:
    """Names that a statement gives a meaning, or a part (`table["a"] = 1`, `table.update()`)."""
    if isinstance(node, ast.ClassDef):  # what is bound inside belongs to the class
        return {node.name}
    found: set[str] = set()
    match node:
        case ast.Expr(ast.Call(ast.Attribute() as method)):
            found |= _root(method)
    for one in at_once(node):
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(one.name)
        elif isinstance(one, ast.alias):
            found.add((one.asname or one.name).split(".")[0])
        elif isinstance(one, ast.Name | ast.Attribute | ast.Subscript):
            found |= _root(one) if isinstance(one.ctx, ast.Store) else set()
    return found


def _root(node: ast.expr) -> set[str]:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()


def calls(node: ast.stmt, names: set[str]) -> set[str]:
    """Which of these functions the statement calls when it is run."""
    called = (one.func for one in at_once(node) if isinstance(one, ast.Call))
    return {f.id for f in called if isinstance(f, ast.Name)} & names


def is_stub(node: ast.stmt) -> bool:
    """A function that does nothing yet: docstring, `pass`, `...`, `raise NotImplementedError`."""
    return isinstance(node, ast.FunctionDef) and all(map(_does_nothing, node.body))


def _does_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Raise):
        what = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return isinstance(what, ast.Name) and what.id == "NotImplementedError"
    return isinstance(node, ast.Pass)


def _reads(source: str) -> set[str]:
    """Names that a statement takes from outside itself; a function's own variables are not."""
    try:
        top = symtable.symtable(source, "<notebook>", "exec")
    except UNREADABLE:
        return set()  # it will not run either
    found, todo = set(), [top]
    while todo:
        table = todo.pop()
        todo += table.get_children()
        found |= {s.get_name() for s in table.get_symbols()
                  if s.is_global() or (table is top and s.is_referenced())}  # fmt: skip
    return found


def needed(
    before: list[ast.stmt], own: list[ast.stmt], later: list[ast.stmt], name: str, asked: set[str]
) -> Needed:
    """What must run so that `name` means what its author wrote when it was checked.

    Parameters
    ----------
    before, own : statements of the cells above the answer, and from it to its check, in order.
    later : statements of the other cells. They stand in for a name that nothing else binds: what
        a later cell makes of a name that was there changes nothing that was checked before.
    name : the function to judge.
    asked : all functions to write. What calls one of them is a try-out, and is left out: nobody's
        sweep is run again to judge what follows it.
    """
    nodes = [*before, *later, *own]
    first_own, late = len(before) + len(later), range(len(before), len(before) + len(later))
    binding: dict[str, list[int]] = {}
    imports = [n for n in nodes if isinstance(n, ast.Import | ast.ImportFrom)]
    modules = {one for node in imports for one in binds(node)}
    for i, node in enumerate(nodes):
        bound = binds(node)
        if isinstance(node, ast.Expr):
            bound -= modules  # `plt.show()` makes nothing of plt
        for one in bound if i >= first_own or name not in bound else ():
            binding.setdefault(one, []).append(i)
    for places in binding.values():
        if not all(i in late for i in places):
            places[:] = [i for i in places if i not in late]
    kept: dict[int, str] = {}
    left_out: dict[int, str] = {}
    seen, todo = {name, STAR}, [name, STAR]
    while todo:  # a work list: each name is looked up once, each statement read once
        for i in binding.get(todo.pop(), ()):
            if i in kept or i in left_out:
                continue
            try:
                text = ast.unparse(nodes[i])
            except UNREADABLE:
                left_out[i] = "it is nested too deeply"
                continue
            if called := calls(nodes[i], asked):
                left_out[i] = f"its line calls {', '.join(sorted(called))}"
                continue
            kept[i] = text
            new = _reads(text) - seen
            seen |= new
            todo += new
    lost = (one for one in sorted(seen) if one in binding and not kept.keys() & binding[one])
    missing = {one: left_out[binding[one][0]] for one in lost if binding[one][0] in left_out}
    return Needed([kept[i] for i in sorted(kept)], missing)
