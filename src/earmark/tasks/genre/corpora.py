"""Readers of public corpora as they are distributed: a folder in, a manifest out.

Every reader takes the folder and `warn`, and returns a table of strings with path (below the folder), label, group
and, where the corpus has official folds or splits, `split`; its index says where a row stands. Files that a corpus
lists but the disk lacks are the prepare stage's to quarantine.
"""

import csv
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from string import Formatter
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from earmark.data import folder, splits
from earmark.data.corpus import Corpora, CorpusRecording, Reader, Warn, audio_below, require, table_of
from earmark.data.manifest import read_csv
from earmark.data.settings import DataSettings
from earmark.errors import EarmarkError, nearest
from earmark.tasks.genre import short

if TYPE_CHECKING:
    from earmark.tasks.genre.settings import GenreSettings


class Listing(NamedTuple):
    """A corpus's CSV with a row a clip: `CorpusRecording`'s parts as templates over its columns.

    `only` is a column and the value that its rows must have.
    """

    csv: str
    path: str
    label: str
    group: str
    split: str
    only: tuple[str, str] | None = None


ESC50 = Listing("meta/esc50.csv", "audio/{filename}", "{category}", "{src_file}", "fold{fold}")
ESC10 = ESC50._replace(only=("esc10", "True"))
URBANSOUND8K = Listing(
    "metadata/UrbanSound8K.csv", "audio/fold{fold}/{slice_file_name}", "{class}", "{fsID}", "fold{fold}"
)
FSDKAGGLE2018 = tuple(
    Listing(f"FSDKaggle2018.meta/{table}", f"FSDKaggle2018.audio_{split}/{{fname}}", "{label}", "{freesound_id}", split)
    for split, table in (
        ("train", "train_post_competition.csv"),
        ("test", "test_post_competition_scoring_clips.csv"),
    )
)
GTZAN_FILTERED = {"train_filtered.txt": "train", "valid_filtered.txt": "val", "test_filtered.txt": "test"}
FMA_SUBSETS = ("small", "medium", "large")  # each holds the one before
FMA_SPLITS = {"training": "train", "validation": "val", "test": "test"}
FMA_COLUMNS = {
    "split": ("set", "split"),
    "subset": ("set", "subset"),
    "label": ("track", "genre_top"),
    "artist": ("artist", "id"),
}
# Ten of Ballroom's 13 replicas (Sturm 2014) lie within one album; these three join two, which must stay together.
BALLROOM_JOINED = {
    "Albums-Chrisanne2": "Albums-AnaBelen_Veneo",
    "Media-1047": "Albums-Secret_Garden",
    "Media-1034": "Albums-Latin_Jam3",
}


def esc10(root: Path, warn: Warn) -> pd.DataFrame:
    """ESC-10: the clips of ESC-50 marked esc10, ten classes. Five official folds, grouped by Freesound source."""
    return table_of(_listed(root, ESC10), root)


def esc50(root: Path, warn: Warn) -> pd.DataFrame:
    """ESC-50 (Piczak 2015, https://github.com/karolpiczak/ESC-50): 2,000 clips of 5 s, 50 classes, five folds."""
    return table_of(_listed(root, ESC50), root)


def urbansound8k(root: Path, warn: Warn) -> pd.DataFrame:
    """UrbanSound8K (Salamon 2014, https://urbansounddataset.weebly.com): ten folds, grouped by Freesound recording."""
    return table_of(_listed(root, URBANSOUND8K), root)


def fsdkaggle2018(root: Path, warn: Warn) -> pd.DataFrame:
    """FSDKaggle2018 (Fonseca 2018, https://zenodo.org/records/2552860): 41 classes, official train and test.

    Read with the labels published after the competition; the padding clips, which were not scored, are in no table.
    """
    return table_of((row for listing in FSDKAGGLE2018 for row in _listed(root, listing)), root)


