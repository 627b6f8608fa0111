"""`earmark verdicts`: the claims of several studies, decided together and written into their page."""

import numpy as np
import pandas as pd
import pytest

from earmark.errors import EarmarkError
from earmark.experiments.study import page, verdict
from earmark.experiments.study.verdict import Evidence
from project import REPOSITORY

STEPS = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])


def claims(folder, *rows):
    """A study's claims.csv: (claim, value, spread) each."""
    folder.mkdir()
    made = [verdict.row(c, "asked", f"seen {v}", Evidence(v + s * STEPS), "more", 0.02) for c, v, s in rows]
    verdict.decide(pd.DataFrame(made, columns=list(verdict.COLUMNS))).to_csv(folder / "claims.csv", index=False)
    return folder / "claims.csv"


@pytest.fixture
def files(tmp_path):
    return [claims(tmp_path / "one", ("A", 0.2, 0.02), ("B", 0.011, 0.06)), claims(tmp_path / "two", ("C", -0.2, 0.02))]


def test_claims_of_several_studies_are_decided_together(files):
    alone, together = page.merge_claims(files[:1]), page.merge_claims(files)
    assert together.study.tolist() == ["one", "one", "two"]
    assert together.verdict.tolist() == ["holds", "cannot tell", "does not"]
    p = together.p.tolist()
    assert together.p_holm[0] == pytest.approx(max(2 * p[0], 3 * p[2]))  # p[2] is the least
    assert alone.p_holm[0] == pytest.approx(2 * p[0])


def test_a_claim_of_two_studies_says_whose(files, tmp_path):
    found = page.merge_claims([*files, claims(tmp_path / "three", ("A", -0.2, 0.02))])
    assert found.claim.tolist() == ["A (one)", "A (three)", "B", "C"]


def test_the_command_writes_table_picture_and_the_pages_top(files, tmp_path, earmark):
    mine = tmp_path / "mine.md"
    mine.write_text(f"# Mine\n\n{page.BEGIN}\nstale\n{page.END}\n\nThe end.\n")
    status, out, _ = earmark("verdicts", str(mine), *map(str, files))
    assert (status, 'Of 3 claims: 1 held, 1 not, 1 undecided ("cannot tell").' in out) == (0, True)
    text = mine.read_text()
    assert (text[:7], text.partition(page.END)[2], "stale" in text) == ("# Mine\n", "\n\nThe end.\n", False)
    low, high = Evidence(0.2 + 0.02 * STEPS).interval()
    assert f"| A | asked | **holds** | seen 0.2 | +0.200 [{low:+.3f}, {high:+.3f}] | < .001 |" in text
    assert pd.read_csv(tmp_path / "mine.csv").claim.tolist() == ["A", "B", "C"]
    assert (tmp_path / "mine.png").stat().st_size > 1000
    assert earmark("verdicts", str(mine), *map(str, files))[0] == 0
    assert mine.read_text() == text


def test_what_verdicts_mean_is_said_for_the_kinds_of_claims_in_a_table(files):
    found = page.merge_claims(files)
    said = page.rule(found)
    assert [said.count(words) for words in page.RULES.values()] == [1, 0, 0]
    assert "chance in the seeds and in all claims" in said
    assert "→" not in said
    found.loc[0, ["is", "groups", "figures"]] = ["same", 12, "0.1 → 0.2"]
    found.loc[1:, "is"] = "most"
    said = page.rule(found)
    assert [said.count(words) for words in page.RULES.values()] == [0, 1, 1]
    assert "chance in the seeds, in the groups that are tested, and in all claims" in said
    assert said.endswith("A → B is without and with what is claimed.")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("claim,p\nA,1\n", "has no column 'whose'; give the claims.csv"), ("", "cannot be read as a table of claims")],
)
def test_a_table_that_is_none(tmp_path, text, sentence):
    (tmp_path / "claims.csv").write_text(text)
    with pytest.raises(EarmarkError, match=sentence):
        page.merge_claims([tmp_path / "claims.csv"])


def test_what_cannot_be_merged_or_written(files, tmp_path):
    with pytest.raises(EarmarkError, match="'A' is given twice; give each file once"):
        page.merge_claims([files[0], files[0]])
    (tmp_path / "bare.md").write_text("# Bare\n")
    with pytest.raises(EarmarkError, match=r"bare\.md has no place for verdicts"):
        page.write(tmp_path / "bare.md", page.merge_claims(files))
    with pytest.raises(EarmarkError, match=r"none\.md cannot be read"):
        page.write(tmp_path / "none.md", page.merge_claims(files))


def test_a_pages_own_table_counts_as_the_files_it_was_made_of(files, tmp_path):
    both = [*files, claims(tmp_path / "three", ("A", -0.2, 0.02))]
    found = page.merge_claims(both)
    found.to_csv(tmp_path / "mine.csv", index=False)
    pd.testing.assert_frame_equal(page.merge_claims([tmp_path / "mine.csv"]), found)


PAGES = sorted((REPOSITORY / "docs/studies").glob("*.csv"))


@pytest.mark.parametrize("table", PAGES, ids=lambda p: p.stem)
def test_committed_pages_say_what_their_tables_do(table):
    found = pd.read_csv(table)
    text = table.with_suffix(".md").read_text()
    shown = text[text.index(page.BEGIN) + len(page.BEGIN) + 1 : text.index(page.END)]
    assert shown == page.block(found, table.name, f"{table.stem}.png")
    again = verdict.decide(found.drop(columns=["p_holm", "verdict"]))
    assert again.verdict.tolist() == found.verdict.tolist()
