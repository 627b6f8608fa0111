"""The card of a registered version: what it is, how good, learnt from what, and where it ends, as Markdown."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict

import pandas as pd
import yaml

from earmark.data import manifest, overview
from earmark.release import card, heard
from earmark.release.facts import Version
from earmark.release.inert import code, markdown

PICTURE = "confusion.png"  # beside the card
LONGEST = 2000  # characters of a sentence in a description, of which MLflow's database takes 5,000 in all
HASHES = ("train_key", "params_sha256", "data_sha256", "code_sha256")


def page(v: Version, picture: bool) -> str:
    """The whole card. picture: whether PICTURE lies beside it."""
    shown = [f"![{PICTURE} beside this card: what was taken for what]({PICTURE})"] if picture else []
    parts = [v.said.what, _figures(v), *v.said.tables, *shown, f"## Calibration\n\n{v.said.calibration}"]
    parts += [_data(v), *_recordings(v), f"## Limits\n\n{v.said.limits}{_unheard(v)}"]
    parts += [_lineage(v), f"## Use\n\n{_use(v)}", f"## Settings\n\n{_settings(v)}"]
    return card.page(f"{v.name} version {v.number}", parts)


def description(v: Version, link: str) -> str:
    """What a person reads first on the version's page. link: the address of the card."""
    return "\n\n".join([_short(v.said.what), f"{_headline(v)}{_beside(v)}", f"[The whole card]({link})", _use(v)])


def note(v: Version, links: Mapping[str, str]) -> str:
    """What a person reads first on the page of the run that trained it. links: addresses by what they show."""
    shown = " · ".join(f"[{what}]({link})" for what, link in links.items())  # MLflow folds all but the first lines away
    return "\n\n".join([f"{_headline(v)} {shown}", f"{_short(v.said.what)}{_beside(v)}"])


def _short(what: str) -> str:
    """The sentence, a long list in it cut between two items."""
    return what if len(what) <= LONGEST else f"{what[: what.rindex(', ', 0, LONGEST)]}, and more."


def _headline(v: Version) -> str:
    name, n = v.said.called.get(v.headline, v.headline), v.found.get("n_recordings")
    of = f" on {n} test recordings" if n else ""
    groups = f" of {v.found['n_groups']} groups" if v.found.get("n_groups", n) != n else ""
    return f"**{name[0].upper()}{name[1:]}: {card.value(v.headline, v.found)}**{of}{groups}; a 95 % interval beside it."


def _beside(v: Version) -> str:
    """The baselines' headline figures, and whether one is better."""
    there = [f"{what} {card.value(key, v.found)}" for key, what in v.baselines.items() if key in v.found]
    said = f" Baselines: {'; '.join(there)}." if there else " No baseline was measured."
    return said + (f" **{v.outdone}**" if v.outdone else "")


def _figures(v: Version) -> str:
    intro = "The test recordings were used neither for training nor for any choice."
    intro += f" {v.said.measured} {card.methods(v.found)}"
    rows = dict(v.said.called) | {key: f"{v.headline} of {what}" for key, what in v.baselines.items()}
    return f"## Figures\n\n{_headline(v)}{_beside(v)}\n\n{intro}\n\n{card.figures_table(rows, dict(v.found))}"


def _data(v: Version) -> str:
    source, root = (v.params.get(f"data.{key}", "unknown") for key in ("source", "root"))
    said = [f"Source `{source}`, folder {markdown(root)}; recordings: {v.licence}. The weights were learnt from these "]
    said[0] += "recordings, so their terms may bind what you do with the weights."
    if v.table is not None:
        said += [_splits(v), f"sha256 of all recordings, labels and groups: `{manifest.digest(v.table)}`"]
    said.append(f"sha256 of the test recordings: `{v.found.get('test_manifest_sha256', 'unknown')}`")
    return "## Data\n\n" + "\n\n".join(said)


