"""From how many cents on a recording is retuned, on validation songs: what `chords.tuning.LEAST_CENTS` was read from.

python recipes/chord_tuning.py BUNDLE --val renders/val --val renders/val909

Every song is heard as it is and detuned by some cents more; figures are majmin, tetrads and bass of all.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from earmark import audio
from earmark.console import progress
from earmark.tasks.chord import collection, predictions, scores, spectrogram
from earmark.tasks.chord.decoding import tuning
from earmark.tasks.chord.networks.build import seen
from earmark.tasks.chord.notation import lab

LEAST = (12.0, 17.0, 21.0, 25.0, 29.0, 33.0, 50.0)
DETUNED = (0.0, -20.0, 20.0, -33.0, 33.0)
SHOWN = ("majmin", "tetrads", "bass")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--val", type=Path, action="append", required=True)
    args = parser.parse_args()
    table, read = collection.table_of(args.val), predictions.Recogniser(args.bundle)
    answers = {
        more: [each(read, row, more) for row in progress(table.itertuples(), len(table), f"{more:+g} cents")]
        for more in DETUNED
    }
    print("least  " + "  ".join(f"{more:+g}: {', '.join(SHOWN)}" for more in DETUNED))
    for least in LEAST:
        columns = []
        for songs in answers.values():
            found = scores.evaluate([chosen(songs[i], i, least) for i in range(len(songs))], 0)
            columns.append(" ".join(f"{found[k]:.3f}" for k in SHOWN))
        print(f"{least:5}  " + "   ".join(columns), flush=True)


def each(read: predictions.Recogniser, row, more: float) -> tuple:
    """Truth, cents heard, and what is recognised at a shift of -1, 0 and 1, of a song `more` cents higher."""
    faster, f = 2 ** (more / 1200), read.features
    blocks = audio.read_blocks(row.path, round(f.sample_rate / faster))
    values = spectrogram.normalised(spectrogram.magnitude((b[None] for b in blocks), f), f).half()
    values = values.transpose(0, 1).flatten(1)
    truth = [s._replace(start_s=s.start_s / faster, end_s=s.end_s / faster) for s in lab.read(row.lab)]
    estimates = [
        predictions.song(predictions.said(read.model, values, 1, k), f.hop_s, truth[-1].end_s).segments
        for k in (-1, 0, 1)
    ]
    return truth, tuning.cents(seen(values, 1)[0].numpy()), estimates


def chosen(answer: tuple, i: int, least: float) -> scores.Song:
    truth, cents, estimates = answer
    shift = int(np.sign(cents)) if least < abs(cents) < tuning.SUREST_CENTS else 0
    return scores.Song(str(i), truth, estimates[shift + 1], str(i))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
