"""The commands of `earmark bench`: what programs say, scored by the code that scores our own models. Thin, as `cli`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from earmark import console
from earmark.errors import EarmarkError, writable_file, writing

app = typer.Typer(
    no_args_is_help=True, help="Score the output of other programs with the code that scores earmark's own models."
)


@app.callback()
def _commands() -> None:
    """Keeps `chords` a command of its own while it is the only one."""


@app.command()
def chords(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="The estimates, one .lab file per song. Annotated songs without one are listed."
        ),
    ],
    truth: Annotated[
        Path,
        typer.Option(help="Folder of the annotations: .lab or .jams files with the same names as the estimates."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Also write the JSON to this file; by default no file is written.")
    ] = None,
    draws: Annotated[
        int, typer.Option(min=0, help="Bootstrap draws for the confidence intervals; 0 for no intervals.")
    ] = 1000,
) -> None:
    """Score a folder of .lab files: weighted chord symbol recall, bass, segmentation, and the main confusions."""
    from earmark.tasks.chord import bench

    if out:
        _check(out)
    found = bench.report(bench.songs(folder, truth, console.warn), draws, bench.missing(folder, truth))
    text = json.dumps(found, indent=2)
    if out:
        with writing(out):
            out.write_text(text + "\n")
    if as_json:
        print(text)
        return
    _print(found)


def _check(out: Path) -> None:
    if not out.absolute().parent.exists():
        raise EarmarkError(f"There is no folder {out.parent} to write {out.name} into; make it first.")
    writable_file(out, "--out")


def _print(found: dict) -> None:
    rows = [(name, f"{found[name]:.3f}", _interval(found, name)) for name in _figures(found)]
    n = found["n_recordings"]
    of = f"{n} of {n + len(found['missing'])}" if found["missing"] else f"{n}"  # those without an estimate count there
    title = f"{of} song{'s' * (of != '1')}, {found['seconds'] / 60:.1f} minutes"
    console.table(("figure", "value", "95 % interval"), rows, title)
    for name in ("by_quality", "by_length"):
        columns = list(found[name][0])
        shown = [column.removeprefix("chord").removesuffix("_accuracy") for column in columns]
        console.table(shown, [[_cell(row[c]) for c in columns] for row in found[name]], name.replace("_", " "))
    for row in found["same_but_in_name"][:10]:
        console.say(
            f"{row['estimate']} was estimated in place of {row['truth']} for {row['seconds']:.1f} s: the two have the "
            "same notes and bass."
        )


def _figures(found: dict) -> list[str]:
    """Names of the figures, those with an interval first."""
    names = [k for k, v in found.items() if isinstance(v, float) and k != "seconds"]
    return sorted(names, key=lambda k: f"{k}_ci95" not in found)


def _interval(found: dict, name: str) -> str:
    low, high = found.get(f"{name}_ci95", (None, None))
    return "" if low is None else f"{low:.3f} to {high:.3f}"


def _cell(value: str | float | None) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:.2f}"
