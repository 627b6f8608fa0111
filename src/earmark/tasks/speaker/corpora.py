"""Readers of public corpora of speakers as they are distributed: a folder in, a manifest out, as in `corpora`.

`label` is the speaker, `group` the session: what shares a room, a microphone and a day. The audio is the user's own.
"""

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pandas as pd

from earmark.data import audiofolder, manifest
from earmark.data.corpus import Corpora, CorpusRecording, Reader, Tables, Warn, audio_below, require, table_of
from earmark.data.folder import label_of, labelled_recordings
from earmark.data.manifest import read_table
from earmark.data.names import nfc
from earmark.data.settings import MANIFEST, DataSettings
from earmark.data.walking import counted
from earmark.errors import EarmarkError
from earmark.tasks.speaker import checks, corrections
from earmark.tasks.speaker.trials import lists, pairing

if TYPE_CHECKING:
    from earmark.tasks.speaker.settings import SpeakerSettings

LIBRISPEECH_SPLITS = {"train": "train", "dev": "val", "test": "test"}  # by the first word of a subset's name
LIBRISPEECH_SUBSETS = (
    "train-clean-100",
    "train-clean-360",
    "train-other-500",
    "dev-clean",
    "dev-other",
    "test-clean",
    "test-other",
)
VOXCELEB1_TEST = range(10270, 10310)  # id10270 to id10309, whose names begin with E
SPEAKER = ("speaker_id", "speaker", "label")  # the column of a metadata.csv, where `label` may be what is said
UNGROUPED = (
    "each folder below a speaker's counts as a session, and each file outside of one as a session of its own. "
    "If several files come from one session (a recording round, a chapter, a video), trials compare room and "
    "microphone, too, and the score will be too good"
)
SPEECH_COMMANDS_LISTS = {"validation_list.txt": "val", "testing_list.txt": "test"}


def librispeech(root: Path, warn: Warn) -> pd.DataFrame:
    """LibriSpeech (Panayotov 2015, https://www.openslr.org/12): <subset>/<speaker>/<chapter>/*.flac, by chapter.

    train-* are trained on, dev-* validate, test-* test, where there are train-* and test-*; else speakers are dealt.
    """
    base = "LibriSpeech" if (root / "LibriSpeech").is_dir() else "."
    present = [name for name in LIBRISPEECH_SUBSETS if (root / base / name).is_dir()]
    if not present:
        raise EarmarkError(f"{root} holds no subset of LibriSpeech, such as train-clean-100; unpack one there.")
    official = {LIBRISPEECH_SPLITS[name.partition("-")[0]] for name in present} >= {"train", "test"}
    if not official:
        warn(
            f"LibriSpeech has only {', '.join(present)} here, not both train-* and test-*: speakers are split at "
            "random into train, val and test."
        )
    rows = []
    for name in present:
        split = LIBRISPEECH_SPLITS[name.partition("-")[0]] if official else ""
        for path in audio_below(root, f"{base}/{name}", 3, -3, warn):
            speaker, chapter = path.parts[-3:-1]
            rows.append(CorpusRecording(str(path), str(path), speaker, f"{speaker}-{chapter}", split))
    return table_of(rows, root)


def voxceleb1(root: Path, warn: Warn) -> pd.DataFrame:
    """VoxCeleb1 (Nagrani 2017, https://www.robots.ox.ac.uk/~vgg/data/voxceleb): wav/<id>/<video>/00001.wav, by video.

    Official split: the 40 speakers id10270 to id10309 are the test, where they and others are there. Trials stand in
    the lists that `lists.of_voxceleb1` reads.
    """
    require(root, "wav")
    rows = []
    for path in audio_below(root, "wav", 3, 1, warn):
        speaker, video = path.parts[1:3]
        split = "test" if speaker[2:].isdecimal() and int(speaker[2:]) in VOXCELEB1_TEST else "train"
        rows.append(CorpusRecording(str(path), str(path), speaker, f"{speaker}/{video}", split))
    if {row.split for row in rows} != {"train", "test"}:
        warn(
            f"{root} lacks VoxCeleb1's training or its test speakers: those present are split at random into "
            "train, val and test."
        )
        rows = [row._replace(split="") for row in rows]
    return table_of(rows, root)