def gtzan(root: Path, warn: Warn) -> pd.DataFrame:
    """GTZAN (Tzanetakis 2002): genres/<label>/<label>.00000.wav (or .au), 1,000 excerpts of ten genres.

    Its artists, replicas and distortions (Sturm 2013, arXiv:1306.1461) leak through every random split, which `warn`
    says, unless the three lists of the fault-filtered split (Kereliuk 2015, arXiv:1507.04761) lie in `root`.
    """
    genres = require(root, "genres")
    files = [p.relative_to("genres").as_posix() for p in audio_below(root, "genres", 2, 1, warn)]
    if any((root / name).exists() for name in GTZAN_FILTERED):
        return _gtzan_filtered(root, files, warn)
    if not files:
        raise EarmarkError(f"{genres} holds no audio; expected one sub-folder per genre, as in blues/.")
    warn(
        "A RANDOM SPLIT OF GTZAN LEAKS: excerpts of one song, artist or album, replicas and distorted copies (Sturm "
        "2013) fall into train and test, and the score will be far too good. Put the fault-filtered split's lists "
        f"({', '.join(GTZAN_FILTERED)}; Kereliuk, Sturm and Larsen 2015) into {root} to use that split."
    )
    paths = [f"genres/{file}" for file in files]
    return table_of((CorpusRecording(path, path, PurePosixPath(path).parts[1], path) for path in paths), root)


def _gtzan_filtered(root: Path, files: list[str], warn: Warn) -> pd.DataFrame:
    """The fault-filtered split; a list may say .wav where the disk has .au."""
    missing = [name for name in GTZAN_FILTERED if not (root / name).exists()]
    if missing:
        raise EarmarkError(
            f"{root} holds lists of a filtered split, but no {missing[0]}; put all three there, or none."
        )
    on_disk = {PurePosixPath(file).with_suffix(""): file for file in files}
    rows = []
    for name, split in GTZAN_FILTERED.items():
        for where, path in _lines(root / name, "blues/blues.00029.wav"):
            file = f"genres/{on_disk.get(path.with_suffix(''), path)}"
            rows.append(CorpusRecording(f"{name}, {where}", file, path.parts[0], file, split))
    table = table_of(rows, root)
    left = len({f"genres/{file}" for file in files} - set(table.path))
    warn(f"GTZAN's fault-filtered split: {len(table)} recordings; {left} on disk are in none of its lists: left out.")
    return table


def ballroom(root: Path, warn: Warn) -> pd.DataFrame:
    """Ballroom (Gouyon 2006): BallroomData/<dance>/*.wav, named by allBallroomFiles; grouped by album.

    The album is the file's name up to the track's number. The three Rumba-* folders are one class, as is the custom.
    http://mtg.upf.edu/ismir2004/contest/tempoContest/node5.html;
    the replicas stand in https://github.com/CPJKU/BallroomAnnotations.
    """
    name = "BallroomData/allBallroomFiles"
    rows = []
    for where, path in _lines(require(root, name), "./ChaChaCha/Albums-Cafe_Paradiso-14.wav"):
        label = path.parts[0].partition("-")[0]
        rows.append(CorpusRecording(f"{name}, {where}", f"BallroomData/{path}", label, _album(path.stem)))
    warn(
        "Ballroom holds 13 replicas (Sturm 2014), one of them under two labels (ChaChaCha/Albums-Fire-08, "
        "Samba/Albums-Fire-09); all are kept, and their albums are one group, so that none is in train and test."
    )
    return table_of(rows, root)


def _album(stem: str) -> str:
    """'Albums-Latin_Jam2-05' -> 'Albums-Latin_Jam2'; 'Media-103402' (disc 1034, track 02) -> 'Media-1034'."""
    album = stem[:-2] if stem.startswith("Media-") else stem.rpartition("-")[0] or stem
    return BALLROOM_JOINED.get(album, album)


def fma(root: Path, warn: Warn) -> pd.DataFrame:
    """FMA (Defferrard 2017, https://github.com/mdeff/fma): the largest of fma_small, fma_medium and fma_large there.

    Tracks without a top genre are left out, which `warn` says. Official splits, grouped by artist.
    """
    origin = require(root, "fma_metadata/tracks.csv")
    present = [s for s in FMA_SUBSETS if (root / f"fma_{s}").is_dir()]
    if not present:
        raise EarmarkError(
            f"{root} holds no fma_small, fma_medium or fma_large; unpack one there, beside fma_metadata."
        )
    if len(present) > 1:
        warn(
            f"{root} holds {' and '.join(f'fma_{s}' for s in present)}: fma_{present[-1]} is read, which has them all."
        )
    tracks = _fma_tracks(origin)
    tracks = tracks[tracks.subset.isin(FMA_SUBSETS[: FMA_SUBSETS.index(present[-1]) + 1])]
    named = tracks[tracks.label != ""]
    if len(named) < len(tracks):
        warn(f"{len(tracks) - len(named)} of {len(tracks)} tracks of fma_{present[-1]} have no genre_top: left out.")
    _refuse_incomplete(named, origin)
    return table_of((_fma_row(track, present[-1]) for track in named.itertuples()), root)


