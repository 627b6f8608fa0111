"""The listening report: one page for every task, which shows what a model heard, plays it, and needs no network.

A report is plain data, which the page's script draws: what comes from files (names, labels) is text to it, never
markup, and the page's own policy forbids any other script.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from earmark.errors import EarmarkError

FOLDER = Path(__file__).parent
FORMAT = 1  # of the data
HELD = re.compile(r'<script type="application/json" id="report">(.*?)</script>', re.DOTALL)


@dataclass
class ReportRecording:
    """A recording, or several that are heard as one.

    label: as the manifest has it, '' where there is none. clip: its place among the clips, None where it is not in the
    report. facts: sentences. votes: what windows say over time: starts (s), window_s, labels, p (labels, windows).
    lanes: named rows of segments [start_s, end_s, label], the first the truth's.
    """

    name: str
    files: Sequence[str]
    label: str
    duration_s: float
    clip: int | None = None
    start_s: float = 0.0
    facts: Sequence[str] = ()
    votes: Mapping[str, Any] | None = None
    lanes: Sequence[Mapping[str, Any]] = ()


@dataclass
class ReportRow:
    """What the model said of a recording, of a part of it, or of two, as one row of the list.

    of: places of recordings. kind: one of the report's. score: as shown. sure: how certain the model is, higher is
    more. doubt: how much speaks against the label, higher is more. cell: of the matrix. at: seconds [from, to].
    """

    of: Sequence[int]
    kind: str
    truth: str
    answer: str
    right: bool | None
    score: float | None
    sure: float
    doubt: float = 0.0
    cell: tuple[int, int] | None = None
    at: tuple[float, float] | None = None


@dataclass
class ListeningReport:
    """What the page shows.

    intro: sentences; they say what is sampled. figures: name, value, low, high. kinds: of rows, by key, in words; the
    first one is shown at first. matrix: title, rows and columns (labels), values, unit. pairs: for rows of two:
    threshold, edges (bins + 1), same and different (bins,), shares of the trials. map: x, y and neighbours (places and
    scores) of each recording. corrects: what of a recording a correction is of: its `label`, or a `segment` of it.
    """

    task: str
    title: str
    intro: Sequence[str]
    figures: Sequence[tuple[str, float, float, float]]
    kinds: Mapping[str, str]
    recordings: Sequence[ReportRecording]
    rows: Sequence[ReportRow]
    clips: Sequence[Mapping[str, Any]]
    matrix: Mapping[str, Any] | None = None
    pairs: Mapping[str, Any] | None = None
    map: Mapping[str, Any] | None = None
    labels: Sequence[str] = ()
    corrects: str = "label"
    spectrogram: str = "mel"
    score: str = "probability"
    format: int = field(default=FORMAT, init=False)


def figures(found: Mapping[str, Any], names: Sequence[str]) -> list[tuple[str, float, float, float]]:
    """Those figures of an evaluation that are there, with their intervals."""
    return [(name, found[name], *found[f"{name}_ci95"]) for name in names if f"{name}_ci95" in found]


def write(path: Path, report: ListeningReport) -> None:
    """Write the page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(asdict(report)), encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    """The data of a page that `write` wrote. Raises EarmarkError where it is none."""
    if not path.exists():
        raise EarmarkError(f"There is no listening report {path}; run `dvc repro` first.")
    held = HELD.search(path.read_text(encoding="utf-8", errors="replace"))
    try:
        report: Any = json.loads(held[1]) if held else None
    except ValueError:
        report = None
    if not isinstance(report, dict) or report.get("format") != FORMAT:
        raise EarmarkError(
            f"{path} is not a listening report of this version of earmark; run `dvc repro` to make a new one."
        )
    return report


def page(report: Mapping[str, Any], marking: Mapping[str, Any] | None = None, connect: str = "'none'") -> str:
    """HTML of a report. marking: what the script needs to save marks, where a server takes them; connect: a source of
    the content security policy, to which the page may talk."""
    style, script = ((FOLDER / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    filled = {
        "TITLE": html.escape(report["title"], quote=False),
        "POLICY": policy(connect),
        "STYLE": style,
        "REPORT": _inert(report),
        "MARKING": _inert(marking),
        "SCRIPT": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda name: filled[name[1]], (FOLDER / "page.html").read_text(encoding="utf-8"))


def policy(connect: str = "'none'") -> str:
    """The page's content security policy: its own script and style, by their hashes, and nothing from elsewhere."""
    script, style = (_source(name) for name in ("page.js", "page.css"))
    own = f"default-src 'none'; script-src {script}; style-src {style}; img-src data:; media-src data: blob:"
    return f"{own}; connect-src {connect}; base-uri 'none'; form-action 'none'"


def _source(name: str) -> str:
    digest = hashlib.sha256((FOLDER / name).read_text(encoding="utf-8").encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _inert(data: Any) -> str:
    """JSON in which nothing can end the element that holds it."""
    signs = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return re.sub("[<>&]", lambda sign: signs[sign[0]], text)
