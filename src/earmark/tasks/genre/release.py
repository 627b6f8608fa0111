"""Make a released bundle: the recipe of params.yaml trained on every recording, its cross-validated figures beside."""

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from earmark import audio, paths
from earmark.audio import Root
from earmark.data import manifest
from earmark.data.reading import read
from earmark.data.walking import counted
from earmark.errors import EarmarkError
from earmark.features import cache, store
from earmark.release import bundle
from earmark.release.facts import Words, read_json
from earmark.tasks.genre import card, features, train
from earmark.tasks.genre.batches import GenreTask
from earmark.tasks.genre.corpora import CORPORA
from earmark.tasks.genre.dataset import GenreDataset, gather
from earmark.tasks.genre.networks import trained as networks
from earmark.tasks.genre.settings import GenreSettings
from earmark.training import model_files, provenance, tagged
from earmark.training.key import flatten, recipe

# A recipe is cross-validated over several seeds on any machine.
FREE = ("train.seed", "train.device")
# Keys that came later: figures of before were made as their defaults say.
ADDED = (
    "balance",
    "mel_scale",
    "mel_norm",
    "padding",
    "other_rates",
    "empty_filters",
    "filter",
    "judged_on",
    "sam_rho",
)


def figures(path: Path | None, settings: GenreSettings, warn: Callable[[str], None]) -> dict:
    """The cross-validated figures that a card quotes. Raises EarmarkError unless they are of this very recipe."""
    hint = "run `earmark crossval` with this recipe and name its metrics.json with --figures"
    if path is None:
        raise EarmarkError(f"A release needs figures; {hint}.")
    found = read_json(path, hint)
    missing = [k for k in ("accuracy", "accuracy_ci95", "n_recordings") if k not in found]
    if missing:
        raise EarmarkError(f"{path} has no '{missing[0]}'; {hint}.")
    if "recipe" in found:
        _same_recipe(path, found["recipe"], settings)
    else:
        warn(f"{path} does not say which recipe it belongs to, and the card will state that.")
    return found


def _same_recipe(path: Path, theirs: dict, settings: GenreSettings) -> None:
    ours, theirs = flatten(recipe(settings)), flatten(_of_today(GenreSettings, theirs))
    for key in (k for k in sorted(ours | theirs) if k not in FREE and ours.get(k) != theirs.get(k)):
        raise EarmarkError(
            f"{path} belongs to another recipe: {key} is {theirs.get(key, 'not set')} there and "
            f"{ours.get(key, 'not set')} here; cross-validate this recipe, or give the same -S."
        )


def _of_today(kind: Any, raw: Any) -> Any:
    """Plain settings of the type `kind` as of today: figures of before have flat keys for what is a block now."""
    if of := tagged.branches(kind):
        raw = tagged.without_foreign(kind, {"name": raw} if isinstance(raw, str) else raw)
        kind = of.get(str(raw.get("name")))
    if not is_dataclass(kind):
        return raw
    known, raw = tagged.types(kind), tagged.of_today(kind, raw)
    for old in tagged.former(kind).keys() & raw.keys():
        block, _, key = tagged.former(kind)[old].partition(".")
        name = raw.get(block)
        raw[block] = ({"name": name} if isinstance(name, str) else name or {}) | {key: raw.pop(old)}
    raw = {f.name: f.default for f in fields(kind) if f.name in ADDED and f.name not in raw} | raw
    return {key: _of_today(known.get(key), value) for key, value in raw.items()}


def recordings(
    settings: GenreSettings, quoted: dict, warn: Callable[[str], None], progress: Callable
) -> tuple[pd.DataFrame, Root]:
    """Every usable recording of the source, all of them to train on, and the audio's root."""
    root = paths.audio_root(settings.data.root)
    table, quarantined = read(CORPORA, settings.data, root, warn, progress)
    if len(quarantined):
        n, first = counted(len(quarantined), "recording"), quarantined.iloc[0]
        warn(f"{n} cannot be used; the first is {first.path}: {first.reason}.")
    if quoted.get("data_sha256", manifest.digest(table)) != manifest.digest(table):
        raise EarmarkError(
            f"The figures are from other recordings than {settings.data.root} holds now; cross-validate on these."
        )
    return table.assign(split="train"), audio.folder(root, settings.data.channels)


def gathered(
    table: pd.DataFrame, root: Root, settings: GenreSettings, warn: Callable, progress: Callable
) -> GenreDataset:
    """Recordings with their features, once it is sure that the network fits into a bundle."""
    network = networks.untrained(settings.features, settings.model, table.label.nunique())
    bundle.refuse_large(bundle.size(network.state_dict()))
    extract = lambda out: features.run(table, root, settings.features, out, warn, progress)  # noqa: E731
    kept = cache.features_of(extract, table, settings.features, paths.state() / "features")
    return gather("genre", table, store.load(kept))


def make(
    dataset: GenreDataset, settings: GenreSettings, quoted: dict, words: Words, out: Path, on_epoch: Callable
) -> dict:
    """Train on everything and write the bundle `out`. Returns the facts that its card states."""
    with tempfile.TemporaryDirectory() as scratch:
        trained, _ = train.run(dataset, settings.model, settings.train, Path(scratch), on_epoch=on_epoch)
        config = networks.config(Path(scratch))
    weights = bundle.half({k: v.cpu() for k, v in trained.model.state_dict().items()})
    data = bundle.pack(weights)
    facts = {
        **words.facts(),
        "n_recordings": len(dataset.table),
        "data_sha256": manifest.digest(dataset.table),
        "figures": {k: v for k, v in quoted.items() if k not in ("recipe", "data_sha256")},
        "figures_by_this_recipe": "recipe" in quoted,
        "half_precision": rounding(trained, dataset),
        "commit": provenance.git_tags()["earmark.commit"],
    }
    config = replace(config, release=facts)
    text = card.text(config, recipe(settings), len(data), hashlib.sha256(data).hexdigest())
    bundle.write(out, config, data, text, model_files.met_recordings(dataset.table))
    return facts


def rounding(trained: GenreTask, dataset: GenreDataset) -> dict:
    """What half precision changes: the largest change of a recording's probability, and how many answers differ."""
    rows = dataset.rows("train")
    before = trained.data.predict(trained.model, rows)[1].exp()
    weights = {k: v.cpu() for k, v in trained.model.state_dict().items()}
    trained.model.load_state_dict(bundle.half(weights))
    after = trained.data.predict(trained.model, rows)[1].exp()
    trained.model.load_state_dict(weights)
    differ = int(np.sum((before.argmax(1) != after.argmax(1)).numpy()))
    return {"largest_change": float((after - before).abs().max()), "answers_changed": differ}
