"""A review of speakers' recordings: utterances and trials stand beside the manifest and must go on to hold."""

from dataclasses import replace
from pathlib import Path

import pytest

from builders import data_settings
from earmark.data import reading, review
from earmark.data.marks import Mark
from earmark.errors import EarmarkError
from earmark.tasks.speaker.corpora import CORPORA
from earmark.tasks.speaker.settings import SpeakerDataSettings

ORIGIN = Path("review.csv")
ROWS = ["path,label,group", *(f"{s}{n}.wav,{s},{s}{n}" for s in "abc" for n in (1, 2, 3))]
UTTERANCES = ["utterance,label,paths", "first,a,a2.wav;a1.wav", "alone,b,b1.wav"]


@pytest.fixture
def root(tmp_path):
    (tmp_path / "manifest.csv").write_text("\n".join(ROWS))
    return tmp_path


def settings(**data) -> SpeakerDataSettings:
    return SpeakerDataSettings(**vars(data_settings(**data)))


def apply(root, *said, **data):
    sha256 = review.fingerprint(CORPORA, settings(**data), root)
    return review.apply(CORPORA, settings(**data), root, [replace(one, manifest_sha256=sha256) for one in said], ORIGIN)


def corrected(path, label, right) -> Mark:
    return Mark(path, label, status="corrected", corrected=right)


def read(root, manifest):
    found = reading.list_recordings(CORPORA, settings(manifest=manifest), root, pytest.fail)
    return {row["path"]: (row.get("utterance"), row["label"]) for _, row in found.iterrows()}


def test_utterances_csv_goes_on_to_hold(root):
    """What the review says of a speaker counts, which is newer; what it left out is missing there."""
    (root / "utterances.csv").write_text("\n".join(UTTERANCES))
    before = read(root, "manifest.csv")
    said = [corrected("b1.wav", "b", "c"), Mark("a2.wav", "a", status="wrong")]
    done = apply(root, *said)
    after = read(root, done.manifest)
    assert list(before)[:3] == ["a2.wav", "a1.wav", "b1.wav"]  # in the order of utterances.csv
    assert list(after) == list(before)[1:]
    assert after == {path: at for path, at in before.items() if path != "a2.wav"} | {"b1.wav": ("alone", "c")}
    assert [line.split(",")[0] for line in (root / done.manifest).read_text().splitlines()[1:]] == [
        row.split(",")[0] for row in ROWS[1:] if not row.startswith("a2")
    ]


def test_utterances_csv_goes_on_to_hold_where_a_corrected_speaker_is_in_doubt_later(root):
    (root / "utterances.csv").write_text("\n".join(UTTERANCES))
    first = apply(root, corrected("b1.wav", "b", "c"))
    second = apply(root, Mark("b1.wav", "c", status="doubtful"), manifest=first.manifest)
    assert read(root, second.manifest)["b1.wav"] == ("alone", "c")


def test_a_mistake_in_utterances_csv_is_still_one(root):
    (root / "utterances.csv").write_text("\n".join(UTTERANCES))
    done = apply(root, corrected("b1.wav", "b", "c"))
    (root / "utterances.csv").write_text("\n".join([*UTTERANCES, "more,a,c1.wav"]))
    with pytest.raises(EarmarkError, match=r"line 4: the utterance 'more' is of speaker 'a', but 'c1\.wav' of 'c'"):
        read(root, done.manifest)


@pytest.mark.parametrize("column", [True, False])
def test_part_of_an_utterance_cannot_get_another_speaker(root, column):
    if column:
        named = {"a1.wav": "first", "a2.wav": "first"}
        rows = [f"{row},{named.get(row.split(',')[0], '')}" for row in ROWS[1:]]
        (root / "manifest.csv").write_text("\n".join([f"{ROWS[0]},utterance", *rows]))
    else:
        (root / "utterances.csv").write_text("\n".join(UTTERANCES))
    before = sorted(root.iterdir())
    with pytest.raises(
        EarmarkError,
        match=r"^This review gives the utterance 'first' two speakers: .*'a2\.wav' of .*; mark all recordings of",
    ):
        apply(root, corrected("a1.wav", "a", "b"))
    assert sorted(root.iterdir()) == before
    done = apply(root, *(corrected(path, "a", "b") for path in ("a1.wav", "a2.wav")))
    assert {read(root, done.manifest)[path] for path in ("a1.wav", "a2.wav")} == {("first", "b")}


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (corrected("a1.wav", "a", "b"), r"change those first: .*trials\.csv, line 2: same is 1, but 'a1\.wav' is of"),
        (
            Mark("a2.wav", "a", status="wrong"),
            (r"change those first: .*trials\.csv, line 2: no recording belongs to the " r"utt"),
        ),
    ],
)
def test_given_trials_are_not_contradicted(root, said, says):
    (root / "trials.csv").write_text("a,b,same\na1.wav,a2.wav,1\nb1.wav,c1.wav,0\n")
    before = sorted(root.iterdir())
    with pytest.raises(EarmarkError, match=rf"^This review contradicts the trials, so {says}"):
        apply(root, said)
    assert sorted(root.iterdir()) == before
    apply(root, corrected("a3.wav", "a", "b"))


def test_voxceleb1_with_its_lists_is_refused(tmp_path):
    for name in ("id1/v/00001.wav", "id2/v/00001.wav"):
        (tmp_path / "wav" / name).parent.mkdir(parents=True)
        (tmp_path / "wav" / name).write_bytes(b"")
    (tmp_path / "veri_test2.txt").write_text("0 id1/v/00001.wav id2/v/00001.wav\n")
    mark = corrected("wav/id1/v/00001.wav", "id1", "id2")
    with pytest.raises(EarmarkError, match=r"VoxCeleb1's trial lists in .* move the lists elsewhere"):
        apply(tmp_path, mark, source="voxceleb1")
    (tmp_path / "veri_test2.txt").unlink()
    assert apply(tmp_path, mark, source="voxceleb1").manifest == "manifest.reviewed-1.csv"
