"""A review applied: what a source's table says, and the new manifest that corrected labels make."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from builders import data_settings, plain_progress, small_folder
from earmark.data import reading, record, review
from earmark.data.marks import Mark
from earmark.data.record import Record
from earmark.errors import EarmarkError
from earmark.tasks import catalog

ROWS = ["path,label,group,split", "b.wav,low,g,train", "a.wav,high,h,test"]


def corpora(task="genre"):
    return catalog.task(task).room("corpora").CORPORA


def fingerprint(root, rows, task="genre", **data) -> str:
    (root / data.get("manifest", "manifest.csv")).write_text("\n".join(rows))
    return review.fingerprint(corpora(task), data_settings(**data), root)


def test_the_fingerprint_is_of_what_a_row_says_and_not_of_order_columns_or_the_tables_name(tmp_path):
    found = fingerprint(tmp_path, ROWS)
    assert found == hashlib.sha256(b"path,label,group,split\na.wav,high,h,test\nb.wav,low,g,train\n").hexdigest()
    assert fingerprint(tmp_path, [ROWS[0], *reversed(ROWS[1:])]) == found
    assert fingerprint(tmp_path, [f"{row},note" for row in ROWS]) == found
    assert fingerprint(tmp_path, ROWS, manifest="mine.csv") == found
    (tmp_path / "a.wav").write_bytes(b"audio is not looked at")
    assert fingerprint(tmp_path, ROWS) == found


@pytest.mark.parametrize("other", ["c.wav,low,g,train", "b.wav,high,g,train", "b.wav,low,i,train", "b.wav,low,g,val"])
def test_the_fingerprint_changes_with_path_label_group_and_split(tmp_path, other):
    assert fingerprint(tmp_path, [ROWS[0], other, ROWS[2]]) != fingerprint(tmp_path, ROWS)


def test_the_fingerprint_of_chords_is_of_what_their_files_hold(tmp_path):
    rows = ["path,lab,group", "a.wav,a.lab,g", "b.wav,b.lab,h"]
    for name in "ab":
        (tmp_path / f"{name}.lab").write_text("0 1 C\n")
    found = fingerprint(tmp_path, rows, "chord")
    (tmp_path / "c.lab").write_text("0 1 C\n")
    assert fingerprint(tmp_path, [*rows[:2], "b.wav,c.lab,h"], "chord") == found  # a copy says the same
    (tmp_path / "b.lab").write_text("0 1 C:min\n")
    assert fingerprint(tmp_path, rows, "chord") != found
    (tmp_path / "b.lab").unlink()  # prepare puts that song aside
    assert fingerprint(tmp_path, rows, "chord") != found
    with pytest.raises(EarmarkError, match=r"line 2: '\.\./a\.lab' lies outside"):
        fingerprint(tmp_path, [rows[0], "a.wav,../a.lab,g"], "chord")


def test_the_fingerprint_of_a_folder_without_a_manifest_is_that_of_the_manifest_it_stands_for(tmp_path):
    for name in ("low/a.wav", "high/b.wav"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"")
    found = review.fingerprint(corpora(), data_settings(), tmp_path)
    rows = ["path,label,group", "low/a.wav,low,low/a.wav", "high/b.wav,high,high/b.wav"]
    assert fingerprint(tmp_path, rows) == found


MANIFEST = [
    "path,label,group,split,note",
    'b/1.wav,low,"g, 1",train,"of ""Ann"""',
    "b/2.wav,low,g2,,",
    "a.wav,high,h,,x",
]
ORIGIN = Path("review.csv")


@pytest.fixture
def root(tmp_path):
    (tmp_path / "manifest.csv").write_text("\n".join(MANIFEST) + "\n")
    return tmp_path


def apply(root, *said, task="genre", **data):
    """Apply marks that are of today's table."""
    asked, sha256 = data_settings(**data), review.fingerprint(corpora(task), data_settings(**data), root)
    marks = [replace(mark, manifest_sha256=mark.manifest_sha256 or sha256) for mark in said]
    return review.apply(corpora(task), asked, root, marks, ORIGIN)


