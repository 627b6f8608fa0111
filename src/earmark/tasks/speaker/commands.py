"""`earmark predict speaker`."""

import json
import math
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated

import typer

from earmark import console
from earmark.console import printable, warn
from earmark.errors import EarmarkError, writable_file, writing
from earmark.tasks.answering import print_json, rows

if TYPE_CHECKING:
    from earmark.tasks.answering import Problems, Recording
    from earmark.tasks.speaker.listener import EmbeddedRecording, Listener
    from earmark.training.model_files import ResolvedModel

# Of answers in JSON.
EMBEDDED = ("out", "row", "speech_s")
VERIFIED = ("score", "threshold", "same", "speech_s")
IDENTIFIED = ("speaker", "score", "threshold", "nearest", "runner_up", "runner_up_score", "speech_s")
GROUPED = ("group", "speech_s")
TOLD = 20  # speakers that are enrolled, each of whom gets a sentence
WAYS = "--embed OUT.parquet FILES, --verify A B, --enroll DIR FILES, or --cluster FILES"


@dataclass(frozen=True)
class Wish:
    """What is asked of the recordings; one of the first four."""

    embed: Path | None = None
    verify: bool = False
    enroll: Path | None = None
    cluster: bool = False
    speakers: int | None = None
    threshold: float | None = None

    @property
    def chosen(self) -> int:
        """How many kinds of answer are asked for; one may be."""
        return sum([self.embed is not None, self.verify, self.enroll is not None, self.cluster])


def predict(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Recordings, or folders of them; - reads standard input.")],
    model: Annotated[str | None, typer.Option(help="A model folder or MLflow URI, in place of the champion.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answers as JSON.")] = False,
    embed: Annotated[Path | None, typer.Option(help="Write paths and embeddings to this .parquet file.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Tell whether two recordings share a speaker.")] = False,
    enroll: Annotated[
        Path | None,
        typer.Option(help="Identify the speaker; a folder with one sub-folder of recordings per known speaker."),
    ] = None,
    cluster: Annotated[bool, typer.Option("--cluster", help="Cluster the recordings by speaker.")] = False,
    speakers: Annotated[int | None, typer.Option(help="With --cluster: the number of clusters.")] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Cosine (-1 to 1) from which voices count as one person's; the model's own by default."),
    ] = None,
    channel: Annotated[
        int | None, typer.Option(min=1, help="The channel to read, counted from 1; by default the mean of all.")
    ] = None,
) -> None:
    """Embed, verify, identify or cluster voices; names recordings that cannot be used, with exit status 1."""
    from earmark.tasks import answering
    from earmark.tasks.speaker.listener import Listener

    wish = Wish(embed, verify, enroll, cluster, speakers, threshold)
    _check(files, wish)
    problems: answering.Problems = []
    with answering.recordings(files, problems, channel, folders=not verify) as usable:
        _check_groups(wish, usable, problems)
        if usable and not (verify and problems):
            chosen = ctx.obj(model)
            _answer(Listener(chosen, problems, channel), usable, wish, as_json)
            answering.tell_met(chosen.folder, usable)
        elif as_json:
            _print_none(files, problems, wish)
    answering.finish(problems)


def _answer(listener: "Listener", usable: "list[Recording]", wish: Wish, as_json: bool) -> None:
    if wish.embed:
        _embed(listener, usable, wish.embed, as_json)
    elif wish.verify:
        _verify(listener, usable, wish.threshold, as_json)
    elif wish.enroll:
        _enroll(listener, usable, wish.enroll, wish.threshold, as_json)
    else:
        _cluster(listener, usable, wish, as_json)


def _check(files: list[Path], wish: Wish) -> None:
    if wish.chosen != 1:
        raise EarmarkError(f"Choose what to do with the voices, one of: {WAYS}.")
    if wish.embed and wish.embed.suffix != ".parquet":  # or a forgotten OUT would overwrite a recording
        raise EarmarkError(f"--embed writes a Parquet table; call it OUT.parquet, not {wish.embed}.")
    if wish.verify and len(files) != 2:
        raise EarmarkError(f"--verify compares two recordings, but {len(files)} were named; name two.")
    if wish.speakers is not None and not wish.cluster:
        raise EarmarkError("--speakers sets how many groups --cluster makes; leave it out here.")
    if wish.threshold is not None:
        _check_threshold(wish.threshold, wish)
    if wish.embed:
        writable_file(wish.embed, "--embed")


