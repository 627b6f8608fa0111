"""What the chord baseline (librosa's chroma, templates, Viterbi) reaches on folders of songs with .lab files.

    python benchmarks/chord_baseline.py SONGS OTHERS

Each folder has a manifest.csv with the columns path, lab, key and group, as `earmark render` writes it. Scored by the
code that scores models; intervals are over groups. `x` is audio seconds by CPU second on one thread, from file to
chords.
"""

import argparse
import time
from pathlib import Path

import soundfile as sf

from earmark import console
from earmark.tasks.chord import baseline, chroma, collection, metrics, scores
from earmark.tasks.chord.notation import lab
from earmark.tasks.chord.predictions import SongPrediction

SHOWN = ("root", "majmin", "sevenths", "tetrads", "bass", "seg", scores.BALANCED, "transition_f1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    rows = [judged(folder) for folder in parser.parse_args().folders]
    console.table(("songs", *SHOWN, "majmin's interval", "x"), rows)


def judged(folder: Path) -> tuple[str, ...]:
    """A row of the table."""
    table = collection.table_of([folder])
    chroma.chroma_of(table.path[0])  # what is compiled, is compiled once
    began = time.process_time()
    heard = [baseline.decode(chroma.chroma_of(path)) for path in table.path]
    speed = sum(sf.info(path).duration for path in table.path) / (time.process_time() - began)
    songs = [
        metrics.scored_song(row, lab.read(row.lab), SongPrediction(segments, "N", 0.0, 0.0))
        for row, segments in zip(table.itertuples(), heard, strict=True)
    ]
    found = scores.evaluate(songs)
    low, high = found["majmin_ci95"]
    return folder.name, *(f"{found[name]:.3f}" for name in SHOWN), f"{low:.3f} to {high:.3f}", f"{speed:.0f}"


if __name__ == "__main__":
    main()
