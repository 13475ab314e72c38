"""MkDocs hooks: the pages of the root (README, changelog, …) become pages of the site.

In the repository they link to `docs/page.md`, and pages of docs/ link to `../README.md`; on the
site all of them lie in one folder.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PAGES = {
    "README.md": "index.md",
    **{name: name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")},
    "deploy/likewise.service": "likewise.service",
    "deploy/kubernetes.yaml": "kubernetes.yaml",
}
_TARGETS = re.compile(r'(?<=\]\()(?!https?:)([^)#\s]+)|(?<=src=")([^"]+)')


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that lie outside docs/."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Point the links of a page to where their targets lie on the site."""
    return _TARGETS.sub(lambda link: moved(link[0]), markdown)


def moved(target: str) -> str:
    """Say where the target of a link lies on the site, for pages of the root and of docs/."""
    if target.removeprefix("../") in PAGES:
        return PAGES[target.removeprefix("../")]
    return target.removeprefix("docs/")