def _check_groups(wish: Wish, usable: "list[Recording]", problems: "Problems") -> None:
    n = len(usable) + len(problems)  # those that cannot be used were meant, too
    if wish.speakers is not None and not 1 <= wish.speakers <= n:
        raise EarmarkError(f"--speakers must be from 1 to the number of recordings, {n}.")


def _print_none(files: list[Path], problems: "Problems", wish: Wish, model: "ResolvedModel | None" = None) -> None:
    """JSON where nothing can be answered."""
    if wish.verify:
        print_json(_not_verified(files, problems, model))
    else:
        keys = EMBEDDED if wish.embed else IDENTIFIED if wish.enroll else GROUPED
        print_json(rows([], problems, keys, model))


def _not_verified(files: list[Path], problems: "Problems", model: "ResolvedModel | None") -> dict:
    """The answer on two recordings of which one cannot be used."""
    a, b = map(printable, files)
    error = " ".join(problem.sentence for problem in problems)
    return {"a": a, "b": b, **dict.fromkeys(VERIFIED), "error": error, "model": model.plain() if model else None}


def _check_threshold(threshold: float, wish: Wish) -> None:
    if wish.embed or wish.speakers is not None:
        given = "--embed" if wish.embed else "--speakers"
        raise EarmarkError(f"--threshold does not apply to {given}; leave it out.")
    if not -1 <= threshold <= 1:  # nor is a value that is no number
        raise EarmarkError(f"--threshold is a cosine from -1 to 1, not {threshold:g}.")


def _embed(listener: "Listener", files: "list[Recording]", out: Path, as_json: bool) -> None:
    found = listener(files, partial(console.progress, total=len(files), title="embedding"))
    if found:
        _write_embeddings(found, listener.chosen, out)
    if as_json:
        answers = ((v.recording, {"out": printable(out), "row": i, "speech_s": _s(v)}) for i, v in enumerate(found))
        print_json(rows(answers, listener.problems, EMBEDDED, listener.chosen))
    elif found:
        size = len(found[0].embedding)
        console.say(listener.chosen.sentence)
        print(f"Wrote {printable(out)}: {len(found)} embeddings of {size} values; their cosine is the score.")


def _write_embeddings(found: "list[EmbeddedRecording]", model: "ResolvedModel", out: Path) -> None:
    """A table of path and embedding, whose metadata names the model."""
    import pandas as pd
    import pyarrow as pa
    from pyarrow import parquet

    frame = pd.DataFrame({"path": [v.recording.shown for v in found], "embedding": [v.embedding for v in found]})
    table = pa.Table.from_pandas(frame, preserve_index=False)
    about = {**(table.schema.metadata or {}), b"earmark.model": json.dumps(model.plain()).encode()}
    data = BytesIO()  # whole, so that a full disk is no half of a table
    parquet.write_table(table.replace_schema_metadata(about), data)
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(data.getvalue())


def _verify(listener: "Listener", files: "list[Recording]", given: float | None, as_json: bool) -> None:
    threshold, found = listener.threshold(given), listener(files)
    if len(found) < 2:
        if as_json:
            print_json(_not_verified([Path(f.shown) for f in files], listener.problems, listener.chosen))
        return
    a, b = found
    score = float(a.embedding @ b.embedding)
    answer: dict = {"a": a.recording.shown, "b": b.recording.shown, "score": score, "threshold": threshold}
    answer |= {"same": score >= threshold, "speech_s": {"a": _s(a), "b": _s(b)}}
    if as_json:
        print_json(answer | {"error": None, "model": listener.chosen.plain()})
    else:
        console.say(listener.chosen.sentence)
        said = "the same speaker" if answer["same"] else "different speakers"
        heard = f"{a.speech_s:.1f} s and {b.speech_s:.1f} s of speech"
        print(f"{said}: score {score:.3f}, threshold {threshold:.3f}; {heard}")


def _enroll(listener: "Listener", files: "list[Recording]", folder: Path, given: float | None, as_json: bool) -> None:
    from earmark.tasks.speaker.trials import identify

    enrolled = identify.enrolled_files(folder)
    identify.refuse_nobody(enrolled, folder)
    threshold, known = listener.threshold(given), _voiceprints(listener, enrolled, folder)
    answers = [(voice.recording, _who(voice, known, threshold)) for voice in listener(files)]
    if as_json:
        print_json(rows(answers, listener.problems, IDENTIFIED, listener.chosen))
    elif answers:
        shown = [
            (file.shown, a["speaker"], _scored(a, "nearest", "score"), _runner_up(a), f"{a['speech_s']:.1f} s")
            for file, a in answers
        ]
        console.say(listener.chosen.sentence)
        columns = ("file", "speaker", "nearest", "runner-up", "speech")
        console.table(columns, shown, f"unknown below {threshold:.3f}")