def lines(root, name) -> list[str]:
    return (root / name).read_bytes().decode().splitlines(keepends=True)


def corrected(path, label, right, **more) -> Mark:
    return Mark(path, label, status="corrected", corrected=right, **more)


def test_exactly_that_label_changes(root):
    before = lines(root, "manifest.csv")
    done = apply(root, Mark("a.wav", "high"), corrected("b/2.wav", "low", "high", by="Ada", at="2026-01-02T03:04:05"))
    assert done.manifest == "manifest.reviewed-1.csv"
    assert lines(root, "manifest.csv") == before
    assert lines(root, done.manifest) == [
        "path,label,group,split,note,review,reviewed_by,reviewed_at,reviewed_from\n",
        before[1].replace("\n", ",,,,\n"),
        "b/2.wav,high,g2,,,corrected,Ada,2026-01-02T03:04:05,low\n",
        before[3].replace("\n", ",,,,\n"),
    ]
    assert done.said == [
        (f"{root / done.manifest} is the new manifest: 1 label corrected; unchanged, for lack of a mark: 2 recordings.")
    ]


def test_a_wrong_label_leaves_its_recording_out_and_a_doubtful_one_stays(root):
    done = apply(root, Mark("b/1.wav", "low", status="wrong"), Mark("a.wav", "high", status="doubtful", by="Bo"))
    assert [line.split(",")[0] for line in lines(root, done.manifest)] == ["path", "b/2.wav", "a.wav"]
    assert lines(root, done.manifest)[2] == "a.wav,high,h,,x,doubtful,Bo,,\n"
    assert (
        "1 recording left out, as the label is wrong; 1 label doubtful, and unchanged; unchanged, for lack of a "
        "mark: 1 recording." in done.said[0]
    )


def test_a_label_that_is_new_is_said(root):
    assert apply(root, corrected("a.wav", "high", "hihg")).said[1:] == ["Labels that no recording had before: hihg."]


def test_a_second_review_keeps_what_the_first_one_said_and_writes_over_nothing(root):
    first = apply(root, corrected("a.wav", "high", "low", by="Ada", at="1"))
    text = lines(root, first.manifest)
    second = apply(root, corrected("b/1.wav", "low", "high", by="Bo", at="2"), manifest=first.manifest)
    assert second.manifest == "manifest.reviewed-2.csv"
    assert lines(root, first.manifest) == text
    assert lines(root, second.manifest) == [
        *text[:1],
        'b/1.wav,high,"g, 1",train,"of ""Ann""",corrected,Bo,2,low\n',
        *text[2:],
    ]
    assert text[3] == "a.wav,low,h,,x,corrected,Ada,1,high\n"


def test_a_row_that_is_reviewed_again_keeps_both_entries(root):
    first = apply(root, corrected("a.wav", "high", "low", by="Ada", at="1"))
    second = apply(root, Mark("a.wav", "low", status="doubtful", by="Bo", at="2"), manifest=first.manifest)
    third = apply(root, corrected("a.wav", "low", "mid", by="Cy", at="3"), manifest=second.manifest)
    assert lines(root, second.manifest)[3] == "a.wav,low,h,,x,corrected; doubtful,Ada; Bo,1; 2,high\n"
    said = "corrected; doubtful; corrected,Ada; Bo; Cy,1; 2; 3,high; low"
    assert lines(root, third.manifest)[3] == f"a.wav,mid,h,,x,{said}\n"


def test_a_column_of_the_users_own_is_not_taken_for_a_reviews(root):
    (root / "manifest.csv").write_text("\n".join(MANIFEST).replace("note", "review"))
    with pytest.raises(
        EarmarkError, match=r"manifest\.csv has a column 'review' of its own, where reviews write theirs"
    ):
        apply(root, corrected("a.wav", "high", "low"))
    assert [path.name for path in root.iterdir()] == ["manifest.csv"]


