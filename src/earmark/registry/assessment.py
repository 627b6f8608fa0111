"""What the gate is told of a version: its cost, its figures beside the champions', how many models were compared."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion

from earmark.errors import EarmarkError
from earmark.evaluation import outcomes
from earmark.evaluation.settings import GateSettings
from earmark.registry import cards, clean_process, comparison, gate, identities, restore, versions
from earmark.registry.clean_process import AnswerCost
from earmark.registry.comparison import MeasuredVersion, TodaysTestSplit, VersionPair
from earmark.registry.entries import Identity
from earmark.registry.gate import Finding, Side, Verdict
from earmark.registry.ledger import Ledger, Tested
from earmark.registry.tracking import Tracker
from earmark.tasks.task import Task

MODEL_SHA256 = "earmark.model_sha256"


@dataclass(frozen=True)
class Assessment:
    """The gate's findings, and on what they rest: nothing of that where nothing could be compared.

    figures: for the ledger. remarks: sentences that decide nothing.
    """

    findings: list[Finding]
    test: Tested | None = None
    level: float | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        """Of all findings together."""
        return gate.worst(self.findings)


@dataclass(frozen=True)
class Contest:
    """What is needed to compare two versions of a task.

    today: what versions are judged on that have no outcomes of the same test recordings; None: they are not judged.
    """

    client: MlflowClient
    task: Task
    settings: Callable[[], GateSettings]
    known: Ledger
    today: TodaysTestSplit | None


def assess(of: Contest, new: ModelVersion, old: ModelVersion | None) -> Assessment:
    """What the gate finds of a version; the first champion need only answer and have its card."""
    findings, tried = _tried(of.task, new, old)
    if old is None:
        return _of_the_first(of, new, findings)
    try:
        both, reason = _both(of, new, old), "no test recordings are known on which both were evaluated"
    except EarmarkError as e:
        both, reason = None, str(e).rstrip(".")
    if both is None:
        said = f"Version {new.version} and version {old.version}, the champion, cannot be compared: {reason}."
        return Assessment([*findings, Finding("cannot tell", said)])
    number = len(_weights(of, both.new, new, old))
    settings = of.settings()
    level = gate.share_of_level(settings.level, number)
    sides = _side(of.task, new, both.new, tried), _side(of.task, old, both.old, tried)
    best, missing = _best(of, both, new, old)
    findings += [*gate.findings(of.task, settings, *sides, best, level), *missing]
    n = both.new.figures.get("n_recordings")
    test = Tested(sha256=both.new.test_sha256, n_recordings=n)
    remarks = [_rests_on(n, number, level, settings.level), *_outdone(of.task, new, both)]
    return Assessment(findings, test, level, _figures(of.task, both, number), remarks)


def _of_the_first(of: Contest, new: ModelVersion, findings: list[Finding]) -> Assessment:
    """What is known of a version that has no champion to be compared with."""
    kept = [found for tag in versions.evaluations(new) if (found := comparison.kept_measurement(of.client, new, tag))]
    last = kept[-1] if kept else None
    test = last and Tested(sha256=last.test_sha256, n_recordings=last.figures.get("n_recordings"))
    figures = {"headline": of.task.headline, "version": last.figures} if last else {}
    return Assessment(findings, test, figures=figures, remarks=_outdone(of.task, new, None))


def _tried(task: Task, new: ModelVersion, old: ModelVersion | None) -> tuple[list[Finding], dict[str, AnswerCost]]:
    """What versions cost that answer, by number, and what speaks against the new one."""
    some = [new, *([old] if old and versions.has_files(old) else [])]
    with ThreadPoolExecutor(len(some)) as pool:
        asked = [pool.submit(clean_process.try_version, version) for version in some]
    findings, tried = [], {}
    for version, future in zip(some, asked, strict=True):
        try:
            tried[str(version.version)] = future.result()
        except EarmarkError as e:
            if version is new:
                findings.append(Finding("no", f"Version {new.version} cannot be used: {e}."))
    if cards.TAG not in new.tags:
        findings.append(Finding("no", f"Version {new.version} has no card; `earmark publish {task.name}` writes one."))
    return findings, tried


def _both(of: Contest, new: ModelVersion, old: ModelVersion) -> VersionPair | None:
    """Both on the same recordings; None where they have no such outcomes and nothing to judge them on is given."""
    found = comparison.on_shared_test(of.client, new, old)
    if found or of.today is None:
        return found
    return VersionPair(*comparison.on_todays_test(of.client, of.task, [new, old], of.today))


def _weights(of: Contest, tested: MeasuredVersion, new: ModelVersion, old: ModelVersion) -> set[str]:
    """The models that were compared on test recordings, by their weights: each is a chance to seem good by luck.

    Those of the ledger and of this store's runs, whatever became of them; the champion is what they are held against.
    Another test set counts where it holds half of these recordings or more: one that lost or gained a few is the same.
    """
    experiment = of.client.get_experiment_by_name(of.task.name)
    tracker = Tracker(of.client, experiment.experiment_id) if experiment else None
    by_test: dict[str, list[Run]] = {}
    for run in tracker.find({"earmark.kind": "pipeline"}) if tracker else []:
        for key, test in run.data.tags.items():
            if key.startswith(comparison.RUN_TAG):
                by_test.setdefault(test, []).append(run)
    alike = {test for test, runs in by_test.items() if test == tested.test_sha256 or _mostly(of, tested, test, runs)}
    found = {str(run.data.tags.get(MODEL_SHA256)) for test in alike for run in by_test[test]}
    found |= {weights for test in {*alike, tested.test_sha256} for weights in of.known.evaluated(test)}
    return (found | {str(new.tags.get(MODEL_SHA256))}) - {str(old.tags.get(MODEL_SHA256)), "None"}


def _mostly(of: Contest, tested: MeasuredVersion, test: str, runs: list[Run]) -> bool:
    """Whether another test set holds at least half of the recordings; not where no run's outcomes of it are there."""
    mine = _recordings(tested.outcomes)
    for run in runs:
        other = comparison.outcomes_of(of.client, run, test)
        if other is not None:
            return 2 * len(mine & _recordings(other)) >= len(mine)
    return False


