"""From how many cents on a recording is retuned: what `decoding.tuning.LEAST_CENTS` was read from, on validation songs.

python recipes/chord_tuning.py BUNDLE --val renders/val --val renders/val909

The folders are those of `earmark render chords`. Every song is heard as far out of tune as each of DETUNED says,
whatever the renderer made of it. First how far the cents that are heard lie from it, then majmin, tetrads and bass.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from earmark import audio
from earmark.console import progress
from earmark.generated.songs import effects
from earmark.tasks.chord import collection, predictions, scores, spectrogram
from earmark.tasks.chord.decoding import tuning
from earmark.tasks.chord.networks.build import network_input
from earmark.tasks.chord.notation import lab

LEAST = (8.0, 11.0, 14.0, 17.0, 20.0, 23.0, 26.0, 29.0, 33.0)
DETUNED = (0.0, -12.0, 12.0, -18.0, 18.0, -24.0, 24.0, -33.0, 33.0, -42.0, 42.0, -46.0, 46.0, -48.0, 48.0)
SHOWN = ("majmin", "tetrads", "bass")


class Shifted(predictions.Recogniser):
    """Reads every recording `bins` too high or too low, whatever it hears."""

    bins = 0

    def _higher(self, values: predictions.Values) -> int:
        return self.bins


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--val", type=Path, action="append", required=True)
    args = parser.parse_args()
    table, read = collection.table_of(args.val), Shifted(args.bundle)
    answers = {
        cents: [each(read, row, cents) for row in progress(table.itertuples(), len(table), f"{cents:+g} cents")]
        for cents in DETUNED
    }
    print("cents  error: median, 95th percentile; sign wrong")
    for cents, songs in answers.items():
        heard = np.array([song[1] for song in songs])
        error = np.abs((heard - cents + 50) % 100 - 50)
        wrong = f"{np.mean(heard * cents < 0):.3f}" if cents else ""
        print(f"{cents:+5g}  {np.median(error):.1f} {np.quantile(error, 0.95):.1f}  {wrong}")
    print("least  " + "  ".join(f"{cents:+g}: {', '.join(SHOWN)}" for cents in DETUNED))
    for least in LEAST:
        columns = []
        for songs in answers.values():
            found = scores.evaluate([chosen(songs[i], i, least) for i in range(len(songs))], 0)
            columns.append(" ".join(f"{found[k]:.3f}" for k in SHOWN))
        print(f"{least:5}  " + "   ".join(columns), flush=True)


def each(read: Shifted, row, cents: float) -> tuple:
    """Truth, cents heard, and what is recognised without and with a shift to their side, of a song `cents` sharp."""
    faster, f = 2 ** ((cents - drawn(Path(row.path))) / 1200), read.features
    blocks = audio.read_blocks(row.path, round(f.sample_rate / faster))
    values = torch.from_numpy(spectrogram.spectrogram_of_blocks((b[None] for b in blocks), f))
    truth = [s._replace(start_s=s.start_s / faster, end_s=s.end_s / faster) for s in lab.read(row.lab)]
    heard, estimates = tuning.cents(network_input(values, 1)[0].numpy()), []
    for read.bins in (0, int(np.sign(heard))):
        estimates.append(read.read(values, truth[-1].end_s).segments)
    return truth, heard, estimates


def drawn(path: Path) -> float:
    """Cents by which a rendered song was detuned, by the same random numbers as generated.songs.render's."""
    job = json.loads((path.parents[1] / "render.json").read_text())
    seed = (job["seed"], int(path.stem.split("_")[1]), 909 if job["pop909"] else 0)
    return effects.draw(np.random.default_rng(seed)).cents


def chosen(answer: tuple, i: int, least: float) -> scores.ScoredSong:
    truth, heard, estimates = answer
    return scores.ScoredSong(str(i), truth, estimates[int(abs(heard) > least)], str(i))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
