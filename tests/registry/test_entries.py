"""An entry's file: what it holds, to the byte, and what is refused with the key that is wrong."""

import hashlib
import json
import re

import pytest

from earmark.registry import entries
from earmark.registry.entries import Identity, LedgerEntry, parse

MODEL = Identity(
    train_key="a" * 64,
    model_sha256="b" * 64,
    commit="c" * 40,
    dirty="false",
    dvc={"models/genre": f"{'0' * 32}.dir", "reports/genre/metrics.json": "1" * 32},
    number=3,
)
ENTRY = LedgerEntry(
    kind="promotion",
    task="genre",
    at="20261128T153100.000001Z",
    by="Ada <ada@example.org>",
    version=MODEL,
    test=entries.Tested(sha256="d" * 64, n_recordings=20),
    figures={"version": {"accuracy": 0.75, "accuracy_ci95": [0.5, 0.9]}},
    verdict="yes",
    level=0.025,
)


def test_the_file_of_an_entry():
    assert json.loads(ENTRY.text) == {
        "schema": 1,
        "kind": "promotion",
        "task": "genre",
        "at": "20261128T153100.000001Z",
        "by": "Ada <ada@example.org>",
        "follows": [],
        "version": {
            "train_key": "a" * 64,
            "model_sha256": "b" * 64,
            "commit": "c" * 40,
            "dirty": "false",
            "dvc": {"models/genre": f"{'0' * 32}.dir", "reports/genre/metrics.json": "1" * 32},
            "number": 3,
        },
        "test": {"sha256": "d" * 64, "n_recordings": 20},
        "figures": {"version": {"accuracy": 0.75, "accuracy_ci95": [0.5, 0.9]}},
        "verdict": "yes",
        "level": 0.025,
    }
    assert ENTRY.text.endswith("\n}\n")
    assert ENTRY.id == f"20261128T153100.000001Z-promotion-{hashlib.sha256(ENTRY.text.encode()).hexdigest()[:8]}"


def test_what_was_written_is_read_again():
    odd = ENTRY.model_copy(update={"why": 'ünï "quoted"\n</script> \ud83d', "by": "名前"})
    assert odd.id != ENTRY.id
    for entry in (ENTRY, odd):
        assert parse(entry.text) == entry
        assert parse(entry.text.replace("\n", "\r\n")).id == entry.id  # as git may write it on Windows


def test_a_field_that_a_later_release_adds_changes_no_former_id():
    class Later(Identity):
        more: str | None = None

    class LaterEntry(LedgerEntry):
        version: Later | None
        more: list[str] | None = None

    assert LaterEntry.model_validate(json.loads(ENTRY.text)).id == ENTRY.id


def test_figures_may_hold_nothing():
    entry = ENTRY.model_copy(update={"figures": {"version": {"accuracy": None, "by": [None, {"x": None}]}}})
    assert json.loads(entry.text)["figures"] == entry.figures == parse(entry.text).figures
    assert parse(entry.text).id == entry.id


def test_two_are_the_same_model_by_weights_and_train_key():
    assert MODEL.same(Identity(train_key="a" * 64, model_sha256="b" * 64))
    assert not MODEL.same(Identity(train_key="a" * 64, model_sha256="c" * 64))
    assert not MODEL.same(Identity(train_key="b" * 64, model_sha256="b" * 64))
    assert not MODEL.same(None)


def changed(**keys) -> str:
    return json.dumps(json.loads(ENTRY.text) | keys)


def of_version(**keys) -> str:
    return changed(version=json.loads(ENTRY.text)["version"] | keys)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is not JSON"),
        (ENTRY.text[:-20], "it is not JSON"),
        ("<<<<<<< HEAD\n" + ENTRY.text, "it is not JSON"),
        ("[]", "it has no key 'schema', which every entry needs"),
        ("{}", "it has no key 'schema', which every entry needs"),
        (changed(schema=2), "its schema is 2, but this version of earmark knows only 1: update earmark"),
        (changed(kind="coup"), "kind: input should be 'promotion', "),
        (changed(at="yesterday"), "at: value error, is not a time such as "),
        (changed(at="20261399T153100.000001Z"), "at: value error, "),
        (changed(follows="x"), "follows: input should be a valid list"),
        (changed(more=1), "more: extra inputs are not permitted"),
        (changed(verdict="perhaps"), "verdict: input should be 'yes', "),
        (changed(level="low"), "level: input should be a valid number"),
        (of_version(model_sha256="' OR 1"), "version.model_sha256: string should match pattern"),
        (of_version(number="3"), "version.number: input should be a valid integer"),
        (of_version(dvc={"models/genre": "abc"}), "version.dvc.models/genre: string should match pattern"),
        *[
            (of_version(dvc={path: "0" * 32}), f"version.dvc.{path}.[key]: string should match pattern")
            for path in ("models/../x", "/etc/passwd", "../models/x", "src/earmark", "models", "models//x", "models/.")
        ],
    ],
)
def test_what_is_no_entry(text, said):
    with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
        parse(text)
