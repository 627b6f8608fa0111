"""One manifest over several folders of recordings, which `earmark use` then takes for one source.

    python recipes/join.py chord data/renders songs pop909 val val909 test test909
    python recipes/join.py speaker VOICES arabic30 librispeech261@crossutt

The folders lie below the first, which gets manifest.csv, and for speakers trials.csv, too. Groups, speakers and
utterances are named FOLDER/..., so that those of two folders never meet. Where the splits of a folder of speakers are
folds, the one to test on stands behind @; trials that it does not bring are drawn, all of them within the folder.
"""

import argparse
from pathlib import Path

import pandas as pd

from earmark.console import progress, say, warn
from earmark.errors import EarmarkError
from earmark.tasks.chord import collection as songs
from earmark.tasks.speaker import collection as voices

TRIALS = ["split", "a", "b", "same"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("chord", "speaker"))
    parser.add_argument("root", type=Path)
    parser.add_argument("folders", nargs="+")
    args = parser.parse_args()
    root = args.root.resolve()
    for name in args.folders:
        if not (root / name.partition("@")[0]).is_dir():
            raise SystemExit(f"{root} has no folder '{name.partition('@')[0]}'; name folders that lie in it.")
    try:
        table = of_songs(root, args.folders) if args.task == "chord" else of_voices(root, args.folders)
    except EarmarkError as e:
        raise SystemExit(str(e)) from None
    for column in {"path", "lab"} & set(table):
        table[column] = [Path(path).resolve().relative_to(root).as_posix() for path in table[column]]
    table.to_csv(root / "manifest.csv", index=False)
    say(f"{root / 'manifest.csv'} lists {len(table)} recordings of {len(args.folders)} folders.")


def of_songs(root: Path, folders: list[str]) -> pd.DataFrame:
    """The manifests of rendered songs: path, lab, key, group, split."""
    tables = []
    for name in folders:
        table = songs.table_of([root / name])
        tables.append(table.assign(group=f"{name}/" + table.group))
    return pd.concat(tables, ignore_index=True)[["path", "lab", "key", "group", "split"]]


def of_voices(root: Path, folders: list[str]) -> pd.DataFrame:
    """The manifests of voices: path, label, group, split, utterance; writes their trials beside."""
    read = [voices.read(str(root / name), warn, progress) for name in folders]
    table, trials = voices.together(read)
    trials[TRIALS].to_csv(root / "trials.csv", index=False)
    return table[["path", "label", "group", "split", "utterance"]]


if __name__ == "__main__":
    main()