def test_what_comes_of_a_review_is_tried_before_it_counts(tmp_path):
    """Low is left in two groups; the same bytes have two labels: `prepare` would refuse both."""
    root = small_folder(tmp_path / "audio")
    (root / "low/1.wav").write_bytes((root / "low/0.wav").read_bytes())
    text, sha256 = (root / "manifest.csv").read_text(), review.fingerprint(corpora(), data_settings(), root)

    def tried(data):
        prepared(root, manifest=data.manifest)

    for said, says in (
        ([Mark(f"low/{i}.wav", "low", status="wrong") for i in (0, 1)], "Class 'low' has 4 recordings in 2 groups"),
        (
            [corrected("low/0.wav", "low", "high")],
            r"'low/0\.wav' and 'low/1\.wav' hold the same bytes, but are labelled",
        ),
    ):
        marks, before = [replace(mark, manifest_sha256=sha256) for mark in said], sorted(root.rglob("*"))
        with pytest.raises(
            EarmarkError, match=f"^The review was not applied, because the corrected manifest could not be used: {says}"
        ):
            review.apply(corpora(), data_settings(), root, marks, ORIGIN, tried)
        assert sorted(root.rglob("*")) == before
    assert (root / "manifest.csv").read_text() == text


def test_columns_that_are_read_otherwise_stay_as_they_are_called(root):
    (root / "manifest.csv").write_bytes(
        b"\xef\xbb\xbfPath;Label;Group;Fold\r\nx\\a.wav;low;g;fold1\r\nb.wav;low;h;fold2\r\n"
    )
    (root / "x").mkdir()
    (root / "x/a.wav").write_bytes(b"")
    done = apply(root, corrected("x/a.wav", "low", "high"))
    assert lines(root, done.manifest) == [
        "path,label,group,fold,review,reviewed_by,reviewed_at,reviewed_from\n",
        "x\\a.wav,high,g,fold1,corrected,,,low\n",
        "b.wav,low,h,fold2,,,,\n",
    ]


