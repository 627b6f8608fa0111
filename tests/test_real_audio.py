"""Real recordings (ESC-10 in ../shared/data, CC BY), where they are at hand."""

import pandas as pd
import pytest

from builders import data_settings, features_settings, prepared
from earmark import audio
from earmark.data import copies, splits
from earmark.features.frames import samples_frames
from project import REPOSITORY

ESC10 = REPOSITORY.parent / "shared/data/snd_esc10"
pytestmark = pytest.mark.skipif(not ESC10.is_dir(), reason="ESC-10 is not in ../shared/data/snd_esc10")


@pytest.fixture(scope="module")
def esc10() -> tuple[pd.DataFrame, pd.DataFrame]:
    return prepared("genre", data_settings(test_fold="fold5"), ESC10, pytest.fail)


def test_official_folds_are_kept_and_groups_stay_whole(esc10):
    table, quarantined = esc10
    assert (len(table), len(quarantined), table.group.nunique()) == (400, 0, 304)
    assert set(table.path[table["split"] == "test"]) == set(table.path[table.fold == "fold5"])
    assert table.label[table["split"] == "test"].value_counts().eq(8).all()
    assert table.groupby("group")["split"].nunique().max() == 1
    splits.check_splits(table)
    copies.tell(table, pytest.fail)


def test_level_of_real_clips_does_not_matter(esc10):
    table, _ = esc10
    settings = features_settings(sample_rate=22050, n_fft=1024, hop_length=512, n_mels=64, window_s=1.0)
    for path in table.path[::40]:
        blocks = list(audio.read_blocks(ESC10 / path, settings.sample_rate))
        (loud,), (quiet,) = (
            list(samples_frames([b * gain for b in blocks], settings)) for gain in (1.0, 10 ** (-40 / 20))
        )
        assert abs(loud - quiet).max() < 2e-3
