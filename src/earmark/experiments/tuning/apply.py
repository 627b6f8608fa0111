"""The chosen setting written into params.yaml, for a person to review as a change of git's."""

import json
import shlex
from pathlib import Path
from typing import Any

from earmark import config
from earmark.errors import EarmarkError
from earmark.experiments.tuning import show
from earmark.experiments.tuning.ground import deciding
from earmark.tasks import edited


def result_of(out: Path, file: Path) -> dict[str, Any]:
    """What a tuning found. Raises EarmarkError where there is nothing yet."""
    place = out / show.RESULT
    found = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
    if "chosen" not in found:
        raise EarmarkError(f"Nothing has been chosen yet below {out}; run `earmark tune {file}` to the end first.")
    return dict(found)


def changed_params(params: Path, found: dict[str, Any], whatever: bool) -> tuple[str, str]:
    """params.yaml's text as it is and with the chosen setting; every byte outside of the changed values stays.

    whatever: also where the settings are others than when this was found. Raises EarmarkError where they are, and where
    the file cannot be edited so.
    """
    raw = config.read(params)
    text = params.read_bytes().decode("utf-8")
    task = found["task"]
    today = deciding(raw, task)
    differs = sorted(k for k in {*today, *found["params"]} if today.get(k) != found["params"].get(k))
    if differs and not whatever:
        more = f" and {len(differs) - 1} more" if len(differs) > 1 else ""
        raise EarmarkError(
            f"{params} has changed since the search (tasks.{task}.{differs[0]}{more}), so the chosen setting was not "
            "tried with it. Tune again, or add --whatever to write it anyway."
        )
    return text, edited.put(text, {f"tasks.{task}.{k}": v for k, v in found["chosen"]["overrides"].items()})


def commit(found: dict[str, Any], file: Path) -> str:
    """The command that commits it."""
    subject = f"{found['task']}: {found['name']}'s trial {found['chosen']['trial']}"
    return shlex.join(["git", "commit", str(file), "-m", subject, "-m", found["verdict"]])
