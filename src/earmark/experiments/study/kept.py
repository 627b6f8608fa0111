"""Results of a study's single trainings, kept as JSON by what they depend on, so that a study goes on where it was."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from earmark import paths


def sha256(*parts: Any) -> str:
    """Hash of anything that JSON holds."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def file(kind: str, *parts: Any) -> Path:
    """Where the result of a training lies that depends on these parts."""
    return paths.state() / "studies" / sha256(*parts)[:24] / f"{kind}.json"


def result(path: Path, make: Callable[[], dict], tell: Callable[[dict], None]) -> dict:
    """The result at a path; if there is none it is made, kept and told."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")  # renamed when whole
        made = make()
        partial.write_text(json.dumps(made))
        partial.rename(path)
        tell(made)
    return json.loads(path.read_text(encoding="utf-8"))