@pytest.mark.parametrize(
    ("marks", "says"),
    [
        ([Mark("a.wav", "high")], "^review.csv has no marks yet; write wrong, corrected or doubtful"),
        (
            [corrected("a.wav", "high", "low", manifest_sha256="1")],
            r"^review.csv, row 1 \('a.wav'\): the manifest has changed since this review was written; write a new one",
        ),
        (
            [Mark("b/1.wav", "low"), corrected("a.wav", "low", "high")],
            r"^review.csv, row 2 \('a.wav'\) was marked when the label was 'low', but it is 'high' now; "
            r"review it again",
        ),
        (
            [Mark("c.wav", "low", status="wrong")],
            r"^review.csv, row 1 \('c.wav'\): the manifest lists no such recording; remove that row of review.csv\.",
        ),
        (
            [Mark("../a.wav", "low", status="wrong")],
            r"/review.csv, row 1: '../a.wav' lies outside .*; give a path below",
        ),
        (
            [corrected("a.wav", "high", "low"), Mark("b/1.wav", "low", 1.0, 2.0, "wrong")],
            r"^review.csv, row 2 \('b/1.wav' at 1 s\) marks a segment, but labels apply to whole recordings; "
            r"leave start_s",
        ),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_written(root, marks, says):
    before = sorted(root.rglob("*"))
    with pytest.raises(EarmarkError, match=says) as caught:
        apply(root, *marks)
    assert "\n" not in str(caught.value)
    assert sorted(root.rglob("*")) == before


def test_the_demo_is_refused(root):
    with pytest.raises(
        EarmarkError, match=r"^The demo's recordings are generated.* copy the folder, and name the copy"
    ):
        apply(root, corrected("a.wav", "high", "low"), source="demo")
    assert [p.name for p in root.iterdir()] == ["manifest.csv"]


def test_a_disk_that_is_full_leaves_nothing_behind(root, monkeypatch):
    """Of two new .lab files the second cannot be written."""
    (root / "manifest.csv").write_text("path,lab,group\na.wav,a.lab,g\nb.wav,b.lab,h\n")
    for name in "ab":
        (root / f"{name}.lab").write_text("0 1 C\n")
    before, opened = sorted(root.iterdir()), Path.open

    def refuse(self, mode="r", *args, **more):
        if mode == "xb" and self.name.startswith("b."):
            raise OSError(28, "No space left on device")
        return opened(self, mode, *args, **more)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(EarmarkError, match=r"b\.reviewed-1\.lab cannot be written: No space left on device; make that"):
        apply(root, *(corrected(f"{n}.wav", "C", "G", start_s=0.0, end_s=1.0) for n in "ab"), task="chord")
    assert sorted(root.iterdir()) == before


def prepared(root, known=record.NOTHING, task="genre", **data):
    return reading.prepare(corpora(task), data_settings(**data), root, lambda s: None, plain_progress, known)


def placed(table) -> dict[str, tuple[str, str]]:
    return {row["path"]: (row["group"], row["split"]) for _, row in table.iterrows()}


@pytest.mark.parametrize("manifest", [True, False])
def test_groups_and_splits_are_those_of_before(tmp_path, manifest):
    """Dealt, and kept in the record: a label's recording goes on where its group is."""
    root = small_folder(tmp_path / "audio")
    if not manifest:
        (root / "manifest.csv").unlink()
    before = prepared(root)
    known = Record(tmp_path / "genre.csv").with_groups(data_settings(), before.dealt)
    done = apply(root, corrected("low/1.wav", "low", "high"))
    after = prepared(root, known, manifest=done.manifest)
    assert placed(after.table) == placed(before.table)
    assert after.dealt == before.dealt
    labels = after.table.set_index("path").label
    assert labels["low/1.wav"] == "high"
    assert (labels.drop("low/1.wav") == before.table.set_index("path").label.drop("low/1.wav")).all()


def test_a_public_corpus_becomes_a_folder_with_its_folds(tmp_path):
    """ESC-50's own layout: after the review the manifest names its folds, and data.test_fold stays."""
    scratch = small_folder(tmp_path / "scratch")
    (tmp_path / "ESC-50/meta").mkdir(parents=True)
    (tmp_path / "ESC-50/audio").mkdir()
    rows = ["filename,fold,target,category,esc10,src_file,take"]
    for i, sound in enumerate(sorted(scratch.rglob("*.wav"))):
        sound.rename(tmp_path / f"ESC-50/audio/{i}.wav")
        rows.append(f"{i}.wav,{1 + i % 3},0,{'dog' if i % 2 else 'cat'},True,{i},A")
    (tmp_path / "ESC-50/meta/esc50.csv").write_text("\n".join(rows))
    asked = {"source": "esc50", "test_fold": "fold1"}
    before = prepared(tmp_path / "ESC-50", **asked)
    done = apply(tmp_path / "ESC-50", corrected("audio/4.wav", "cat", "dog"), **asked)
    assert done.manifest == "manifest.reviewed-1.csv"
    after = prepared(tmp_path / "ESC-50", manifest=done.manifest, test_fold="fold1")
    for column in ("path", "group", "fold"):
        assert list(after.table[column]) == list(before.table[column])
    assert list(after.table["split"] == "test") == list(before.table["split"] == "test")  # val is dealt by label
    assert dict(after.table.label.compare(before.table.label).loc[4]) == {"self": "dog", "other": "cat"}


def test_a_name_that_a_table_cannot_hold_is_refused(tmp_path):
    for name in ("low/a.wav ", "high/b.wav"):
        (tmp_path / name).parent.mkdir()
    (tmp_path / "high/b.wav").write_bytes(b"")
    (tmp_path / "low/ a.wav").write_bytes(b"")
    (tmp_path / "low ").mkdir()
    (tmp_path / "low /c.wav").write_bytes(b"")
    with pytest.raises(
        EarmarkError, match=r"^'low ' begins or ends with a blank, which a manifest cannot hold; rename"
    ):
        apply(tmp_path, corrected("high/b.wav", "high", "low"))
