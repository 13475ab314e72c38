"""Rules that no single module can check: imports, sizes, and printing.

Imports are read from the source with `ast`: those inside functions and under TYPE_CHECKING too.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("likewise", "embedder", "index")
LEAVES = (
    *("likewise.errors", "likewise.parallel", "likewise.arrays", "likewise.names"),
    *("likewise.exchange", "likewise.metrics"),
)
TRAIN = {"tensorflow", "keras", "h5py", "matplotlib"}  # the extra `train`
NEEDING_TENSORFLOW = ("embedder.training", "embedder.importing")
SERVE = {"fastapi", "starlette", "uvicorn", "prometheus_client", "pydantic"}  # the extra `serve`


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for name in PACKAGES for path in (ROOT / name).rglob("*.py")}


def imported(nodes: Iterable[ast.AST]) -> set[str]:
    """Dotted names: 'embedder.model' for `import embedder.model` and for `from … import …`."""
    result = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            result |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that they can be read by name"
            assert node.module is not None
            dotted = {f"{node.module}.{alias.name}" for alias in node.names}
            result |= {name if name in MODULES else node.module for name in dotted}
    return result


@cache
def imports(module: str) -> frozenset[str]:
    """Everything that a module imports, wherever in its source."""
    return frozenset(imported(ast.walk(ast.parse(MODULES[module].read_text()))))


def top_names(module: str) -> set[str]:
    return {name.partition(".")[0] for name in imports(module)}


def at_import(module: str) -> set[str]:
    """What a module imports when it is itself imported."""
    return imported(ast.parse(MODULES[module].read_text()).body)


def is_within(name: str, packages: Iterable[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.costly
def test_imports_form_no_cycle():
    graph = {module: imports(module) & MODULES.keys() for module in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize(("half", "other"), [("embedder", "index"), ("index", "embedder")])
def test_a_half_imports_neither_the_other_nor_likewise_but_its_leaves(half, other):
    wrong = {
        (module, name)
        for module in MODULES
        if is_within(module, [half])
        for name in imports(module)
        if is_within(name, [other, "likewise", "cli"]) and not is_within(name, LEAVES)
    }
    assert not wrong


def test_the_leaves_import_nothing_of_the_project_but_leaves():
    wrong = {
        (module, name)
        for module in MODULES
        if is_within(module, LEAVES)
        for name in imports(module) & MODULES.keys()
        if not is_within(name, LEAVES)
    }
    assert not wrong


def test_the_metrics_need_numpy_alone():
    outside = {
        name
        for module in MODULES
        if is_within(module, ["likewise.metrics"])
        for name in top_names(module)
        if name not in sys.stdlib_module_names
    }
    assert outside == {"numpy", "likewise"}


def test_only_training_and_imports_of_models_use_what_the_extra_train_brings():
    users = {module for module in MODULES if top_names(module) & TRAIN}
    assert users
    assert all(is_within(module, NEEDING_TENSORFLOW) for module in users)


@pytest.mark.costly
def test_nothing_else_imports_a_module_that_needs_tensorflow_when_it_is_itself_imported():
    needing = {module for module in MODULES if top_names(module) & TRAIN}
    eager = {(module, name) for module in MODULES for name in at_import(module) & needing}
    assert all(is_within(module, NEEDING_TENSORFLOW) for module, _ in eager)


def test_only_the_server_imports_what_the_extra_serve_brings():
    users = {module for module in MODULES if top_names(module) & SERVE}
    assert users
    assert all(is_within(module, ["likewise.server"]) for module in users)


@pytest.mark.costly
def test_nothing_else_imports_the_server_when_it_is_itself_imported():
    eager = {
        module
        for module in MODULES
        if any(is_within(name, ["likewise.server"]) for name in at_import(module))
    }
    assert all(is_within(module, ["likewise.server"]) for module in eager)


@pytest.mark.costly
def test_only_commands_print():
    loud = {module: streams(module) for module in MODULES}
    assert all(
        is_within(module, ["likewise.commands"]) for module, names in loud.items() if names
    ), loud


def streams(module: str) -> set[str]:
    """Which of print, sys.stdout and sys.stderr a module names; a training shows its progress."""
    nodes = list(ast.walk(ast.parse(MODULES[module].read_text())))
    result = {node.id for node in nodes if isinstance(node, ast.Name)}
    result |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    speaking = {"print", "stdout", "stderr"}
    return result & (speaking - {"stderr"} if top_names(module) & TRAIN else speaking)


def loaded_after(code: str) -> set[str]:
    """Names in `sys.modules` of a new process that ran `code`."""
    script = f"{code}\nimport sys; print(*sys.modules)"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.costly
def test_the_command_line_and_an_open_gallery_never_load_tensorflow(tmp_path):
    code = f"""
import cli
from index.gallery import Gallery
path = {str(tmp_path / "small.gallery")!r}
Gallery.create(path, dim=4, fingerprint="0123456789ab").close()
Gallery.open(path).close()
from embedder.model import Embedder
"""
    assert not loaded_after(code) & TRAIN


@pytest.mark.costly
def test_index_loads_neither_embedder_nor_pillow():
    modules = [module for module in MODULES if is_within(module, ["index"])]
    assert not loaded_after(f"import {', '.join(modules)}") & {"embedder", "PIL", "pyarrow"}


def test_likewise_itself_imports_nothing_until_a_name_is_used():
    new = loaded_after("import likewise") - loaded_after("")
    assert {name for name in new if name.partition(".")[0] not in sys.stdlib_module_names} == {
        "likewise"
    }


def folder(module: str) -> str:
    """The package that a module lies in; a package's own `__init__` lies in it too."""
    return module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]


def in_line(name: str, package: str) -> str:
    """How the line of a package names an imported module.

    A module of another half by the half, one of a package around this one by its own name, any
    other by its package.
    """
    half = name.partition(".")[0]
    if half != package.partition(".")[0]:
        return half
    return name if is_within(package, [folder(name)]) or folder(name) == half else folder(name)


def may_import(package: str) -> str:
    """The line that is true of a package: what its modules import from outside it but leaves."""
    outside = {
        name
        for module in MODULES
        if folder(module) == package
        for name in imports(module) & MODULES.keys()
        if folder(name) != package and not is_within(name, LEAVES)
    }
    names = sorted({in_line(name, package) for name in outside})
    return f"May import: {', '.join(names) or 'nothing'}."


@pytest.mark.parametrize("package", sorted(set(map(folder, MODULES))))
def test_the_docstring_of_a_package_ends_with_what_it_may_import(package):
    docstring = ast.get_docstring(ast.parse(MODULES[package].read_text())) or ""
    assert " ".join(docstring.split()).endswith(may_import(package))


def test_no_module_is_longer_than_300_lines():
    lines = {name: len(path.read_text().splitlines()) for name, path in MODULES.items()}
    assert {name: count for name, count in lines.items() if count > 300} == {}


def test_nine_functions_of_ten_have_at_most_25_lines():
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    lengths = [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for path in MODULES.values()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, kinds)
    ]
    assert sorted(lengths)[len(lengths) * 9 // 10] <= 25
