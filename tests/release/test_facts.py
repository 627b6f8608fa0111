"""What the author of a release says of it, and what of that is refused."""

import json
import re

import pytest

from earmark.errors import EarmarkError
from earmark.release import card
from earmark.release.facts import Words, conditions_of

ROW = {"condition": "under a voice (3)", "figure": "majmin", "value": 0.5}


def test_what_was_not_said_is_not_kept():
    assert Words("tones", "ours", "earmark release").facts() == {
        "about": "tones",
        "data": "ours",
        "command": "earmark release",
    }
    assert conditions_of(None) == ()


def test_conditions_and_limits_come_onto_the_card_as_text(tmp_path):
    (tmp_path / "c.json").write_text(json.dumps([ROW, ROW | {"condition": "a|b", "value_ci95": [0.25, 0.75]}]))
    rows = conditions_of(tmp_path / "c.json")
    facts = Words("tones", "ours", "earmark release", "No *songs*.", rows).facts()
    (section,) = card.conditions(facts)
    assert section.splitlines()[-2:] == [
        "| under a voice (3) | majmin | 0.500 |",
        "| a\\|b | majmin | 0.500 [0.250, 0.750] |",
    ]
    assert card.limits("It ends.", facts) == "## Limits\n\nIt ends. No \\*songs\\*."
    assert card.limits("It ends.", {}) == "## Limits\n\nIt ends."
    assert card.conditions({}) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[", "c.json is not valid JSON (Expecting value: line 1 column 2 (char 1)); name a list of condition,"),
        ("{}", "Row 1 of {}/c.json lacks condition, figure or a number as value; give it all three."),
        (
            json.dumps([ROW, {"condition": "noise", "value": 1}]),
            "Row 2 of {}/c.json lacks condition, figure or a number",
        ),
        (json.dumps([ROW | {"value": "much"}]), "Row 1 of {}/c.json lacks condition, figure or a number as value"),
        (None, "There is no file {}/c.json; name a list of condition, figure and value with --conditions."),
    ],
)
def test_a_file_that_has_no_conditions_is_refused(tmp_path, text, sentence):
    if text is not None:
        (tmp_path / "c.json").write_text(text)
    with pytest.raises(EarmarkError, match=re.escape(sentence.replace("{}/", f"{tmp_path}/"))):
        conditions_of(tmp_path / "c.json")
