"""A collection that grows: the next model is compared with the champion on what is tested today."""

import numpy as np
import pytest
import soundfile as sf

from builders import FREQUENCY, noise, tone
from earmark.data import manifest

pytestmark = [pytest.mark.pipeline, pytest.mark.parametrize("small", ["genre"], indirect=True)]
ADDED = 16


def add_recordings(audio) -> None:
    """Two to a group, of every label."""
    lines = []
    for i in range(ADDED):
        label = ("low", "high", "noise")[i % 3]
        path = audio / label / f"new{i}.wav"
        if label == "noise":
            sf.write(path, noise(1.5, 8000, seed=100 + i), 8000)
        else:
            tone(path, FREQUENCY[label] * (1.2 + i / 50), 1.5, 8000)
        lines.append(f"{label}/{path.name},{label},new {label}{i // 6}\n")
    with (audio / "manifest.csv").open("a") as file:
        file.writelines(lines)


def test_the_champion_is_judged_where_the_test_set_has_grown(small):
    small.run("earmark", "promote", "genre", check=False)  # unless another test has made one champion
    before = small.client.get_model_version_by_alias("earmark-genre", "champion")
    held = np.array(manifest.load(small.path / "data/genre/manifest.csv").query("split == 'test'").path)
    add_recordings(small.audio)
    small.repro()
    test = manifest.load(small.path / "data/genre/manifest.csv").query("split == 'test'")
    assert set(held) < set(test.path)
    done = small.run("earmark", "promote", "genre", check=False)
    told = (
        f"No outcomes of version {before.version} on these {len(test)} recordings were kept, so it is tested "
        "on them now."
    )
    assert told in done.stdout
    # Which of two models of three epochs is better, is not asked: it is on the same recordings that it is decided.
    assert f"On the same {len(test)} test recordings" in done.stdout
    after = small.client.get_model_version("earmark-genre", before.version)
    assert f"earmark.test.{manifest.digest(test)[:16]}" in after.tags
    again = small.run("earmark", "promote", "genre", check=False)
    assert "tested on them now" not in again.stdout + again.stderr
