"""`earmark predict speaker`."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from earmark import console
from earmark.console import warn
from earmark.errors import EarmarkError
from earmark.training.model_files import Chosen

WAYS = "--embed OUT.parquet FILES, --verify A B, --enroll DIR FILES, or --cluster FILES"


@dataclass(frozen=True)
class Wish:
    """What is asked of the recordings; one of the first four."""

    embed: Path | None = None
    verify: bool = False
    enroll: Path | None = None
    cluster: bool = False
    speakers: int | None = None

    @property
    def chosen(self) -> int:
        return sum([self.embed is not None, self.verify, self.enroll is not None, self.cluster])


class Voices:
    """The embedder of a model, and a sentence on each recording that it cannot use."""

    def __init__(self, chosen: Chosen):
        from earmark.tasks.speaker.predictions import Embedder

        self.chosen = chosen
        warn(self.chosen.sentence)
        self.embedder, self.problems = Embedder(self.chosen.folder), []

    def __call__(self, files: Iterable[Path]) -> list[tuple[Path, "object"]]:
        """(file, embedding (d,)) of each file that can be used."""
        from earmark.audio import AudioError

        found = []
        for file in files:
            try:
                if file.is_dir():
                    self.problems.append(f"{file} is a folder; name its files.")
                    continue
                found.append((file, self.embedder(file)))
            except (AudioError, OSError) as e:
                self.problems.append(f"{file} cannot be used: {getattr(e, 'strerror', None) or e}.")
        return found

    def threshold(self, name: str) -> float:
        """A threshold that the model carries, chosen on its validation speakers."""
        if name not in self.embedder.config.release:
            raise EarmarkError(
                f"{self.chosen.name} carries no {name.replace('_', ' ')}, having met no validation speakers; "
                "name a released model with --model."
            )
        return float(self.embedder.config.release[name])


def predict(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Recordings.")],
    model: Annotated[str | None, typer.Option(help="A model folder or an MLflow model URI.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    embed: Annotated[Path | None, typer.Option(help="Write path and embedding to this .parquet file.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Are two recordings of one speaker?")] = False,
    enroll: Annotated[Path | None, typer.Option(help="Who is it? A folder, one sub-folder a speaker.")] = None,
    cluster: Annotated[bool, typer.Option("--cluster", help="Group recordings by speaker.")] = False,
    speakers: Annotated[int | None, typer.Option(help="How many groups --cluster makes.")] = None,
) -> None:
    """Embed, verify, identify or group voices; those that cannot be used are named, and the exit status is 1."""
    wish = Wish(embed, verify, enroll, cluster, speakers)
    _check(files, wish)
    voices = Voices(ctx.obj(model))
    if wish.embed:
        _embed(voices, files, wish.embed, as_json)
    elif wish.verify:
        _verify(voices, files, as_json)
    elif wish.enroll:
        _enroll(voices, files, wish.enroll, as_json)
    else:
        _cluster(voices, files, wish.speakers, as_json)
    for problem in voices.problems:
        warn(problem)
    if voices.problems:
        raise typer.Exit(1)


def _check(files: list[Path], wish: Wish) -> None:
    if wish.chosen != 1:
        raise EarmarkError(f"Say what to do with the voices, one of: {WAYS}.")
    if wish.embed and wish.embed.suffix != ".parquet":  # or a forgotten OUT would overwrite a recording
        raise EarmarkError(f"--embed writes a table, and {wish.embed} is no name of one; call it OUT.parquet.")
    if wish.verify and len(files) != 2:
        raise EarmarkError(f"--verify compares two recordings, and {len(files)} were named; name two.")
    if wish.speakers is not None and not wish.cluster:
        raise EarmarkError("--speakers says into how many groups --cluster sorts; leave it out here.")
    if wish.speakers is not None and not 1 <= wish.speakers <= len(files):
        raise EarmarkError(f"--speakers must lie from 1 to the number of recordings, {len(files)}.")


def _embed(voices: Voices, files: list[Path], out: Path, as_json: bool) -> None:
    import pandas as pd

    found = voices(console.progress(files, len(files), "embedding"))
    if not found:
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame({"path": [str(file) for file, _ in found], "embedding": [e for _, e in found]})
    table.to_parquet(out, index=False)
    if as_json:
        _print([{"path": path, "out": str(out), "row": row} for row, path in enumerate(table.path)])
    else:
        print(f"Wrote {out}: {len(found)} embeddings of {len(found[0][1])} values; their cosine is the score.")


def _verify(voices: Voices, files: list[Path], as_json: bool) -> None:
    threshold, found = voices.threshold("threshold"), voices(files)
    if len(found) < 2:
        return
    score = float(found[0][1] @ found[1][1])
    answer = {"a": str(files[0]), "b": str(files[1]), "score": score, "threshold": threshold}
    answer["same"] = score >= threshold
    if as_json:
        _print(answer)
    else:
        said = "the same speaker" if answer["same"] else "different speakers"
        print(f"{said}: score {score:.3f}, threshold {threshold:.3f}")


def _enroll(voices: Voices, files: list[Path], folder: Path, as_json: bool) -> None:
    from earmark.tasks.speaker.trials import identify

    threshold = voices.threshold("threshold")
    known = _voiceprints(voices, identify.enrolled_files(folder), folder)
    answers = []
    for file, embedding in voices(files):
        (nearest, score), *others = identify.ranking(embedding, known)
        second, its_score = others[0] if others else (None, None)
        answers.append(
            {
                "path": str(file),
                "speaker": nearest if score >= threshold else identify.UNKNOWN,
                "score": score,
                "threshold": threshold,
                "nearest": nearest,
                "runner_up": second,
                "runner_up_score": its_score,
            }
        )
    if as_json:
        _print(answers)
    elif answers:
        rows = [(a["path"], a["speaker"], _scored(a, "nearest", "score"), _runner_up(a)) for a in answers]
        console.table(("file", "speaker", "nearest", "runner-up"), rows, f"unknown below {threshold:.3f}")


def _voiceprints(voices: Voices, files: dict[str, list[Path]], folder: Path) -> dict:
    """Each speaker's voiceprint (d,); one without a usable recording is left out, which is said."""
    import numpy as np

    from earmark.tasks.speaker.trials import identify

    found = {name: [e for _, e in voices(recordings)] for name, recordings in files.items()}
    known = {name: identify.voiceprint(np.stack(them)) for name, them in found.items() if them}
    if not known:
        raise EarmarkError(f"No recording in {folder} can be used ({voices.problems[0].rstrip('.')}); enroll others.")
    for name in sorted(set(files) - set(known)):
        warn(f"Speaker '{name}' is left out: none of the recordings can be used.")
    return known


def _scored(answer: dict, name: str, score: str) -> str:
    return f"{answer[name]} ({answer[score]:.3f})"


def _runner_up(answer: dict) -> str:
    return "-" if answer["runner_up"] is None else _scored(answer, "runner_up", "runner_up_score")


def _cluster(voices: Voices, files: list[Path], speakers: int | None, as_json: bool) -> None:
    import numpy as np

    from earmark.tasks.speaker.trials import identify

    threshold = voices.threshold("cluster_threshold") if speakers is None else None
    found = voices(files)
    if not found:
        return
    if speakers is not None and speakers > len(found):
        warn(f"Only {len(found)} of {len(files)} recordings can be used, which is less than {speakers} speakers.")
        speakers = len(found)
    numbers = identify.groups(np.stack([e for _, e in found]), threshold, speakers)
    rows = sorted(zip(numbers.tolist(), (str(file) for file, _ in found), strict=True), key=lambda row: row[0])
    if as_json:
        _print([{"path": path, "group": number} for number, path in rows])
    else:
        n = int(numbers.max())
        console.table(("file", "group"), [(path, number) for number, path in rows], f"{n} speaker{'s' * (n != 1)}")


def _print(answer: list | dict) -> None:
    print(json.dumps(answer, indent=2))