def _who(voice: "EmbeddedRecording", known: dict, threshold: float) -> dict:
    """The answer on one recording, as JSON has it."""
    from earmark.tasks.speaker.trials import identify

    (nearest, score), *others = identify.ranking(voice.embedding, known)
    second, its_score = others[0] if others else (None, None)
    return {
        "speaker": printable(nearest) if score >= threshold else identify.UNKNOWN,
        "score": score,
        "threshold": threshold,
        "nearest": printable(nearest),
        "runner_up": second and printable(second),
        "runner_up_score": its_score,
        "speech_s": _s(voice),
    }


def _voiceprints(listener: "Listener", files: dict[str, list[Path]], folder: Path) -> dict:
    """Each speaker's voiceprint (d,); one without a usable recording is left out, which is said."""
    import numpy as np

    from earmark.tasks.speaker.trials import enrolment

    found = {name: listener.quietly(listener.of_folder(recordings)) for name, recordings in files.items()}
    known = {name: enrolment.voiceprint(np.stack([v.embedding for v in them])) for name, them in found.items() if them}
    if not known:
        reason = listener.problems[0].sentence.rstrip(".")
        raise EarmarkError(f"No recording in {printable(folder)} can be used ({reason}); enroll others.")
    for name in sorted(set(files) - set(known)):
        warn(f"Speaker '{printable(name)}' is left out: none of the recordings can be used.")
    _tell_enrolled({name: found[name] for name in known})
    for name in known:
        listener.warn_of_little(f"Speaker '{printable(name)}' is enrolled with", sum(v.speech_s for v in found[name]))
    return known


def _scored(answer: dict, name: str, score: str) -> str:
    return f"{answer[name]} ({answer[score]:.3f})"


def _runner_up(answer: dict) -> str:
    return "-" if answer["runner_up"] is None else _scored(answer, "runner_up", "runner_up_score")


def _cluster(listener: "Listener", files: "list[Recording]", wish: Wish, as_json: bool) -> None:
    import numpy as np

    from earmark.tasks.speaker.trials import identify

    speakers = wish.speakers
    distance = listener.cluster_distance(wish.threshold) if speakers is None else None
    found = listener(files)
    if not found:
        if as_json:
            print_json(rows([], listener.problems, GROUPED, listener.chosen))
        return
    if speakers is not None and speakers > len(found):
        warn(f"Only {len(found)} of the recordings can be used, which is fewer than the {speakers} speakers asked for.")
        speakers = len(found)
    numbers = identify.groups(np.stack([v.embedding for v in found]), distance, speakers).tolist()
    if as_json:
        answers = ((v.recording, {"group": n, "speech_s": _s(v)}) for n, v in zip(numbers, found, strict=True))
        said = rows(answers, listener.problems, GROUPED, listener.chosen)
        print_json(sorted(said, key=lambda row: row["group"] or math.inf))  # those that failed come last
    else:
        console.say(listener.chosen.sentence)
        n = max(numbers)
        grouped = sorted(zip(numbers, found, strict=True), key=lambda row: row[0])
        shown = [(v.recording.shown, number, f"{v.speech_s:.1f} s") for number, v in grouped]
        console.table(("file", "group", "speech"), shown, f"{n} speaker{'s' * (n != 1)}")


def _tell_enrolled(voices: "dict[str, list[EmbeddedRecording]]") -> None:
    """Say what every speaker is known by, so that a recording that is missing there is missed."""
    from earmark.data.walking import counted, some

    if len(voices) > TOLD:
        n = counted(sum(map(len, voices.values())), "recording")
        warn(f"Enrolled {len(voices)} speakers with {n}.")
        return
    for name, them in voices.items():
        names, speech = some(PurePath(v.recording.shown).name for v in them), sum(v.speech_s for v in them)
        warn(
            f"Enrolled '{printable(name)}' with {counted(len(them), 'recording')} ({names}), {speech:.1f} s of speech."
        )


def _s(voice: "EmbeddedRecording") -> float:
    """Seconds of speech, to the frame."""
    return round(voice.speech_s, 3)
