"""What share of a cosine statistics have beside the networks: what model.statistics in speaker.yaml was read from.

    python recipes/speaker_share.py --voices VOICES --voices OTHERS@FOLD --hold OTHERS

Nobody of a test is heard. 48 training speakers of the folder to --hold, most of them known from one utterance, are kept
out; the recipe's networks, for two thirds of its epochs, and the statistics learn from the others. Judged on the
speakers of val, across sessions, and on all pairs of recordings of those kept out, within one. The share of the lowest
mean of both EERs, each over that of MFCC + LDA, is the best; of several within .01 of it, the smallest. With and
without whitening of the networks' embeddings.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml

from earmark import config
from earmark.console import progress, say, warn
from earmark.features import store
from earmark.tasks.speaker import closed_form, collection, dataset, embedding, features, train, voices
from earmark.tasks.speaker.dataset import Dataset
from earmark.tasks.speaker.networks import build
from earmark.tasks.speaker.settings import SpeakerFeatureSettings, SpeakerModelSettings, SpeakerTrainSettings
from earmark.tasks.speaker.trials import baseline, pairing, scores, utterances
from earmark.tasks.speaker.trials.trial_set import TrialSet
from earmark.training import loop

HELD, SEED = 48, 1
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 1.0)
CHOSEN_FROM = SHARES[:-1]
CLOSE = 0.01


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voices", action="append", required=True)
    parser.add_argument("--hold", required=True)
    parser.add_argument("--recipe", type=Path, default=Path(__file__).with_name("speaker.yaml"))
    parser.add_argument("--state", type=Path, default=Path(".earmark/speaker-share"))
    args = parser.parse_args()
    raw = yaml.safe_load(args.recipe.read_text())
    kinds = {"features": SpeakerFeatureSettings, "model": SpeakerModelSettings, "train": SpeakerTrainSettings}
    asked, model, settings = (config.typed(kind, raw[k], str(args.recipe), k) for k, kind in kinds.items())
    table, trials = collection.together([collection.read(name, warn, progress) for name in args.voices])
    if not (args.state / "store.json").exists():
        features.run(table, Path(), asked, args.state, warn, progress)
    design = dataset.gather(held_out(table, args.hold), trials, store.load(args.state))
    settings = replace(settings, epochs=settings.epochs * 2 // 3)
    trained, _ = train.run(design, model.network, settings, None, args.state / "checkpoint.pt", on_epoch=told)
    network = trained.model.tower.cpu().eval()
    sets = {"val": design.trial_set("val"), "held": within(design.table)}
    for whiten in (False, True):
        say(f"whiten: {whiten}")
        tower = closed_form.added(network, design, replace(model.network, whiten=whiten))
        report({name: judge(design, trials, tower) for name, trials in sets.items()})


def told(fit: loop.Fit, seconds: float) -> None:
    row = fit.history[-1]
    figures = "  ".join(f"{k} {row[k]:.4f}" for k in ("train/loss", "val/eer", "val/loss"))
    say(f"epoch {fit.epoch}  {figures}  ({seconds:.0f} s)")


def held_out(table: pd.DataFrame, folder: str) -> pd.DataFrame:
    """The manifest without test speakers, some training speakers of a folder being in the split `held`."""
    table = table[table["split"] != "test"].reset_index(drop=True)
    known = table.label[table.label.str.startswith(f"{folder}/") & (table["split"] == "train")]
    drawn = np.random.default_rng(SEED).choice(np.sort(known.unique()), HELD, replace=False)
    table.loc[table.label.isin(drawn), "split"] = "held"
    return table


def within(table: pd.DataFrame) -> TrialSet:
    """All pairs of recordings of the speakers held out."""
    found = utterances.of(table[table["split"] == "held"].drop(columns="utterance"))
    i, j = np.triu_indices(len(found), 1)
    label, name = found.label.to_numpy(), found.id.to_numpy()
    return TrialSet(found, pd.DataFrame({"a": name[i], "b": name[j], "same": label[i] == label[j]}))


def judge(design: Dataset, trials: TrialSet, network: build.Views) -> dict[float | str, tuple[float, ...]]:
    """EER, 1 - AUC and minimum DCF of every share, and of MFCC + LDA."""
    segments = voices.Segments(design.heard(trials).voices, torch.device("cpu"))
    cosine = lambda vectors: pairing.score(vectors, trials.at)  # noqa: E731
    heard = cosine(embedding.of_runs(network, segments, "both").numpy())
    counted = cosine(embedding.of_runs(closed_form.statistics(design), segments, "level").numpy())
    systems = {share: (1 - share) * heard + share * counted for share in SHARES}
    learnt = utterances.to_learn(design.table)
    lda = baseline.Lda(baseline.measured(learnt, Path()), learnt.label.to_numpy())
    systems["MFCC + LDA"] = cosine(lda(baseline.measured(trials.utterances, Path())))
    return {name: figures(score, trials.same) for name, score in systems.items()}


def figures(score: np.ndarray, same: np.ndarray) -> tuple[float, float, float]:
    curve = scores.curve(score, same)
    return float(scores.eer(curve)), 1 - float(scores.auc(curve)), float(scores.min_dcf(curve, p_same=0.01))


def report(judged: dict[str, dict]) -> None:
    """Every system on every set, and the share that is best."""
    relative = {
        system: float(np.mean([found[system][0] / found["MFCC + LDA"][0] for found in judged.values()]))
        for system in judged["val"]
    }
    say("share        " + "".join(f"{name}: EER   1 - AUC  min DCF   " for name in judged) + "EER over LDA's")
    for system, mean in relative.items():
        cells = ["{:9.4f} {:8.4f} {:8.3f}".format(*found[system]) for found in judged.values()]
        say(f"{system!s:<11}{'   '.join(cells)}   {mean:.3f}")
    least = min(relative[share] for share in CHOSEN_FROM)
    best = next(share for share in CHOSEN_FROM if relative[share] <= least + CLOSE)
    say(f"model.statistics: {best}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
