"""Rows of the table of speeds: what each benchmark measured, beside what is asked; `table.py` puts them together."""

import json
import operator
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

SIDES = {"<=": operator.le, ">=": operator.ge}


@dataclass(frozen=True)
class Row:
    """One figure: a ratio where there is something to hold it against.

    asked: such as '<= 2.5'; empty where nothing is asked. detail: the figures behind it, with units and references.
    """

    point: str
    what: str
    figure: float
    asked: str
    detail: str

    @property
    def met(self) -> bool | None:
        """Whether the figure is as asked; None where nothing is."""
        if not self.asked:
            return None
        side, bound = self.asked.split()
        return bool(SIDES[side](self.figure, float(bound)))

    def line(self) -> str:
        """The row of a Markdown table."""
        verdict = {None: "", True: "yes", False: "**no**"}[self.met]
        return f"| {self.what} | {self.figure:.3g} | {self.asked or '-'} | {verdict} | {self.detail} |"


def write(path: Path | None, rows: Iterable[Row]) -> None:
    """Print each row as it comes; all as JSON in a file, too, where one is named."""
    found = []
    for row in rows:
        print(row.line(), flush=True)
        found.append(asdict(row))
    if path:
        path.write_text(json.dumps(found, indent=1) + "\n")


def read(path: Path) -> list[Row]:
    """What `write` wrote."""
    return [Row(**row) for row in json.loads(path.read_text())]