def _recordings(table: pd.DataFrame) -> set[str]:
    """What outcomes are of: recordings, or the utterances of trials."""
    columns = ["a", "b"] if outcomes.are_trials(table) else ["recording"]
    return set(table[columns].to_numpy(str).ravel())


def _side(task: Task, version: ModelVersion, measured: MeasuredVersion, tried: dict[str, AnswerCost]) -> Side:
    name = f"version {version.version}"
    return Side(name, measured.figures[task.headline], measured.outcomes, tried.get(str(version.version)))


def _best(of: Contest, both: VersionPair, new: ModelVersion, old: ModelVersion) -> tuple[Side | None, list[Finding]]:
    """The best champion of the ledger on these recordings, where it is better than the present one.

    Else many small losses, each within the margin, would add up. Beside it what is found where it cannot be compared.
    """
    headline, test = of.task.headline, both.old.test_sha256
    best, figure = None, both.old.figures[headline]
    for identity in of.known.champions():
        its = _figure_of(of, identity, test)
        others = identity.key not in (identities.key(new), identities.key(old))
        if others and its is not None and of.task.better(its, figure):
            best, figure = identity, its
    if best is None:
        return None, []
    try:
        version = identities.find(of.client, of.task, best) or restore.version(of.task, best)
        measured = comparison.kept_measurement(of.client, version, versions.evaluation_tag(test))
        if measured and outcomes.same_recordings(measured.outcomes, both.new.outcomes):
            return Side(f"version {version.version}, the best champion so far", figure, measured.outcomes), []
        reason = "its outcomes are gone"
    except EarmarkError as e:
        reason = str(e).rstrip(".")
    who = f"The best champion so far, {identities.short_name(best)}, with {headline} {figure:.3f} on these recordings"
    return None, [Finding("cannot tell", f"{who}, cannot be compared: {reason}.")]


def _figure_of(of: Contest, identity: Identity, test: str) -> float | None:
    """The headline figure of a model on test recordings, as a version of this store or the ledger has it."""
    version, tag = identities.find(of.client, of.task, identity), versions.evaluation_tag(test)
    if version and tag in (known := versions.evaluations(version)):
        return float(known[tag][of.task.headline])
    for entry in of.known.entries:
        if entry.test and entry.test.sha256 == test and identity.same(entry.version) and "version" in entry.figures:
            return float(entry.figures["version"][of.task.headline])
    return None


def _rests_on(n: int | None, number: int, level: float, whole: float) -> str:
    """On how many recordings, and how the level was shared."""
    recordings = f"the same {n} test recordings" if n else "the same test recordings"
    if number == 1:
        return f"On {recordings}; each end of an interval is taken at the significance level {whole:g}."
    return (
        f"On {recordings}, on which {number} models were compared so far, this one included: each end of an "
        f"interval is taken at the significance level {whole:g} / {number} = {level:.2g}. On test recordings that no "
        "model has been compared on, the count starts again at one."
    )


def _figures(task: Task, both: VersionPair, number: int) -> dict[str, Any]:
    return {"headline": task.headline, "version": both.new.figures, "champion": both.old.figures, "compared": number}


def _outdone(task: Task, new: ModelVersion, both: VersionPair | None) -> list[str]:
    """A sentence where a baseline is better than the version."""
    known = [*([both.new.figures] if both else []), *versions.evaluations(new).values()]
    outdone = (task.outdone(evaluation, f"version {new.version}") for evaluation in known)
    return list(filter(None, outdone))[:1]
