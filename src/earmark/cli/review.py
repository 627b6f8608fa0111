"""Labels in doubt as a file for people, and what they made of it as a new manifest."""

from pathlib import Path
from typing import Annotated

import typer

from earmark import paths
from earmark.cli import own
from earmark.cli.arguments import TaskName, settings
from earmark.console import progress, say
from earmark.data.settings import DataSettings
from earmark.errors import EarmarkError
from earmark.tasks import catalog


def review(
    task: TaskName,
    out: Annotated[
        Path | None, typer.Option(help="Write the test recordings' labels to this new file, to be marked.")
    ] = None,
    apply: Annotated[Path | None, typer.Option(help="Write a corrected manifest from the marks in this file.")] = None,
) -> None:
    """Write the test labels into a file, most doubtful first (--out), or apply the corrections made in it (--apply)."""
    catalog.check(task)
    if out is not None and apply is None:
        _write(task, out)
    elif apply is not None and out is None:
        _apply(task, apply)
    else:
        raise EarmarkError(f"Give either --out FILE or --apply FILE, as in `earmark review {task} --out FILE`.")


def _write(task: str, out: Path) -> None:
    """Every label of the report that the last evaluation wrote, with nothing said of it yet."""
    if out.exists():
        raise EarmarkError(f"{out} already exists, and may contain marks; name another file with --out, or remove it.")
    from earmark.data import marks
    from earmark.data import review as reviewing
    from earmark.evaluation.listening import marking, page

    asked, corpora = settings(task), catalog.task(task).room("corpora").CORPORA
    report = page.read(Path("reports") / task / "listening.html")
    sha256 = reviewing.fingerprint(corpora, asked.data, paths.audio_root(asked.data.root))
    found = marking.doubtful(report, sha256)
    marks.write(out, found)
    say(f"{out} has {len(found)} labels, the most doubtful first.")
    say(
        "Fill in the columns status (wrong, corrected or doubtful), corrected (the right label) and by (your name); "
        f"then `earmark review {task} --apply {out}`. `earmark listen {task}` plays the recordings and writes such a "
        "file."
    )


def _apply(task: str, file: Path) -> None:
    """A new manifest beside the old one, and params.yaml pointed at it."""
    from earmark.data import marks, reading, record
    from earmark.data import review as reviewing
    from earmark.pipeline import stages

    asked, corpora = settings(task), catalog.task(task).room("corpora").CORPORA
    if stages.used_folders([asked.data.root]):  # whatever its source is called, it is an output of DVC's
        raise EarmarkError(reviewing.GENERATED)
    root = paths.audio_root(asked.data.root)
    before = record.find(Path("splits") / f"{task}.csv", paths.main_repository())

    def tried(data: DataSettings) -> None:
        reading.prepare(corpora, data, root, lambda sentence: None, progress, before)

    applied = reviewing.apply(corpora, asked.data, root, marks.read(file), file, tried)
    for sentence in applied.said:
        say(sentence)
    own.point(task, {"source": "folder", "manifest": applied.manifest})
    say(f"Next: `dvc repro publish@{task}`, then `dvc metrics diff`.")
