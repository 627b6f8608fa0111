"""A page's claims: those of several studies decided together, as a table, a picture and the top of the page."""

import textwrap
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.errors import EarmarkError
from earmark.evaluation.pictures import plt, save
from earmark.experiments.study import pooling, verdict
from earmark.experiments.study.verdict import HOLDS, NOT, UNDECIDED

BEGIN, END = "<!-- verdicts: `earmark verdicts` writes what follows -->", "<!-- verdicts: end -->"
RULES = {  # by the kinds of claims that they are for
    ("more", "less"): "A claimed difference *holds* where it is surely there, however small, and *does not* where it "
    "surely falls short of what would matter (.02 where a claim does not name another; shaded in the picture).",
    ("same",): "That something makes no difference *holds* where the difference is surely smaller than that, and *does "
    "not* where it is surely larger.",
    ("most",): "That most do something *holds* where surely more than half do, and *does not* where surely fewer do; "
    "the picture and the table of all columns give such a share less .5.",
}
PAGE_WIDTH = 120
WIDTH = 75  # characters of a claim beside its interval
COLOURS = {HOLDS: "C2", NOT: "C3", UNDECIDED: "0.6"}
SIGNS = {"more": "above 0", "less": "below 0", "same": "within {by:g} of 0", "most": "share above .5"}


def merge_claims(files: Sequence[Path]) -> pd.DataFrame:
    """The claims of studies, by the claims.csv that each wrote, decided together; `study` names the study's folder.

    A page's own table counts as the files that it was made of. A claim of one study in several files is pooled over
    their seeds; one of several studies has the study's name behind it. Raises EarmarkError for a file that is none.
    """
    parts = []
    for file in files:
        try:
            found = pd.read_csv(file)
        except (OSError, ValueError) as e:
            raise EarmarkError(f"{file} cannot be read as a table of claims: {' '.join(str(e).split())}.") from None
        missing = [name for name in verdict.COLUMNS if name not in found]
        if missing:
            raise EarmarkError(f"{file} has no column '{missing[0]}'; give the claims.csv that `earmark study` wrote.")
        columns = [*verdict.COLUMNS, *pooling.COLUMNS, "study"]
        found = found.assign(study=found.get("study", file.parent.name)).reindex(columns=columns)
        said = zip(found.claim, found.study, strict=True)
        parts.append(found.assign(claim=[claim.removesuffix(f" ({study})") for claim, study in said]))
    together = _pooled(pd.concat(parts, ignore_index=True))
    shared = together.claim.duplicated(keep=False)
    together.loc[shared, "claim"] += " (" + together.study[shared] + ")"
    return verdict.decide(together)


def _pooled(claims: pd.DataFrame) -> pd.DataFrame:
    """The same with one line for each claim of a study, those of one claim below each other."""
    rows = []
    for (_, study), found in claims.groupby(["claim", "study"], sort=False):
        rows.append(found.iloc[0].to_dict() if len(found) == 1 else pooling.pool(found) | {"study": study})
    made = pd.DataFrame(rows, columns=claims.columns)
    return made.sort_values("claim", key=lambda c: pd.factorize(c)[0], kind="stable", ignore_index=True)


def write(page: Path, claims: pd.DataFrame) -> list[Path]:
    """The table and the picture beside a page, and the part of the page between BEGIN and END.

    Raises EarmarkError for a page without these two lines.
    """
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as e:
        raise EarmarkError(f"{page} cannot be read: {e.strerror}; name a Markdown page that exists.") from None
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise EarmarkError(f"{page} has no place for verdicts; add the lines\n{BEGIN}\n{END}")
    table, drawn = page.with_suffix(".csv"), page.with_suffix(".png")
    claims.to_csv(table, index=False)
    picture(drawn, claims)
    page.write_text(f"{head}{begin}\n{block(claims, table.name, drawn.name)}{end}{tail}", encoding="utf-8")
    return [page, table, drawn]


