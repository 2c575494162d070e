"""How a command reports the files that it wrote."""

from pathlib import Path

from rich.console import Console


def wrote(console: Console, path: Path, note: str = "") -> None:
    """Print the path of a file or folder that was created or changed."""
    console.print(f"wrote {short(path)}{note}", markup=False, highlight=False, soft_wrap=True)


def short(path: Path) -> Path:
    """Return a path relative to the working directory if it is inside, else the full path."""
    path, here = path.resolve(), Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
