"""`earmark history`: who decided what, in 80 columns and for programs."""

import json
from pathlib import Path

import pytest

from earmark.registry import ledger
from earmark.registry.entries import Identity


def model(n: int) -> Identity:
    return Identity(train_key=f"{n:064}", model_sha256=f"{n:08x}" * 8, number=n)


@pytest.fixture
def decided(project, monkeypatch) -> list:
    """A promotion, a refusal, one that was forced, a dry run, and a rollback."""
    monkeypatch.setenv("COLUMNS", "80")
    rows = [
        ("promotion", 1, {"verdict": "yes", "figures": {"version": {"accuracy": 0.75}}}),
        ("refusal", 2, {"verdict": "cannot tell", "reason": "20 songs cannot show a loss below .15"}),
        ("promotion", 2, {"verdict": "forced", "why": "it hums less than the one before, says everybody here"}),
        ("refusal", 3, {"verdict": "no", "by": "Grace <grace@example.org>"}),
        ("rollback", 1, {}),
    ]
    for i, (kind, n, rest) in enumerate(rows):
        known = {"at": f"20261128T15{i:02}00.000000Z", "by": "Ada <ada@example.org>"} | rest
        ledger.append("genre", ledger.read("genre").entry(kind, model(n), **known))
    return rows


def test_a_table_of_80_columns(decided, earmark):
    code, out, err = earmark("history", "genre")
    assert (code, err) == (0, [])
    assert out.splitlines() == [
        "when (UTC)        what         version       accuracy  who and why",
        "----------------  -----------  ------------  --------  -------------------------",
        "2026-11-28 15:00  promotion    1 00000001    0.750     Ada",
        "2026-11-28 15:01  cannot tell  2 00000002              Ada (20 songs cannot show",
        "                                                       a loss below .15)",
        "2026-11-28 15:02  forced       2 00000002              Ada: it hums less than",
        "                                                       the one before, says",
        "                                                       everybody here",
        "2026-11-28 15:03  refused      3 00000003              Grace",
        "2026-11-28 15:04  rollback     1 00000001 *            Ada",
        (
            "* marks the champion. Version numbers are those of the store where the decision was made; hashes are "
            "the same everywhere. --json prints reasons and figures in full."
        ),
    ]


def test_a_long_reason_ends_after_a_line_or_two(project, earmark):
    reason = " ".join(["it may be worse by more than the margin"] * 10)
    known = {"at": "20261128T150000.000000Z", "by": "Ada", "verdict": "no", "reason": reason}
    ledger.append("genre", ledger.read("genre").entry("refusal", model(1), **known))
    shown = earmark("history", "genre")[1]
    assert "(it may be worse by more than the margin it may be worse ...)" in shown
    assert json.loads(earmark("history", "genre", "--json")[1])[0]["reason"] == reason


def test_a_list_for_programs(decided, earmark):
    found = json.loads(earmark("history", "genre", "--json")[1])
    assert [(e["kind"], e["version"]["number"], e["verdict"], e["current"]) for e in found] == [
        ("promotion", 1, "yes", False),
        ("refusal", 2, "cannot tell", False),
        ("promotion", 2, "forced", False),
        ("refusal", 3, "no", False),
        ("rollback", 1, None, True),
    ]
    assert found[4]["follows"] == [found[2]["id"]]
    assert Path(f"registry/genre/{found[4]['id']}.json").exists()


def test_a_reason_moves_no_cursor(project, earmark):
    ledger.append("genre", ledger.read("genre").entry("promotion", model(1), by="A\x1b[2J", why="b\x1b[31m\nc"))
    out = earmark("history", "genre")[1]
    assert "\x1b" not in out
    assert "A\\x1b[2J: b\\x1b[31m\\nc" in out


def test_nobody_decided_yet(project, earmark):
    said = "The ledger of genre is empty; `earmark promote genre` writes its first entry.\n"
    assert earmark("history", "genre")[:2] == (0, said)
    assert earmark("history", "genre", "--json")[1] == "[]\n"


def test_two_commits_that_both_decided(decided, earmark):
    before = ledger.read("genre")
    for n in (2, 3):
        ledger.append("genre", before.entry("promotion", model(n), by="Ada"))
    code, out, (sentence,) = earmark("history", "genre")
    assert (code, out.count(" *")) == (1, 2)
    assert sentence.startswith("earmark: Two commits both decided who is champion of genre")