def vctk(root: Path, warn: Warn) -> pd.DataFrame:
    """VCTK (Yamagishi 2019, https://datashare.ed.ac.uk/handle/10283/3443): 110 speakers, read in one session each.

    wav48_silence_trimmed/<speaker>/<speaker>_<n>_mic1.flac, of which mic1 alone is read, or version .80's
    wav48/<speaker>/<speaker>_<n>.wav. A speaker is one group.
    """
    name = next((n for n in ("wav48_silence_trimmed", "wav48") if (root / n).is_dir()), None)
    if name is None:
        raise EarmarkError(f"{root} holds neither wav48_silence_trimmed nor wav48; unpack VCTK there.")
    files = [path for path in audio_below(root, name, 2, 1, warn) if not path.stem.endswith("_mic2")]
    warn(
        "VCTK recorded every speaker in one session: its trials compare room and microphone, too, and the score "
        "is too good for other recordings."
    )
    return table_of((CorpusRecording(str(p), str(p), p.parts[1], p.parts[1]) for p in files), root)


def timit(root: Path, warn: Warn) -> pd.DataFrame:
    """TIMIT (Garofolo 1993, https://catalog.ldc.upenn.edu/LDC93S1): TRAIN|TEST/DR<n>/<speaker>/*.WAV in any case.

    630 speakers of ten sentences, in one session each: a speaker is one group. Official split. Every speaker says the
    sentences SA1 and SA2, so that words can stand for voices there. A sentence that lies there twice, as SA1.WAV and
    SA1.WAV.wav, is taken once.
    """
    folders = {p.name.lower(): p.name for p in root.iterdir() if p.is_dir()}
    missing = [name for name in ("train", "test") if name not in folders]
    if missing:
        raise EarmarkError(f"{root} holds no folder {missing[0].upper()}; set tasks.*.data.root to TIMIT's, with both.")
    rows: dict[tuple[str, ...], CorpusRecording] = {}
    for split in ("train", "test"):
        for path in audio_below(root, folders[split], 3, -2, warn):
            speaker, sentence = path.parts[-2].upper(), path.name.partition(".")[0].upper()
            rows.setdefault((split, speaker, sentence), CorpusRecording(str(path), str(path), speaker, speaker, split))
    return table_of(rows.values(), root)


def speech_commands(root: Path, warn: Warn) -> pd.DataFrame:
    """Speech Commands (Warden 2018, arXiv:1804.03209): <word>/<speaker>_nohash_<n>.wav, one word of 1 s each.

    n counts a speaker's recordings of one word, so it stands for the session. validation_list.txt and testing_list.txt
    are the official split; what is in neither is trained on. _background_noise_ is left out.
    """
    split_of = _speech_commands_lists(root)
    rows, strange = [], []
    for path in audio_below(root, ".", 2, -1, warn):
        speaker, middle, n = path.stem.partition("_nohash_")
        if path.parts[0] == "_background_noise_":
            continue
        if not middle:
            strange.append(path)
            continue
        split = split_of.get(nfc(str(path)), "train") if split_of else ""
        rows.append(CorpusRecording(str(path), str(path), speaker, f"{speaker}-{n}", split))
    if strange:
        n = counted(len(strange), "file")
        warn(f"left out {n} not named like bed/0a7c2a8d_nohash_0.wav, for example {strange[0]}.")
    return table_of(rows, root)


def _speech_commands_lists(root: Path) -> dict[str, str]:
    """The split of every path that a list names; none without lists."""
    present = [name for name in SPEECH_COMMANDS_LISTS if (root / name).exists()]
    if len(present) == 1:
        missing = next(name for name in SPEECH_COMMANDS_LISTS if name not in present)
        raise EarmarkError(f"{root} holds {present[0]}, but no {missing}; put both there, or none.")
    return {
        nfc(line.strip()): SPEECH_COMMANDS_LISTS[name]
        for name in present
        for line in (root / name).read_text(encoding="utf-8-sig").splitlines()
        if line.strip()
    }


