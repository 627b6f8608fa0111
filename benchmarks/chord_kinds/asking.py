"""Tools and models hear recordings, each once; what they say stays on disk, kind by kind."""

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import chord_tools

from chord_kinds.recording import Kind
from earmark import console

GIVEN = "given.json"


class Hearer(NamedTuple):
    """A tool of other people by its environment's python, or a model of ours by its folder."""

    name: str
    python: Path = Path(sys.executable)
    model: Path | None = None


def asked(hearer: Hearer, kinds: list[Kind], root: Path, again: bool = False) -> dict[str, Path]:
    """Folders of its .lab files by the kind's name, below `root`; one process hears all that it has not answered for.

    An answer counts while recordings and model are those that it was given for. Where the process fails or is stopped,
    the kinds that it had finished count; one that it failed at is left out.
    """
    answers, folders = root / "answers" / hearer.name, {kind.slug: root / "kinds" / kind.slug for kind in kinds}
    if again:
        shutil.rmtree(answers, ignore_errors=True)
    asking = answers / "asking"
    asking.mkdir(parents=True, exist_ok=True)
    files = {slug: sorted(p for p in folder.iterdir() if _is_sound(p)) for slug, folder in folders.items()}
    given = {slug: _given(paths, hearer.model) for slug, paths in files.items()}
    _sorted_out(asking, answers)
    failed: set[str] = set()
    while left := [slug for slug in files if slug not in failed and not _said(answers / slug, given[slug])]:
        together = [path for slug in left for path in files[slug]]
        names = {slug: [given[slug], [path.stem for path in files[slug]]] for slug in left}
        (asking / GIVEN).write_text(json.dumps(names))
        console.say(f"{hearer.name} hears {len(together)} recordings of {len(left)} kinds")
        tool = "earmark" if hearer.model else hearer.name
        succeeded = chord_tools.run(tool, hearer.python, together, asking, 1, hearer.model)
        _sorted_out(asking, answers)
        missing = [slug for slug in left if not _said(answers / slug, given[slug])]
        if not succeeded:
            failed |= set(missing if missing == left else missing[:1])  # no kind finished: it cannot run at all
    return {kind.name: answers / kind.slug for kind in kinds if kind.slug not in failed}


def _sorted_out(asking: Path, answers: Path) -> None:
    """Move the answers that were given in one go to a folder for each kind that has all of its own."""
    named = json.loads((asking / GIVEN).read_text()) if (asking / GIVEN).is_file() else {}
    for slug, (given, stems) in named.items():
        labs = [asking / f"{stem}.lab" for stem in stems]
        if all(lab.is_file() for lab in labs):
            shutil.rmtree(answers / slug, ignore_errors=True)
            (answers / slug).mkdir()
            for lab in labs:
                lab.rename(answers / slug / lab.name)
            (answers / slug / GIVEN).write_text(json.dumps(given))


def _said(folder: Path, given: str) -> bool:
    return (folder / GIVEN).is_file() and json.loads((folder / GIVEN).read_text()) == given


def _is_sound(path: Path) -> bool:
    return path.suffix in chord_tools.SUFFIXES


def _given(files: list[Path], model: Path | None) -> str:
    """A hash of all that a tool is given."""
    found = hashlib.sha256()
    for path in (*files, *(sorted(p for p in model.iterdir() if p.suffix != ".md") if model else ())):
        found.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()
