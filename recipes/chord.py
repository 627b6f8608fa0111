"""Train the chord model of recipes/chord.yaml (or chordnet.yaml) on rendered songs and write it as a bundle.

    python recipes/chord.py --train renders/songs --train renders/pop909 --val renders/val --out BUNDLE --words "..."

Each folder has a manifest.csv (path, lab, key, group), as `earmark render chords` writes it. A training that is stopped
goes on where it was. The card quotes what is measured on the validation folders with the very file that is written.
"""

import argparse
import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from safetensors.torch import save

from earmark import config
from earmark.console import progress, say
from earmark.nn import describe
from earmark.release import bundle
from earmark.tasks.chord import card, collection
from earmark.tasks.chord.batches import ChordTask, Songs, join_songs
from earmark.tasks.chord.networks.build import vocabulary
from earmark.tasks.chord.notation.vocabulary import Vocabulary
from earmark.tasks.chord.settings import (
    ChordFeatureSettings,
    ChordModelSettings,
    ChordTrainSettings,
    require_chunks,
)
from earmark.tasks.chord.train import decoder_weights
from earmark.training import loop, model_files, provenance

Weights = dict[str, torch.Tensor]
SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2)  # of the last weights, where a training goes on from others


def main() -> None:
    args = _arguments()
    raw = changed(yaml.safe_load(args.recipe.read_text()), args.set)
    kinds = {"features": ChordFeatureSettings, "model": ChordModelSettings, "train": ChordTrainSettings}
    features, model, settings = (config.typed(kind, raw[k], str(args.recipe), k) for k, kind in kinds.items())
    try:
        require_chunks(model, settings)
    except ValueError as e:
        raise SystemExit(f"{args.recipe}: {e}.") from None
    learnt, judged = (collection.table_of(folders) for folders in (args.train, args.val))
    words = vocabulary(model)
    songs = join_songs([stored(table, features, words, args.state) for table in (learnt, judged)])
    places = np.arange(len(songs.ids))
    split = places[: len(learnt)], places[len(learnt) :]
    task = ChordTask(songs, *split, len(words.qualities), model, settings, loop.pick_device(settings.device))
    begun = continued(task.model, args.start) if args.start else None
    hours = songs.lengths[: len(learnt)].sum() * features.hop_s / 3600
    say(f"{describe.count(task.model):,} parameters, {len(learnt)} songs of {hours:.1f} h")
    fit = loop.fit(task, settings, args.state / f"{_sha(raw)}.pt", on_epoch=_print)
    task.model.load_state_dict(fit.weights)
    if begun:
        fit.weights = averaged(task, begun, fit.weights)
    weights = bundle.half({k: v.cpu() for k, v in fit.weights.items()} | decoder_weights(task, model))
    facts = model_files.ModelConfig(
        "chord",
        [q.harte for q in words.qualities],
        features,
        model,
        asdict(settings),
        {"recipe_sha256": _sha(raw)},
        int(fit.best_epoch),
        describe.count(task.model),
        {
            "about": "chords, bass and key of Western popular music",
            "commit": provenance.git_tags()["earmark.commit"],
            "n_recordings": len(learnt),
        },
    )
    _release(args, raw, facts, weights, judged)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, action="append", required=True)
    parser.add_argument("--val", type=Path, action="append", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--words", required=True, help="What the recordings are, for the card.")
    parser.add_argument("--recipe", type=Path, default=Path(__file__).with_suffix(".yaml"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="As train.epochs=40.")
    parser.add_argument(
        "--conditions", type=Path, help="What benchmarks/chord_robustness.py --card wrote, for the card."
    )
    parser.add_argument("--start", type=Path, help="A chord bundle whose weights the training goes on from.")
    parser.add_argument("--state", type=Path, default=Path(".earmark/chord-recipe"))
    return parser.parse_args()


def _release(
    args: argparse.Namespace, raw: dict, facts: model_files.ModelConfig, weights: Weights, judged: pd.DataFrame
) -> None:
    """Write the bundle, measure its very file on the validation songs, and write it again with a card that says so."""
    released = args.out.resolve().is_relative_to(bundle.ROOT)
    data = bundle.pack(weights) if released else save(weights)  # ChordNet is larger than a bundle may be
    bundle.write(args.out, facts, data, "")
    figures = collection.measure(args.out, judged, progress)
    facts.release["figures"] = figures
    if args.conditions:
        facts.release["conditions"] = json.loads(args.conditions.read_text())
    text = card.text(facts, raw, hashlib.sha256(data).hexdigest(), len(data), args.words)
    bundle.write(args.out, facts, data, text)
    say(json.dumps(figures, indent=1))


def changed(recipe: dict, assignments: list[str]) -> dict:
    """The recipe with other values; an assignment is SECTION.KEY=VALUE."""
    for assignment in assignments:
        key, _, value = assignment.partition("=")
        *blocks, name = key.split(".")
        section = recipe
        for block in blocks:
            section = section.get(block, {})
        if name not in section:
            raise SystemExit(f"--set {assignment}: the recipe has no {key}.")
        section[name] = yaml.safe_load(value)
    return recipe


def continued(model: torch.nn.Module, folder: Path) -> Weights:
    """Give a network the weights of a bundle; what that lacks stays as it was drawn. Returns what it begins with."""
    try:
        missing, foreign = model.load_state_dict(model_files.read_weights(folder), strict=False)
    except RuntimeError:
        raise SystemExit(f"--start {folder}: its network has other sizes than the recipe's.") from None
    if foreign:
        raise SystemExit(f"--start {folder}: its network has '{sorted(foreign)[0]}', which the recipe's lacks.")
    if missing:
        say(f"Not in {folder}, and begun anew: {', '.join(missing)}")
    return {name: weight.clone() for name, weight in model.state_dict().items()}


def averaged(task: ChordTask, begun: Weights, ended: Weights) -> Weights:
    """The mean of a training's first and last weights whose validation loss is least; the network gets it.

    What was learnt anew and what was known before are both heard in it (Wortsman et al. 2022, Robust fine-tuning of
    zero-shot models).
    """
    losses = {}
    for share in SHARES:
        task.model.load_state_dict(_between(begun, ended, share))
        losses[share] = task.validate(task.model)["val/loss"]
        say(f"{share:.1f} of the last weights and {1 - share:.1f} of the first: validation loss {losses[share]:.4f}")
    best = _between(begun, ended, min(losses, key=losses.get))
    task.model.load_state_dict(best)
    return best


def _between(begun: Weights, ended: Weights, share: float) -> Weights:
    return {k: torch.lerp(begun[k], v, share) if v.is_floating_point() else v for k, v in ended.items()}


def stored(table, features: ChordFeatureSettings, words: Vocabulary, state: Path) -> Songs:
    """Spectrograms and targets of a table, kept under the hash of the files' names and the settings."""
    key = _sha([asdict(features), len(words.qualities), [str(p) for p in table.path]])
    path = state / f"{key}.npz"
    if not path.exists():
        songs = collection.gather(table, features, progress, words=words)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".partial").open("wb") as file:
            np.savez(file, **{k: np.asarray(v) for k, v in vars(songs).items()})
        path.with_suffix(".partial").rename(path)
    with np.load(path, allow_pickle=False) as saved:
        parts = {k: saved[k] for k in saved.files}
    whole = {k: int(parts[k]) for k in ("n_bins", "none", "bins_per_octave")}
    return Songs(**parts | whole | {"ids": [str(i) for i in parts["ids"]]})


def _sha(of) -> str:
    return hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()[:16]


def _print(fit: loop.Fit, seconds: float) -> None:
    row = fit.history[-1]
    figures = "  ".join(f"{k} {row[k]:.3f}" for k in ("train/loss", "val/loss", "val/accuracy", "val/root", "val/bass"))
    say(f"epoch {fit.epoch}  {figures}  ({seconds:.0f} s)")


if __name__ == "__main__":
    torch.set_num_threads(max(1, torch.get_num_threads()))
    main()