def folder(root: Path, warn: Warn, name: str = MANIFEST) -> pd.DataFrame:
    """The recordings below `root` as a manifest (columns path, label, which is the speaker, group and any others).

    name: of its table. Without one, and metadata.csv as `audiofolder` reads it, speakers are the sub-folders' names,
    and a folder below a speaker's is taken for a session, or else every file for one of its own, which `warn` says.
    `utterances.csv` beside the table gives `utterance`.
    """
    if (table := audiofolder.read(root, SPEAKER, warn, UNGROUPED, _session, name)) is not None:
        return table
    if (root / name).exists():
        table = read_table(root / name, warn=warn)
        joined = root / "utterances.csv"
        return lists.join(table, joined) if joined.exists() else table
    recordings = labelled_recordings(root, "speaker", warn)
    warn(
        f"{root} has no manifest.csv: SPEAKERS ARE THE NAMES OF ITS SUB-FOLDERS; each folder below a speaker's "
        "counts as a session, and each file outside of one as a session of its own. If several files come from "
        "one session (a recording round, a chapter, a video), trials compare room and microphone, too, and the "
        "score will be too good: write a manifest.csv with path,label,group."
    )
    names = [p.as_posix() for p in recordings]
    groups = [nfc(p.parent.as_posix()) if len(p.parts) > 2 else p.as_posix() for p in recordings]
    return pd.DataFrame({"path": names, "label": [label_of(p) for p in recordings], "group": groups})


def _session(path: PurePosixPath, speaker: str) -> str:
    """The folder of a recording where it lies below one that is called as its speaker, else the recording itself."""
    return nfc(str(path.parent)) if speaker in map(nfc, path.parts[:-2]) else str(path)


def _annotate(table: pd.DataFrame, facts: pd.DataFrame, root: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`utterance` in every row, by default the path: recordings of one are to be joined in their order."""
    named = table.get("utterance", table.path).str.strip()
    return table.assign(utterance=named.where(named != "", table.path)), facts


def _check_splits(table: pd.DataFrame, data: DataSettings, warn: Warn) -> None:
    checks.splits(table)


def _complete(
    data: DataSettings, root: Path, table: pd.DataFrame, quarantined: pd.DataFrame, warn: Warn
) -> tuple[pd.DataFrame, Tables]:
    """The manifest with its utterances as they are judged, and the trials on them, given or drawn."""
    given = TRIALS[data.source](root, warn) if data.source in TRIALS else None
    given = None if given is None else lists.usable(given, table, quarantined, warn)
    table, trials = pairing.complete(table, given, data, warn)
    return table, {"trials": trials}


def _summary(table: pd.DataFrame) -> pd.DataFrame:
    """By split alone: there are too many speakers to show each."""
    found, speakers = manifest.summary(table), table.groupby("split").label.nunique()
    return found[found.label == "(all)"].assign(speakers=lambda s: s["split"].map(speakers))


def _notes(table: pd.DataFrame, settings: "SpeakerSettings") -> list[str]:
    """Of sessions, whose recordings are heard one after the other."""
    train = table[table["split"] == "train"]
    sessions = train.groupby(["label", "group"]).duration_s.sum()
    longest, key = settings.train.segments_s[1], "The longest segment of tasks.speaker.train.segments_s"
    return manifest.shorter(sessions, longest, key, "they are repeated from the start", "training sessions")


READERS: dict[str, Reader] = {
    "demo": folder,
    "folder": folder,
    "librispeech": librispeech,
    "voxceleb1": voxceleb1,
    "vctk": vctk,
    "timit": timit,
    "speech_commands": speech_commands,
}

TRIALS = {"folder": lists.of_folder, "voxceleb1": lists.of_voxceleb1}
CORPORA = Corpora(
    READERS,
    "speaker",
    "label",
    annotate=_annotate,
    check=checks.recordings,
    check_splits=_check_splits,
    complete=_complete,
    check_corrected=corrections.check,
    summary=_summary,
    notes=_notes,
)