def counts(claims: pd.DataFrame) -> str:
    """'Of 12 claims: 5 held, 4 not, 3 undecided ("cannot tell").'"""
    n = Counter(claims.verdict)
    return f'Of {len(claims)} claims: {n[HOLDS]} held, {n[NOT]} not, {n[UNDECIDED]} undecided ("{UNDECIDED}").'


def rule(claims: pd.DataFrame) -> str:
    """What the verdicts of a table mean: sentences for the kinds of claims that it has."""
    chance = "seeds, in the groups that are tested," if (claims.groups > 0).any() else "seeds"
    said = [sentence for kinds, sentence in RULES.items() if claims["is"].isin(kinds).any()]
    said.append(
        f"*Surely* allows for chance in the {chance} and in all claims of this table together (Holm's correction); "
        "where a claim is undecided, p is of the verdict to which its figures lean (`speaks_for` among all columns). "
        "Intervals are of one claim alone, so that one may exclude 0 although its claim is undecided."
    )
    if claims.figures.str.contains("→").any():
        said.append("A → B is without and with what is claimed.")
    return " ".join(said)


def block(claims: pd.DataFrame, table: str, drawn: str) -> str:
    """The page's part as Markdown: the counts, a row a claim, the picture."""
    lines = [
        f"**{counts(claims)}**",
        "",
        *textwrap.wrap(rule(claims), PAGE_WIDTH),
        "",
        "| claim | from | verdict | seen | difference [95 % interval] | p (Holm) |",
    ]
    lines.append("|---|---|---|---|---|---|")
    for row in claims.to_dict("records"):
        cells = (row["claim"], row["whose"], f"**{row['verdict']}**", row["figures"], _difference(row), _p(row))
        lines.append(f"| {' | '.join(str(c) for c in cells)} |")
    lines += [
        "",
        f"![Every claim's difference with its interval]({drawn})",
        "",
        f"All columns: [{table}]({table}).",
        "",
    ]
    return "\n".join([*lines, ""])


def _difference(row: dict) -> str:
    if np.isnan(row["low"]):
        return "–"
    if np.isinf(row["low"]):
        return f"{row['difference']:+.3f}, one seed"
    if row["is"] == "most":
        share, low, high = (row[name] + 0.5 for name in ("difference", "low", "high"))
        return f"share {share:.3f} [{low:.3f}, {high:.3f}]"
    return f"{row['difference']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]"


def _p(row: dict) -> str:
    return "< .001" if row["p_holm"] < 0.001 else f"{row['p_holm']:.3f}"


def picture(path: Path, claims: pd.DataFrame) -> None:
    """Differences with their 95 % intervals as PNG, by verdict; the shade is what would not be worth having."""
    rows = [row for row in claims.to_dict("records") if np.isfinite(row["low"])]
    fig, ax = plt.subplots(figsize=(12, 1.6 + 0.33 * len(rows)), layout="constrained")
    for y, row in enumerate(rows):
        colour = COLOURS[row["verdict"]]
        width, left = _shade(row)
        ax.barh(y, width, left=left, height=0.9, color="0.93", zorder=0)
        ax.plot([row["low"], row["high"]], [y, y], color=colour, lw=2)
        ax.plot(row["difference"], y, "o", color=colour, label=row["verdict"])
    ax.axvline(0, color="0.6", lw=1, zorder=1)
    signs = [SIGNS[row["is"]].format(**row).replace(" ", "\N{NO-BREAK SPACE}") for row in rows]
    names = [f"{row['claim']} ({sign})" for row, sign in zip(rows, signs, strict=True)]
    ax.set_yticks(range(len(rows)), [textwrap.fill(name, WIDTH) for name in names], fontsize=8)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    share = ", or share minus one half," if (claims["is"] == "most").any() else ""
    ax.set_xlabel(f"difference{share} with its 95 % interval\n(shaded: too small to matter)")
    handles = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    if handles:
        ax.legend(handles.values(), handles.keys(), loc="best", fontsize=8)
    save(fig, path)


def _shade(row: dict) -> tuple[float, float]:
    """Width and left end of what is too small to matter."""
    width = {"same": 2 * row["by"]}.get(row["is"], row["by"])
    return width, {"more": 0.0}.get(row["is"], -row["by"])
