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


def test_a_run_of_an_earlier_release_has_a_tag_for_each_version():
    each = {"earmark.version.torch": "2.11.0", "earmark.version.numpy": "2.1.0", "earmark.kind": "pipeline"}
    assert version_card._made_with(each) == "numpy 2.1.0, torch 2.11.0"
    assert version_card._made_with({"earmark.made_with": "torch 2.13.0"}) == "torch 2.13.0"
    assert version_card._made_with({}) == ""
