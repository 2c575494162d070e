"""A hook of MkDocs: the site includes the files that its pages link to, such as source files.

The links in the pages work on GitHub: they are relative to the file, `../sql/hidden_gems.sql`. In
the site README.md is the first page, and any other file outside of docs/ has a page that shows it.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"(!?\[[^\]]*\]\()(?!\w+:|#|<)([^)\s#]+)((?:#[^)]*)?\))")
SHOWN = (".md", ".png")
LANGUAGES = {".yml": "yaml", ".sql": "sql", ".py": "python", ".sh": "bash", ".toml": "toml"}


def on_config(config):
    """Put every decision into the navigation."""
    decisions = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))
    config.nav.append({"Decisions": [f"decisions/{name}" for name in decisions]})
    return config


def on_files(files, config):
    """Add README.md, and a page for each file outside of docs/ that a page links to."""
    waiting = ["README.md", *(f"docs/{file.src_uri}" for file in files.documentation_pages())]
    known = set(waiting)
    files.append(File.generated(config, page_of("README.md"), content=_content("README.md")))
    while waiting:
        source = waiting.pop()
        for target in _targets(source) - known:
            known.add(target)
            if not target.startswith("docs/") or not target.endswith(SHOWN):
                files.append(File.generated(config, page_of(target), content=_content(target)))
            if target.endswith(".md"):
                waiting.append(target)
    return files


def on_page_markdown(markdown, page, **_):
    """Point each link to the page that shows its target."""
    here = page.file.src_uri
    source = next(
        (path for path in ("README.md", *_outside()) if page_of(path) == here), f"docs/{here}"
    )

    def led(match: re.Match) -> str:
        there = page_of(_resolved(source, match[2]))
        return match[1] + posixpath.relpath(there, posixpath.dirname(here) or ".") + match[3]

    return LINK.sub(led, markdown)


def page_of(path: str) -> str:
    """The page of the site that shows a file of the project."""
    if path == "README.md":
        return "index.md"
    if path.startswith("docs/") and path.endswith(SHOWN):
        return path.removeprefix("docs/")
    return f"source/{path}" if path.endswith(".md") else f"source/{path}.md"


def _outside() -> list[str]:
    """The Markdown files outside of docs/ whose links are changed."""
    return [path.name for path in ROOT.glob("*.md")]


def _targets(source: str) -> set[str]:
    """The files that a page links to, as paths from the root."""
    return {_resolved(source, link) for _, link, _ in LINK.findall((ROOT / source).read_text())}


def _resolved(source: str, link: str) -> str:
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
    if not (ROOT / path).exists():
        raise PluginError(f"{source} links to {link}, which does not exist")
    return path


def _content(path: str) -> str:
    """A file as a page: Markdown as it is, a folder as a list, anything else as a text."""
    file = ROOT / path
    if path.endswith(".md"):
        return file.read_text()
    head = f"---\nsearch:\n  exclude: true\n---\n\n# {path}\n\n"
    if file.is_dir():
        return head + "".join(f"- `{inner.name}`\n" for inner in sorted(file.iterdir()))
    return f"{head}````{LANGUAGES.get(file.suffix, 'text')}\n{file.read_text()}````\n"
