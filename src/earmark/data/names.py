"""Names in one form, and the files that they name.

A letter such as é can be written as one character or as two (Unicode's composed and decomposed forms); macOS writes
the second, most others the first. Names are compared composed (NFC), and opened as the disk has them.
"""

import os
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath


def nfc(text: str) -> str:
    """The text in Unicode's composed form."""
    return unicodedata.normalize("NFC", text)


def name_matcher(known: Iterable[str]) -> Callable[[str], str]:
    """What a list means by a name: a known one where it differs from that in form alone, else the name itself."""
    exact = set(known)
    by_form = {nfc(name): name for name in sorted(exact, reverse=True)}  # of several the first

    def meant(name: str) -> str:
        if name in exact:
            return name
        return by_form.get(nfc(name)) or by_form.get(nfc(name.replace("\\", "/"))) or name

    return meant


class Paths:
    """Paths as lists write them, for the files below a folder."""

    def __init__(self, root: Path):
        self.root = root
        self._names: dict[str, dict[str, str]] = {}  # of each folder: its names by their form

    def below(self, said: str) -> str | None:
        """The path below the root, normalised, each name as it stands on the disk; None for one outside of it.

        What the path says counts, and is followed to no link: `..` may not leave the root, an absolute path must lie
        in it. Backslashes part names where no file has them in its name.
        """
        found = self._relative(said)
        if "\\" in said and (found is None or not os.path.lexists(self.root / found)):
            parted = self._relative(said.replace("\\", "/"))
            return parted if parted is None or os.path.lexists(self.root / parted) else found
        return found

    def _relative(self, said: str) -> str | None:
        path: str | None = os.path.normpath(said)
        if os.path.isabs(said):
            path = self._under_root(os.path.normpath(said))
        if path is None or path == ".." or path.startswith("../"):
            return None
        return self._on_disk(path)

    def _under_root(self, path: str) -> str | None:
        """The part of an absolute path behind the root, under whatever name that is reached."""
        for base in (os.path.abspath(self.root), os.path.realpath(self.root)):
            if path.startswith(base.rstrip("/") + "/"):
                return os.path.relpath(path, base)
        for parent in PurePosixPath(path).parents:
            if os.path.exists(parent) and os.path.samefile(parent, self.root):
                return os.path.relpath(path, parent)
        return None

    def _on_disk(self, path: str) -> str:
        if os.path.lexists(self.root / path):
            return path
        found = ""
        for name in PurePosixPath(path).parts:
            there = os.path.join(found, name)
            if not os.path.lexists(self.root / there):
                there = os.path.join(found, self._listed(found).get(nfc(name), name))
            found = there
        return found

    def _listed(self, folder: str) -> dict[str, str]:
        if folder not in self._names:
            try:
                names = os.listdir(self.root / folder)
            except (OSError, ValueError):
                names = []
            self._names[folder] = {nfc(name): name for name in sorted(names, reverse=True)}
        return self._names[folder]
