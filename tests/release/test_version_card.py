"""What a version's card says of its use: a command that its task's `predict` takes."""

from types import SimpleNamespace

import pytest

from earmark.release import version_card


@pytest.mark.parametrize(
    ("task", "labels", "command"),
    [
        ("genre", "classes", "earmark predict genre FILE --model models:/earmark-genre/2"),
        ("speaker", "speakers", "earmark predict speaker FILE --embed OUT.parquet --model models:/earmark-speaker/2"),
    ],
)
def test_voices_are_asked_something(task, labels, command):
    version = SimpleNamespace(name=f"earmark-{task}", number=2, labels=labels, config=SimpleNamespace(task=task))
    assert version_card._use(version).endswith(f"Or `{command}`.")
