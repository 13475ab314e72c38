"""The house rules that no single module can hold: who imports whom, and who may speak.

Imports are read from the source with `ast`, those inside functions too.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "cli": {"service", "embedder", "index", "cores"},
    "service": {"embedder", "index", "cores"},
    "embedder": {"cores"},
    "index": {"cores"},
    "cores": set(),
}
OPTIONAL = {"tensorflow", "keras", "matplotlib"}  # the extra `train`
SERVING = {"fastapi", "starlette", "uvicorn", "prometheus_client", "pydantic"}  # the extra `serve`
TRAINING = {  # the modules that may need it
    f"embedder.{name}"
    for name in (
        *("augmentation", "averaging", "batches", "export", "figures", "loss"),
        *("network", "progress", "training"),
    )
}
SPEAKING = {"print", "stdout", "stderr"}


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py")) or [ROOT / f"{package}.py"]


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imports(nodes: Iterator[ast.AST]) -> set[str]:
    """Dotted names, 'embedder.model' for both `import` and `from`; relative ones are refused."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that they can be read by name"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def top_names(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(ast.walk(ast.parse(path.read_text())))}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_run_from_cli_over_service_to_embedder_and_index(package):
    above = MAY_IMPORT.keys() - MAY_IMPORT[package] - {package}
    wrong = {module_name(path): top_names(path) & above for path in sources(package)}
    assert not {name: found for name, found in wrong.items() if found}


def test_only_training_modules_import_what_the_extra_train_brings():
    users = {
        module_name(path)
        for package in MAY_IMPORT
        for path in sources(package)
        if top_names(path) & OPTIONAL
    }
    assert users <= TRAINING


def test_no_other_module_imports_a_training_module_when_it_is_itself_imported():
    def at_import(path: Path) -> set[str]:
        return imports(iter(ast.parse(path.read_text()).body))

    eager = {
        module_name(path): {name for name in at_import(path) if in_training(name)}
        for package in MAY_IMPORT
        for path in sources(package)
        if module_name(path) not in TRAINING
    }
    assert not {name: found for name, found in eager.items() if found}


def in_training(name: str) -> bool:
    return name in TRAINING or name.rpartition(".")[0] in TRAINING


@pytest.mark.parametrize("package", ["embedder", "index", "service"])
def test_library_modules_print_nothing(package):
    loud = {module_name(path): streams(path) for path in sources(package)}
    assert not {name: found for name, found in loud.items() if found}


def streams(path: Path) -> set[str]:
    """Which of print, sys.stdout and sys.stderr a module names; a training shows its progress."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    found = {node.id for node in nodes if isinstance(node, ast.Name)}
    found |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return found & ({"print", "stdout"} if module_name(path) in TRAINING else SPEAKING)


def loaded_after(code: str) -> set[str]:
    """Top-level names in `sys.modules` of a new process that ran `code`."""
    script = f"{code}\nimport sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_command_line_and_an_open_gallery_never_load_tensorflow(tmp_path):
    code = f"""
import cli
from index.gallery import Gallery
path = {str(tmp_path / "small.gallery")!r}
Gallery.create(path, dim=4, fingerprint="0123456789ab").close()
Gallery.open(path).close()
from embedder.model import Embedder
"""
    assert not loaded_after(code) & OPTIONAL


def test_index_loads_neither_embedder_nor_pillow():
    code = "import index.gallery, index.decision, index.store, index.vectors"
    assert not loaded_after(code) & {"embedder", "service", "PIL", "pyarrow"}


def test_only_the_http_service_imports_what_the_extra_serve_brings():
    users = {
        module_name(path)
        for package in MAY_IMPORT
        for path in sources(package)
        if top_names(path) & SERVING
    }
    assert users
    assert all(name.startswith("service.http.") for name in users)


def test_nothing_but_the_command_imports_the_http_service_and_only_when_it_runs():
    eager = {
        module_name(path)
        for package in MAY_IMPORT
        for path in sources(package)
        if any(name.startswith("service.http") for name in imports(body_of(path)))
    }
    assert all(name.startswith("service.http") for name in eager)


def body_of(path: Path) -> Iterator[ast.AST]:
    return iter(ast.parse(path.read_text()).body)