def _splits(v: Version) -> str:
    """Recordings, groups and minutes of each split, and how they were split."""
    assert v.table is not None
    parts = [v.table[v.table["split"] == split] for split in ("train", "val", "test")]
    columns = {"groups": "group"} | ({v.labels: "label"} if "label" in v.table else {})
    rows = [
        (part["split"].iloc[0], str(len(part)), *(str(part[c].nunique()) for c in columns.values()), _minutes(part))
        for part in parts
        if len(part)
    ]
    return f"{_how_split(v)}\n\n" + card.table(("split", "recordings", *columns, "minutes"), rows)


def _minutes(table: pd.DataFrame) -> str:
    return f"{table.duration_s.sum() / 60:.1f}"


def _how_split(v: Version) -> str:
    """By what recordings are kept together, and who says where they go."""
    assert v.table is not None
    fold, apart = v.params.get("data.test_fold", "None"), "speaker" if v.labels == "speakers" else "group"
    if fold not in ("None", ""):
        which = f"The fold {markdown(fold)}, one of those that came with the recordings, is the test split."
        return f"{overview.groups(v.table)} {which}"
    return (
        f"{overview.groups(v.table)} Split by {apart}: as the recordings themselves say, else distributed by the "
        "settings below."
    )


def _recordings(v: Version) -> Iterator[str]:
    """Durations, levels, rates and channels of what was trained on."""
    if v.table is not None and len(learnt := v.table[v.table["split"] == "train"]):
        yield f"## What it was trained on\n\n{heard.text(learnt)}"


def _unheard(v: Version) -> str:
    return (
        " Recordings shorter, longer, quieter or at lower sample rates than those it was trained on, other microphones "
        "and other kinds of recordings were not measured."
    )


def _lineage(v: Version) -> str:
    commit, dirty = (v.tags.get(f"earmark.{key}", "none") for key in ("commit", "dirty"))
    changed = {"true": ", with changes that are in no commit", "false": ""}.get(dirty, "")
    rows = [("commit", f"`{commit}`{changed}" if commit != "none" else "none: trained outside of git")]
    rows += [(key.replace("_", " "), f"`{v.config.hashes[key]}`") for key in HASHES if key in v.config.hashes]
    rows += [("model sha256", f"`{v.found['model_sha256']}`")] if "model_sha256" in v.found else []
    rows += [("made with", markdown(_made_with(v.tags)))]
    rows += [(f"DVC: {markdown(path)}", f"`{md5}`") for path, md5 in sorted(v.dvc.items())]
    epoch, n = v.config.best_epoch, v.config.n_parameters
    rows += [("network", f"{n:,} parameters, the weights of epoch {epoch}")]
    return "## Lineage\n\n" + card.table(("what", "which"), rows)


def _made_with(tags: Mapping[str, str]) -> str:
    """Versions of what a run was made with; runs of earlier releases have a tag for each."""
    each = sorted(key for key in tags if key.startswith("earmark.version."))
    return tags.get("earmark.made_with") or ", ".join(f"{key.rpartition('.')[2]} {tags[key]}" for key in each)


def _use(v: Version) -> str:
    uri = f"models:/{v.name}/{v.number}"
    lines = ["import mlflow  # in the project's folder, or with MLFLOW_TRACKING_URI set"]
    lines += [f'model = mlflow.pyfunc.load_model("{uri}")', 'print(model.predict(["recording.wav"]))']
    what = " --embed OUT.parquet" if v.labels == "speakers" else ""  # of voices, what is asked
    command = f"earmark predict {v.config.task} FILE{what} --model {uri}"
    return f"{code(chr(10).join(lines), 'python')}\n\nOr `{command}`."


def _settings(v: Version) -> str:
    settings = {"features": asdict(v.config.features), "model": asdict(v.config.model), "train": v.config.train}
    data = {k.removeprefix("data."): _plain(k, value) for k, value in v.params.items() if k.startswith("data.")}
    text = yaml.safe_dump(({"data": data} if data else {}) | settings, sort_keys=False, allow_unicode=True)
    return code(text.rstrip(), "yaml")


def _plain(key: str, value: str) -> object:
    """A parameter of a run, which is text there, as params.yaml has it."""
    if key in ("data.source", "data.root"):
        return value
    return None if value == "None" else yaml.safe_load(value)