def _fma_row(track, subset: str) -> CorpusRecording:
    name = track.Index.zfill(6)
    path = f"fma_{subset}/{name[:3]}/{name}.mp3"
    return CorpusRecording(
        f"fma_metadata/tracks.csv, track {name}", path, track.label, track.artist, FMA_SPLITS[track.split]
    )


def _fma_tracks(path: Path) -> pd.DataFrame:
    """The four columns that count, as strings, by track id: the table is 260 MB with a header of three rows."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            known = [f"{block}/{name}" for block, name in zip(next(rows, ()), next(rows, ()), strict=False)]
        at = {_position(known, f"{block}/{name}", path): column for column, (block, name) in FMA_COLUMNS.items()}
        options = {"header": None, "skiprows": 3, "dtype": str, "keep_default_na": False}
        tracks = pd.read_csv(path, usecols=[0, *at], index_col=0, **options)
    except (UnicodeDecodeError, csv.Error, pd.errors.ParserError) as e:
        raise EarmarkError(f"{path} cannot be read as CSV in UTF-8: {' '.join(str(e).split())}.") from None
    except pd.errors.EmptyDataError:
        raise EarmarkError(f"{path} lists no recordings; unpack the archive again.") from None
    return tracks.rename(columns=at)


def _position(known: list[str], column: str, path: Path) -> int:
    if column not in known:
        raise EarmarkError(f"{path} has no column '{column}' in its first two header rows; {nearest(column, known)}")
    return known.index(column)


def _refuse_incomplete(tracks: pd.DataFrame, path: Path) -> None:
    broken = tracks[(tracks.artist == "") | ~tracks["split"].isin(FMA_SPLITS)]
    if len(broken):
        track = broken.iloc[0]
        raise EarmarkError(
            f"{path}, track {track.name}: artist/id is '{track.artist}' and set/split '{track['split']}'; "
            f"an artist and one of {', '.join(FMA_SPLITS)} are needed."
        )


def _listed(root: Path, listing: Listing) -> Iterator[CorpusRecording]:
    """The rows of a corpus's CSV."""
    templates = listing[1:5]  # in the order of CorpusRecording
    columns = {name for text in templates for _, name, _, _ in Formatter().parse(text) if name}
    columns |= set(listing.only[:1] if listing.only else ())
    for line, row in read_csv(require(root, listing.csv), tuple(sorted(columns))).iterrows():
        if listing.only is None or row[listing.only[0]] == listing.only[1]:
            yield CorpusRecording(f"{listing.csv}, line {line}", *(text.format_map(row) for text in templates))


def _lines(path: Path, example: str) -> Iterator[tuple[str, PurePosixPath]]:
    """The paths that a text file lists, one a line, each in a folder named by label: ('line N', path)."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as e:
        raise EarmarkError(f"{path} is not UTF-8 text ({e}); use the corpus's own file.") from None
    for number, line in enumerate(lines, 1):
        listed = PurePosixPath(line.strip())
        if line.strip() and len(listed.parts) < 2:
            raise EarmarkError(f"{path}, line {number}: '{line.strip()}' is not a path such as {example}.")
        if line.strip():
            yield f"line {number}", listed


def _check_splits(table: pd.DataFrame, data: DataSettings, warn: Warn) -> None:
    """Say which class has no recording to be judged on."""
    held_out = ("fold", [str(data.test_fold)]) if "fold" in table else ("split", ["test"])
    for sentence in splits.lacking(table, *held_out):
        warn(sentence)


READERS: dict[str, Reader] = {
    "demo": folder.read,
    "folder": folder.read,
    "gtzan": gtzan,
    "esc10": esc10,
    "esc50": esc50,
    "urbansound8k": urbansound8k,
    "fsdkaggle2018": fsdkaggle2018,
    "fma": fma,
    "ballroom": ballroom,
}


def _notes(table: pd.DataFrame, settings: "GenreSettings") -> list[str]:
    return short.notes(table, settings.features)


CORPORA = Corpora(READERS, "label", check_splits=_check_splits, notes=_notes)
