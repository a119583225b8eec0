"""What MkDocs is told when it builds the site: which pages outside docs belong to it.

Pages link to each other as files of the repository, so that they can be read there, too. Here
these links become links of the site. Never lets a page load anything from another host.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
# files of the repository outside docs, and their names on the site
OUTSIDE = {
    "README.md": "index.md",
    "benchmarks/README.md": "benchmarks.md",
    "examples/README.md": "examples.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "LICENSE": "licence.md",
}
FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")
LOADED = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']?(?:https?:)?//[^\"'\s>]+"
    r"|<link\b[^>]*\brel=[\"']?(?:stylesheet|preload|preconnect|icon)\b[^>]*"
    r"\bhref=[\"']?(?:https?:)?//[^\"'\s>]+"
)


def site_path(path: str) -> str:
    """Return the site's name of a file of the repository.

    >>> site_path("README.md"), site_path("docs/guide.md"), site_path("docs/decisions")
    ('index.md', 'guide.md', 'decisions/README.md')
    """
    if path in OUTSIDE:
        return OUTSIDE[path]
    if path.rstrip("/") == "docs/decisions":
        return "decisions/README.md"
    return path.removeprefix("docs/")


def in_repository(name: str) -> str:
    """Return the repository's path of a page of the site."""
    outside = {there: here for here, there in OUTSIDE.items()}
    return outside.get(name, f"docs/{name}")


def relinked(text: str, page: str) -> str:
    """Return a page's text with its links as links of the site.

    >>> relinked("[a](../README.md#in-short), [b](https://x.org/y)", "guide.md")
    '[a](index.md#in-short), [b](https://x.org/y)'
    """
    here = posixpath.dirname(in_repository(page))

    def link(found: re.Match[str]) -> str:
        if "://" in found[2]:
            return found[0]
        target = posixpath.normpath(posixpath.join(here, found[2]))
        relative = posixpath.relpath(site_path(target), posixpath.dirname(page) or ".")
        return f"{found[1]}{relative}{found[3]}"

    parts = FENCE.split(text)
    return "".join(part if part.startswith("```") else LINK.sub(link, part) for part in parts)


def on_files(files: Any, config: Any) -> Any:
    """Add the pages outside docs."""
    for path, name in OUTSIDE.items():
        text = (ROOT / path).read_text(encoding="utf-8")
        shown = text if path.endswith(".md") else f"# Licence\n\n```\n{text}```\n"
        files.append(File.generated(config, name, content=shown))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links between files of the repository into links of the site."""
    return relinked(markdown, page.file.src_uri)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Refuse a page that would load something from another host."""
    loaded = LOADED.findall(output)
    if loaded:
        raise PluginError(f"{page.file.src_uri} loads something from another host: {loaded}")
    return output
