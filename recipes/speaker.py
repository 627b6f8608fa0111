"""Train the speaker model of recipes/speaker.yaml on folders of voices and write it as a bundle.

    python recipes/speaker.py --voices VOICES --voices OTHERS@FOLD --out BUNDLE --words "..."

Each folder has a manifest.csv (path, label: the speaker, group: the session, split), and perhaps utterances.csv and
trials.csv; where its splits are folds, the one to test on stands behind @. Trained on the speakers of train, chosen on
those of val; those of test are heard once, folder by folder, with the very file that is written, and the card quotes
them. A training that is stopped goes on where it was. What is learnt in closed form after it, the whitening of the
networks' embeddings and the statistics beside them, was chosen by recipes/speaker_share.py.
"""

import argparse
import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import yaml

from earmark import config as configuration
from earmark.console import progress, say, warn
from earmark.evaluation.settings import EvaluateSettings
from earmark.features import store
from earmark.nn import describe
from earmark.release import bundle
from earmark.tasks import model_folder
from earmark.tasks.speaker import (
    card,
    closed_form,
    collection,
    dataset,
    features,
    predictions,
    release,
    train,
)
from earmark.tasks.speaker.collection import SpeakerFolder
from earmark.tasks.speaker.dataset import SpeakerDataset
from earmark.tasks.speaker.networks import build
from earmark.tasks.speaker.settings import (
    SpeakerFeatureSettings,
    SpeakerModelSettings,
    SpeakerTrainSettings,
)
from earmark.training import loop

SETTINGS = {
    "features": SpeakerFeatureSettings,
    "model": SpeakerModelSettings,
    "train": SpeakerTrainSettings,
    "evaluate": EvaluateSettings,
}
VIEWS = ("level", "bands")  # in the order of log_mel.normalized


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voices", action="append", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--words", required=True, help="What the recordings are, with their licences, for the card.")
    parser.add_argument("--recipe", type=Path, default=Path(__file__).with_suffix(".yaml"))
    parser.add_argument("--state", type=Path, default=Path(".earmark/speaker-recipe"))
    args = parser.parse_args()
    raw, s = read(args.recipe)
    folders = [collection.read(name, warn, progress) for name in args.voices]
    table, trials = collection.together(folders)
    values = stored(table, s["features"], args.state)
    heard = dataset.gather(table, trials, values)
    networks = trained(heard, s, raw["views"], args.state)
    write(args.out, networks, heard, folders, s["evaluate"], raw, args.words)


def read(recipe: Path) -> tuple[dict, dict]:
    """A recipe as it is written, and its settings."""
    raw = yaml.safe_load(recipe.read_text())
    return raw, {k: configuration.typed(kind, raw[k], str(recipe), k) for k, kind in SETTINGS.items()}


def stored(table: pd.DataFrame, settings: SpeakerFeatureSettings, state: Path) -> store.Store:
    """The log-mel frames of all, kept under the hash of the recordings and the settings."""
    rows = table[["sha256", "split"]].to_csv(index=False)
    path = state / _sha([asdict(settings), rows])
    if not (path / "store.json").exists():
        features.run(table, Path(), settings, path, warn, progress)
    return store.load(path)


def trained(heard: SpeakerDataset, s: dict, epochs: dict[str, int], state: Path) -> list[Path]:
    """Model folders of the networks, one a view, each trained by itself. s: settings; epochs: of each view."""
    network = s["model"].network
    for view in VIEWS:
        say(f"{view}: {epochs[view]} epochs")
        alone = replace(heard, features=replace(heard.features, normalize=view))
        settings = replace(s["train"], epochs=epochs[view])
        known = train.hashes(alone, network, settings)
        checkpoint = state / f"{view}-{_sha([known['params_sha256'], known['data_sha256']])}.pt"
        train.run(alone, network, settings, state / view, checkpoint, on_epoch=_print)
    return [state / view for view in VIEWS]


def write(
    out: Path,
    networks: list[Path],
    heard: SpeakerDataset,
    folders: list[SpeakerFolder],
    settings: EvaluateSettings,
    recipe: dict,
    words: str,
) -> None:
    """The bundle, in half precision: thresholds and figures are measured with the file as it will be read.

    networks: their model folders, in the order in which features.normalize both gives their views.
    """
    first = model_folder.read_config(networks[0])
    model = replace(first.model, whiten=recipe["model"]["whiten"], statistics=recipe["model"]["statistics"])
    views = build.Views([predictions.Embedder(folder).tower for folder in networks])
    tower = closed_form.add_closed_form(views, heard, model)
    data = bundle.pack(bundle.half(tower.state_dict()))
    config = replace(first, features=heard.features, model=model, labels=[], n_parameters=describe.count(tower))
    facts = {"about": "voices, whoever they belong to"}
    facts |= release.facts(config, data, heard, _tests(heard, folders), Path(), settings)
    config = replace(config, release=facts)
    text = card.text(config, recipe, hashlib.sha256(data).hexdigest(), len(data), tower.n_out, words)
    bundle.write(out, config, data, text)
    say(json.dumps(facts["figures"], indent=1))


def _tests(heard: SpeakerDataset, folders: list[SpeakerFolder]) -> dict[str, SpeakerDataset]:
    """Every folder that has test speakers, by itself."""
    having = [f for f in folders if (f.table["split"] == "test").any()]
    return {f.name: replace(heard, table=f.table, trials=f.trials) for f in having}


def _sha(of) -> str:
    return hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()[:16]


def _print(fit: loop.Fit, seconds: float) -> None:
    row = fit.history[-1]
    figures = "  ".join(f"{k} {row[k]:.4f}" for k in ("train/loss", "val/eer", "val/loss"))
    say(f"epoch {fit.epoch}  {figures}  ({seconds:.0f} s)")


if __name__ == "__main__":
    main()
