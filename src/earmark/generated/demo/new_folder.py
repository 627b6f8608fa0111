"""A folder of generated data that is there as a whole or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from earmark.errors import EarmarkError


@contextmanager
def new_folder(root: Path) -> Iterator[Path]:
    """A folder to write into, which becomes `root` at the end unless an exception left the block.

    A killed run leaves no `root`, only .<name>.partial beside it, which the next run removes. Raises EarmarkError when
    `root` already holds something.
    """
    root = Path(root).absolute()
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise EarmarkError(f"{root} already exists; remove it, or name another folder for the demo data.")
    partial = root.with_name(f".{root.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        yield partial
        partial.replace(root)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
