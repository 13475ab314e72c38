"""Every public function with two or more arguments documents them, in the order of its signature.

Ruff holds the rest: that there is a docstring (D1), and that `Args:` leaves none out (D417).
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import likewise

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    path for name in ("likewise", "embedder", "index") for path in (ROOT / name).rglob("*.py")
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def arguments(function: Function) -> list[str]:
    """Names of the arguments, without self and cls."""
    a = function.args
    every = [
        *a.posonlyargs,
        *a.args,
        *filter(None, [a.vararg]),
        *a.kwonlyargs,
        *filter(None, [a.kwarg]),
    ]
    return [argument.arg for argument in every if argument.arg not in ("self", "cls")]


def documented(function: Function) -> list[str]:
    """Names under `Args:`, in order."""
    lines = (ast.get_docstring(function) or "").splitlines()
    if "Args:" not in lines:
        return []
    names = []
    for line in lines[lines.index("Args:") + 1 :]:
        if line and not line.startswith("    "):
            break
        if line.startswith("    ") and not line.startswith("     "):
            names.append(line.strip().partition(":")[0].lstrip("*"))
    return names


def public(body: list[ast.stmt], within: str = "") -> Iterator[tuple[str, Function]]:
    """Public functions and methods, with their names.

    Left out is what answers to another library: methods of a class that extends one of its own
    (`click.Group`), and commands and routes, whose docstrings are texts for users.
    """
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            if not any(isinstance(base, ast.Attribute) for base in node.bases):
                yield from public(node.body, f"{within}{node.name}.")
        elif isinstance(node, Function) and not node.name.startswith("_"):
            yield from [] if is_for_users(node) else [(f"{within}{node.name}", node)]


def is_for_users(function: Function) -> bool:
    """Whether it is a command of click's or a route of FastAPI's."""
    decorators = map(ast.unparse, function.decorator_list)
    return any(decorator.startswith(("click.", "router.")) for decorator in decorators)


@pytest.mark.costly
def test_every_public_function_documents_its_two_or_more_arguments():
    undocumented = {
        f"{path.relative_to(ROOT)}: {name}": (arguments(function), documented(function))
        for path in MODULES
        for name, function in public(ast.parse(path.read_text()).body)
        if len(arguments(function)) >= 2 and documented(function) != arguments(function)
    }
    assert not undocumented


def test_the_check_finds_what_is_missing():
    source = '''
def right(a, *, b=1):
    """Add.

    Args:
        a: A number.
            It goes on.
        b: Another.

    Returns:
        Their sum.
    """

def wrong(a, b):
    """Add a and b."""

def alone(a):
    """Negate."""
'''
    names = dict(public(ast.parse(source).body))
    assert {name: documented(function) for name, function in names.items()} == {
        "right": ["a", "b"],
        "wrong": [],
        "alone": [],
    }
    assert arguments(names["right"]) == ["a", "b"]


@pytest.mark.parametrize(
    "function", [likewise.Gallery.search, likewise.Matcher.query, likewise.Matcher.check]
)
def test_the_searches_have_examples(function):
    """Those examples are run, as all are, by `--doctest-modules`."""
    assert ">>> " in (inspect.getdoc(function) or "")
