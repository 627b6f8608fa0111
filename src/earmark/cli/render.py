"""The commands that render training material from scores: `earmark render chords|genres`. Thin, as `cli` is."""

import re
from pathlib import Path
from typing import Annotated

import typer

from earmark.console import bar
from earmark.errors import EarmarkError, nearest, writable_folder

app = typer.Typer(no_args_is_help=True, help="Render audio with exact labels from musical scores.")


@app.callback()
def main() -> None:
    """Render audio with exact labels from musical scores."""


@app.command()
def chords(
    out: Annotated[Path, typer.Argument(help="Folder to write audio/, lab/ and manifest.csv into.")],
    soundfont: Annotated[
        list[Path], typer.Option(help="A SoundFont (.sf2 file). May be repeated; songs then use them in turn.")
    ],
    songs: Annotated[int, typer.Option(min=1, help="How many songs.")] = 100,
    seconds: Annotated[float, typer.Option(min=10, max=600, help="Length of each song, in seconds.")] = 36.0,
    pop909: Annotated[
        Path | None, typer.Option(help="Folder of the POP909 corpus, to render its songs in place of generated ones.")
    ] = None,
    songs_of: Annotated[str, typer.Option(help="The range of POP909 song numbers to draw from.")] = "1-909",
    seed: Annotated[int, typer.Option(help="Random seed; another seed makes other songs.")] = 1,
    split: Annotated[str, typer.Option(help="The split to write into the manifest: train, val or test.")] = "train",
    voices: Annotated[
        str | None,
        typer.Option(
            help="Speech to mix in: a folder with a manifest.csv, or FOLDER:SPLIT,SPLIT for some of its splits."
        ),
    ] = None,
    sounds: Annotated[
        str | None, typer.Option(help="Sounds other than music to mix in; given as for --voices.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="How many processes work at once.")] = 2,
) -> None:
    """Render songs with chord labels; resumes where an interrupted run stopped."""
    from earmark.generated.songs import render

    writable_folder(out, "OUT")
    job = render.RenderJob(
        root=str(out),
        seconds=seconds,
        soundfonts=tuple(str(p) for p in soundfont),
        seed=seed,
        split=_split(split),
        pop909=None if pop909 is None else str(pop909),
        songs_of=_numbers(songs_of),
        voices=voices,
        sounds=sounds,
    )
    with bar("rendering chord songs", songs) as advance:
        render.run(job, songs, workers, progress=advance)


@app.command()
def genres(
    out: Annotated[Path, typer.Argument(help="New folder to write audio/, lab/ and manifest.csv into.")],
    genre: Annotated[
        list[str] | None, typer.Option(help="One of the demo's genres; all by default. May be repeated.")
    ] = None,
    songs: Annotated[int, typer.Option(min=1, help="How many songs of each genre.")] = 20,
    seconds: Annotated[float, typer.Option(min=10, max=600, help="Minimum length of each song, in seconds.")] = 60.0,
    seed: Annotated[int, typer.Option(min=0, help="Random seed; another seed makes other songs.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="How many processes work at once.")] = 2,
) -> None:
    """Render songs in the demo's genres, labelled with genre and chords, as a folder to train on."""
    from earmark.generated.demo import music

    writable_folder(out, "OUT")
    named = tuple(dict.fromkeys(genre or music.GENRES))
    for name in named:
        if name not in music.GENRES:
            raise EarmarkError(f"--genre '{name}' is not one of the demo's genres; {nearest(name, music.GENRES)}")
    with bar("rendering songs", len(named) * songs) as advance:
        music.generate(out, songs, seed, workers, progress=advance, genres=named, seconds=seconds)


def _split(name: str) -> str:
    if name not in ("train", "val", "test"):
        raise EarmarkError(f"--split is train, val or test, not '{name}'.")
    return name


def _numbers(text: str) -> tuple[int, int]:
    """'1-700' as its two numbers."""
    match = re.fullmatch(r"(\d+)-(\d+)", text)
    if not match or int(match[1]) > int(match[2]):
        raise EarmarkError(f"--songs-of is a range such as 1-700, not '{text}'.")
    return int(match[1]), int(match[2])
