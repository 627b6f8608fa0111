"""A folder of voices judged by a speaker model: all of its speakers are the test, and nothing is learnt from them.

Splits, of a manifest or a trial list, are not looked at.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.data import manifest
from earmark.data.learnt import Learnt
from earmark.data.names import name_matcher
from earmark.data.reading import read_folder
from earmark.errors import EarmarkError
from earmark.evaluation import intervals
from earmark.evaluation.scored import BOOTSTRAP, SEED, ScoredFolder
from earmark.evaluation.settings import EvaluateSettings
from earmark.tasks.speaker import checks, metrics, report
from earmark.tasks.speaker.corpora import CORPORA
from earmark.tasks.speaker.predictions import Embedder
from earmark.tasks.speaker.trials import clustering, enrolment, lists, pairing, scores, trial_set
from earmark.tasks.speaker.trials.trial_set import Answers, Thresholds

SETTINGS = EvaluateSettings(BOOTSTRAP, SEED)
NAMED = 5  # speakers in a warning


def judge_folder(
    model: Path, root: Path, warn: Callable[[str], None], progress: Callable, learnt: Learnt | None = None
) -> ScoredFolder:
    """What the model of a folder makes of the speakers below `root`. learnt: what it met, and what becomes of that."""
    embedder = Embedder(model)
    table, unusable, trials = recordings(root, warn, progress, learnt)
    if sentence := familiar_speakers(table, root, embedder.config.labels):
        warn(sentence)
    asked = trial_set.require_split(table, trials, "test")
    files = ([root / path for path in paths] for paths in asked.utterances.paths)
    heard = progress(files, len(asked.utterances), "embedding utterances")
    test = Answers(asked, np.stack([embedder.of_files(of) for of in heard]))
    chosen = carried_thresholds(embedder.config.release)
    if chosen is None:
        warn(
            "The model carries no thresholds, because it was trained without validation speakers; figures that "
            "need them are left out."
        )
    found, own = figures(test, chosen), scores.eer_threshold(test.curve)
    threshold, of = (chosen.threshold, "the validation speakers") if chosen else (own, "these speakers")

    def draw(out: Path) -> list[Path]:
        report.det(out / "det.png", {"model": test})
        report.distances(out / "distances.png", test, threshold, of)
        drawn = [out / "det.png", out / "distances.png", *report.confusion(out, enrolment.identify(test))]
        if chosen is None:
            return drawn
        metrics.clusters(test, chosen.cluster_threshold).to_csv(out / "clusters.csv", index=False)
        return [*drawn, out / "clusters.csv"]

    return ScoredFolder(metrics.predictions(test, threshold), unusable, found, manifest.digest(table), draw)


def recordings(
    root: Path, warn: Callable[[str], None], progress: Callable, learnt: Learnt | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The usable recordings of a folder, all in the split test; the others (path, reason); its trials, or drawn ones.

    learnt: what the model met: speakers of whom it did are left out. Raises EarmarkError where nobody
    can be told apart or known again.
    """
    every, unusable = read_folder(CORPORA, root, "a sub-folder per speaker", warn, progress)
    table = learnt.leave(every, CORPORA.key, root, warn) if learnt else every
    checks.recordings(table, unusable, warn)
    if table.groupby("label").utterance.nunique().max() < 2:
        raise EarmarkError(
            f"No speaker in {root} has two utterances, so no speaker can be recognised again: give some of them "
            "more recordings."
        )
    table = table.drop(columns="fold", errors="ignore").assign(split="test")
    given = lists.of_folder(root, warn)
    if given is not None:
        given = _among(given, set(every.utterance) - set(table.utterance))
        given = lists.usable(given.drop(columns="split", errors="ignore"), table, unusable, warn)
    trials = pairing.of_manifest(table, given, pairing.MOST, SEED, warn)
    return table, unusable[["path", "reason"]], trials


def _among(given: pd.DataFrame, left_out: set[str]) -> pd.DataFrame:
    """The trials of a list that are of no utterance left out."""
    meant = name_matcher(left_out)
    return given[~given.a.map(meant).isin(left_out) & ~given.b.map(meant).isin(left_out)]


def familiar_speakers(table: pd.DataFrame, root: Path, learnt: list[str]) -> str | None:
    """A sentence on speakers whose names are among those that the model learnt, or None.

    learnt: names as a training knew them, by recipes/join.py with the folder's before them.
    """
    known, place = set(learnt), root.resolve().name
    speakers = sorted(table.label.unique())
    met = [name for name in speakers if {name, f"{place}/{name}"} & known]
    if not met:
        return None
    names = ", ".join(met[:NAMED]) + (f" and {len(met) - NAMED} more" if len(met) > NAMED else "")
    return (
        f"{len(met)} of {len(speakers)} speakers have the names of speakers that the model was trained on "
        f"({names}): if they are the same people the figures are too good; leave them out."
    )


def carried_thresholds(release: dict) -> Thresholds | None:
    """The thresholds that a model brings; None where it has met no validation speakers."""
    if "threshold" not in release:
        return None
    return Thresholds(float(release["threshold"]), float(release["cluster_threshold"]))


def figures(test: Answers, chosen: Thresholds | None) -> dict:
    """Figures of a model on a folder, with `<name>_ci95` over its speakers.

    Beside those at the carried thresholds, if there are any, the folder's own threshold, at which both kinds of errors
    are equally frequent (eer_threshold), and the accuracy there: what a threshold chosen on such voices would bring.
    """
    draws = metrics.draws_of(test.trials, SETTINGS)
    found = metrics.verification(test, metrics.resampled(test, draws))
    if chosen:
        found |= metrics.at_thresholds(chosen, test, draws)
    else:
        who = test.trials.speakers
        found |= metrics.misclassification("mr_at_k", clustering.cut_into(test.tree, who.max() + 1), who, draws)
        found |= metrics.identification(test, draws)
    own = scores.eer_threshold(test.curve)
    at_own = metrics.decisions(test.score >= own, test.trials, draws)
    found |= {"eer_threshold": own} | {
        f"accuracy_at_eer_threshold{end}": at_own[f"accuracy{end}"] for end in ("", "_ci95")
    }
    return found | intervals.methods(found, metrics.BOOTSTRAPPED) | metrics.sizes(test.trials)
