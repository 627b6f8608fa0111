"""What decodes a chord network best: a price for changes, or a CRF counted, learnt, or trained with the network?

    earmark render chords SONGS --songs 160 --soundfont FILE.sf2
    python benchmarks/crf_training.py SONGS [--seeds 2] [--epochs 20] [-S model.width=0.25]

SONGS is a folder with manifest.csv (path, lab, key, group). Groups are dealt by seed: three fifths train, one chooses
the epoch and how far the network is believed, one is judged. `switch`, `crf` and `crf_likelihood` decode one network,
`crf_joint` a second one, trained from the same start with the path's likelihood in its loss. `deaf` is `crf` with the
network's word on changes switched off. Printed are the figures over all judged songs and the paired difference to
`switch`, with the 95 % interval of a bootstrap over groups.
"""

import argparse
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml

from earmark import config
from earmark.console import progress
from earmark.evaluation.metrics import interval, resamples
from earmark.tasks.chord import collection, metrics, predictions, scores
from earmark.tasks.chord.batches import ChordTask
from earmark.tasks.chord.decoding import fit_crf
from earmark.tasks.chord.networks.build import CRF, recording_logits, vocabulary
from earmark.tasks.chord.notation import lab
from earmark.tasks.chord.settings import ChordSettings
from earmark.tasks.chord.train import decoder_weights
from earmark.training import loop

SHOWN = ("majmin", "tetrads", "chord529_accuracy", "root", "seg", "transition_f1")
DECODERS = ("switch", "crf", "deaf", "crf_likelihood", "crf_joint")
RECIPE = Path(__file__).parents[1] / "params.yaml"


def trained(songs, settings: ChordSettings, parts: list[np.ndarray], decoder: str) -> ChordTask:
    """A network for a decoder, with the weights of its best epoch."""
    model = replace(settings.model, decoder=decoder)
    words = vocabulary(model)
    task = ChordTask(songs, parts[0], parts[1], len(words.qualities), model, settings.train, torch.device("cpu"))
    fit = loop.fit(task, settings.train)
    task.model.load_state_dict(fit.weights)
    row = fit.history[int(fit.best_epoch) - 1]
    print(f"  {decoder}: epoch {int(fit.best_epoch)}, validation accuracy {row['val/accuracy']:.3f}", flush=True)
    return task


def decoded(task: ChordTask, settings: ChordSettings, decoder: str, rows: list) -> list[scores.ScoredSong]:
    """Truth and estimate of the judged songs: `rows` of the table with their places."""
    how = "crf" if decoder == "deaf" else decoder
    weights = decoder_weights(task, replace(settings.model, decoder=how))
    crf = predictions.decoder({k.removeprefix(CRF): v for k, v in weights.items()})
    if crf:
        print(f"  {decoder}: sharpness {crf.sharpness:.3g}, changes believed {crf.switch[0]:.3g}", flush=True)
    if decoder == "deaf":
        crf.switch = (0.0, 0.0)
    found, words = [], task.words
    for i, row in rows:
        values = torch.from_numpy(np.ascontiguousarray(fit_crf.rows_of_song(task.songs.values, task.songs, i)))
        heard = recording_logits(task.model.eval(), values, task.songs.channels)
        truth = lab.read(row.lab)
        song = predictions.song(heard, settings.features.hop_s, truth[-1].end_s, True, words, crf)
        found.append(metrics.scored_song(row, truth, song))
    return found


def dealt(groups: np.ndarray, seed: int) -> list[np.ndarray]:
    """Places of training, validation and judged songs."""
    names = np.random.default_rng(seed).permutation(np.unique(groups))
    cuts = np.array_split(names, [int(0.6 * len(names)), int(0.8 * len(names))])
    return [np.flatnonzero(np.isin(groups, cut)) for cut in cuts]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", type=Path)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("-S", "--set", action="append", default=[], help="a key below tasks.chord, as model.width=0.25")
    args = parser.parse_args()
    changes = ["features.hop_length=2048", "train.crop_frames=128", "train.time_mask=6", *args.set]
    settings = config.load_task(RECIPE, "chord", [f"tasks.chord.{c}" for c in changes])
    settings = replace(settings, train=replace(settings.train, epochs=args.epochs))
    table = collection.table_of([args.songs]).assign(path=lambda t: t.path.map(str))
    songs = collection.gather(table, settings.features, progress, words=vocabulary(settings.model))
    print(yaml.safe_dump({"model": asdict(settings.model)}, default_flow_style=True).strip())
    judged: dict[str, list[scores.ScoredSong]] = {name: [] for name in DECODERS}
    for seed in range(1, args.seeds + 1):
        print(f"seed {seed}")
        one = replace(settings, train=replace(settings.train, seed=seed))
        parts = dealt(table.group.to_numpy(), seed)
        rows = list(zip(parts[2], table.iloc[parts[2]].itertuples(), strict=True))
        plain, joint = (trained(songs, one, parts, name) for name in ("crf", "crf_joint"))
        for name in DECODERS:
            judged[name] += decoded(joint if name == "crf_joint" else plain, one, name, rows)
    show(judged)


def show(judged: dict[str, list[scores.ScoredSong]]) -> None:
    """Print a line a decoder and figure."""
    sums = {name: scores.summed(songs) for name, songs in judged.items()}
    draws = resamples(np.array([s.group for s in judged["switch"]]), 1000, 0)
    lines = []
    for name in DECODERS:
        for figure in SHOWN:
            gap = lambda rows, a=sums[name], b=sums["switch"], f=figure: a.figure(f, rows) - b.figure(f, rows)  # noqa: E731
            low, high = interval(gap, draws)
            lines.append((name, figure, sums[name].figure(figure), gap(slice(None)), low, high))
    found = pd.DataFrame(lines, columns=["decoder", "figure", "value", "minus switch", "low", "high"])
    print(f"{len(judged['switch'])} judged songs, {len({s.group for s in judged['switch']})} groups")
    print(found.to_string(index=False, float_format=lambda v: f"{v:.3f}"))


if __name__ == "__main__":
    main()
