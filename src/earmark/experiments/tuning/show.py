"""A tuning for people: its trials as a table, its pictures, and what came out in a sentence."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from earmark import console
from earmark.experiments.tuning import confirm, pictures, sampling
from earmark.experiments.tuning.confirm import FoldChoice
from earmark.experiments.tuning.ground import Ground
from earmark.experiments.tuning.plan import TuningPlan
from earmark.experiments.tuning.storage import FEASIBLE, STATES, state
from earmark.experiments.tuning.trials import REASON, SECONDS
from earmark.experiments.tuning.work import short

RESULT = "result.json"
SHOWN = 10  # trials in the terminal


def table(studies: dict[str, Study], plan: TuningPlan) -> pd.DataFrame:
    """One row a trial, lost ones among them: outer fold, number, state, figure, seconds, reason, and what was drawn."""
    rows = [
        _row(outer, t, plan)
        for outer, study in studies.items()
        for t in study.get_trials(deepcopy=False)
        if sampling.WARM not in t.user_attrs
    ]
    names = [p.name for p in plan.space.parameters]
    return pd.DataFrame(rows, columns=["outer", "trial", "state", plan.headline, "seconds", "reason", *names])


def _row(outer: str, trial: FrozenTrial, plan: TuningPlan) -> dict[str, Any]:
    reason = trial.user_attrs.get(sampling.LOST) or trial.user_attrs.get(FEASIBLE) or trial.user_attrs.get(REASON) or ""
    figure = trial.value if trial.state == TrialState.COMPLETE else None
    facts = {"outer": outer, "trial": trial.number, "state": state(trial), "reason": reason}
    return facts | {plan.headline: figure, "seconds": trial.user_attrs.get(SECONDS)} | trial.params


def result(ground: Ground, studies: dict[str, Study], chosen: list[FoldChoice]) -> dict[str, Any]:
    """What came out, as JSON: budget, states, importance, and the choice with its verdict once there is one."""
    plan, rows = ground.plan, table(studies, ground.plan)
    counts = {outer: {s: int((part.state == s).sum()) for s in STATES} for outer, part in rows.groupby("outer")}
    found: dict[str, Any] = {
        **{"name": plan.name, "task": plan.task, "headline": plan.headline, "about": plan.about},
        **{"trials": plan.trials, "states": counts, "base": plan.base, "space": plan.space.plain()},
        "importance": {outer: pictures.importance(study) for outer, study in studies.items()},
    }
    if not chosen:
        return found
    gain, best = confirm.gain(ground, chosen), confirm.to_apply(ground, chosen)
    return found | {
        "verdict": confirm.verdict(ground, chosen),
        "gain": gain.difference,
        "gain_ci95": [gain.low, gain.high],
        "by_fold": [_of_fold(c, plan) for c in chosen],
        "chosen": {"outer": best.outer, "trial": best.number, "overrides": plan.base | best.overrides},
        "params": next(iter(studies.values())).user_attrs["params"],
    }


def _of_fold(c: FoldChoice, plan: TuningPlan) -> dict[str, Any]:
    return {
        **{"outer": c.outer, "trial": c.number, "overrides": c.overrides, "inner": c.inner},
        **{plan.headline: c.outer_figures[0], f"today_{plan.headline}": c.outer_figures[1]},
    }


def write(
    out: Path, ground: Ground, studies: dict[str, Study], chosen: list[FoldChoice], file: Path
) -> tuple[list[Path], dict[str, float]]:
    """trials.csv, result.json, the pictures and the file itself below `out`; what was written, and figures."""
    out.mkdir(parents=True, exist_ok=True)
    rows, found = table(studies, ground.plan), result(ground, studies, chosen)
    rows.to_csv(out / "trials.csv", index=False)
    (out / RESULT).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    shutil.copyfile(file, out / file.name)
    files = [out / "trials.csv", out / RESULT, out / file.name]
    for outer, study in studies.items():
        files += pictures.write(out, study, ground.plan.headline, f"-{outer}" if len(studies) > 1 else "")
    figures = {f"trials/{s}": float((rows.state == s).sum()) for s in STATES}
    if best := rows[ground.plan.headline].dropna().tolist():
        figures["best_inner"] = min(best) if ground.plan.direction == "minimize" else max(best)
    if chosen:
        figures |= {"gain": found["gain"], "gain_low": found["gain_ci95"][0], "gain_high": found["gain_ci95"][1]}
    return files, figures


def print_tuning(ground: Ground, studies: dict[str, Study], chosen: list[FoldChoice], out: Path) -> None:
    """The best trials, and what came out."""
    plan = ground.plan
    for outer, study in studies.items():
        rows = table({outer: study}, plan)
        found = rows[rows.state == "complete"].sort_values(
            [plan.headline, "trial"], ascending=[plan.direction == "minimize", True]
        )
        states = ", ".join(f"{n} {s}" for s in STATES if (n := int((rows.state == s).sum())))
        names = [p.name for p in plan.space.parameters if found[p.name].notna().any()]
        cells = [
            [f"{r.trial}", f"{r[plan.headline]:.3f}", *(_shown(r[n]) for n in names)]
            for _, r in found.head(SHOWN).iterrows()
        ]
        if cells:
            console.table(("trial", plan.headline, *names), cells, f"{plan.name}, {outer} held out: {states}")
        if weights := pictures.importance(study):
            console.say("importance: " + ", ".join(f"{k} {v:.2f}" for k, v in weights.items()))
    for sentence in sentences(json.loads((out / RESULT).read_text(encoding="utf-8"))):
        console.say(sentence)


def _shown(value: Any) -> str:
    return "" if value is None or value != value else short(value)


def sentences(found: dict[str, Any]) -> list[str]:
    """What came out of a tuning, by its `result`."""
    if "verdict" not in found:
        return []
    drawn = ", ".join(f"{k} {short(v)}" for k, v in found["chosen"]["overrides"].items())
    return [found["verdict"], f"Chosen: trial {found['chosen']['trial']} of {found['chosen']['outer']}: {drawn}."]
