"""params.yaml edited as text: what is not changed stays byte for byte."""

import pytest
import yaml

from earmark.errors import EarmarkError
from earmark.tasks import edited
from project import REPOSITORY

TEXT = """\
# a head
tasks:
  genre:
    data:
      source: demo           # demo | folder
      root: data/demo        # your audio
      test_fold: null
    train: {lr: 0.1, name: "a"}  # flow
"""


def test_other_values_and_nothing_else_are_written_and_comments_keep_their_column():
    changed = edited.put(TEXT, {"tasks.genre.data.source": "folder", "tasks.genre.data.root": "/a/b"})
    assert changed == TEXT.replace("demo           # demo", "folder         # demo").replace(
        "data/demo        # your", "/a/b             # your"
    )


def test_a_long_value_pushes_its_comment_one_blank_away():
    changed = edited.put(TEXT, {"tasks.genre.data.root": "/a/long/folder/of/recordings"})
    assert "      root: /a/long/folder/of/recordings # your audio\n" in changed


def test_values_within_a_flow_block_and_of_any_kind():
    assert '{lr: 0.003, name: "a"}  # flow' in edited.put(TEXT, {"tasks.genre.train.lr": 0.003})
    assert "test_fold: fold1\n" in edited.put(TEXT, {"tasks.genre.data.test_fold": "fold1"})
    assert "test_fold: null\n" in edited.put(TEXT, {"tasks.genre.data.test_fold": None})


@pytest.mark.parametrize(
    "root", ["/a: b", "/a #b", "/ä/'quoted'", "/ends with: ", "null", "007", "/a\nb", "{x}", "- a"]
)
def test_a_folder_of_any_name_is_read_back_as_it_is(root):
    changed = yaml.safe_load(edited.put(TEXT, {"tasks.genre.data.root": root}))
    assert changed["tasks"]["genre"]["data"]["root"] == root


def test_line_ends_of_windows_stay():
    text = TEXT.replace("\n", "\r\n")
    assert edited.put(text, {"tasks.genre.data.source": "x"}) == text.replace(
        "demo           # demo", "x              # demo"
    )


def test_a_key_that_is_missing_or_holds_a_block_is_refused():
    with pytest.raises(EarmarkError, match=r"no key 'tasks\.genre\.data\.nothing' to override; known: channels"):
        edited.put(TEXT, {"tasks.genre.data.nothing": "x"})
    for dotted in ("tasks.genre.data", "tasks.chord.data.root"):
        with pytest.raises(EarmarkError, match=f"has no key '{dotted}' with a value"):
            edited.put(TEXT, {dotted: "x"})


def test_a_value_that_others_share_is_left_to_the_user():
    text = TEXT.replace("source: demo ", "source: &one demo ").replace("root: data/demo", "root: *one")
    with pytest.raises(EarmarkError, match=r"set tasks\.genre\.data\.root: /a in it by hand"):
        edited.put(text, {"tasks.genre.data.root": "/a"})


def test_the_shipped_file_is_the_same_after_there_and_back():
    text = (REPOSITORY / "params.yaml").read_text()
    there = edited.put(text, {"tasks.speaker.data.source": "folder", "tasks.speaker.data.root": "/home/me/voices"})
    assert yaml.safe_load(there)["tasks"]["speaker"]["data"]["root"] == "/home/me/voices"
    assert len(there.splitlines()) == len(text.splitlines())
    back = edited.put(there, {"tasks.speaker.data.source": "demo", "tasks.speaker.data.root": "data/demo_voices"})
    assert back == text


def test_a_key_that_the_file_leaves_out_gets_a_line_of_its_own():
    text = TEXT.replace("      test_fold: null\n", "")
    assert edited.put(text, {"tasks.genre.data.test_fold": "fold1"}) == text.replace(
        "# your audio\n", "# your audio\n      test_fold: fold1\n"
    )


def test_another_kind_of_a_block_on_one_line():
    text = (REPOSITORY / "params.yaml").read_text()
    values = {
        f"tasks.genre.train.schedule.{k}": v for k, v in {"name": "step", "step_epochs": 20, "gamma": 0.3}.items()
    }
    changed = edited.put(text, values)
    before, after = (set(t.splitlines()) for t in (text, changed))
    (line,) = after - before
    assert line == "      schedule: {name: step, step_epochs: 20, gamma: 0.3}      # " + (
        "constant | step | plateau | cosine | onecycle"  # where it stood
    )
    assert len(before - after) == 1


def test_another_kind_of_a_block_of_many_lines_loses_the_lines_of_the_former_and_no_others():
    text = (REPOSITORY / "params.yaml").read_text()
    values = {"tasks.chord.train.loss.name": "cross_entropy", "tasks.chord.train.lr": 0.02}
    changed = edited.put(text, values)
    loss = yaml.safe_load(changed)["tasks"]["chord"]["train"]["loss"]
    assert loss["name"] == "cross_entropy"
    assert "alpha" not in loss
    gone = set(text.splitlines()) - set(changed.splitlines())
    assert {line.split(":")[0].strip() for line in gone} == {"name", "alpha", "power", "focal_gamma", "lr"}
    assert "weight_bass: 1.0     # of the losses, the chord's being 1" in changed


def test_a_block_of_which_no_key_stays_keeps_its_place():
    text = "tasks:\n  genre:\n    model:\n      b: 1  # one\n      c: 2\n    train: {}\n"
    after = "tasks:\n  genre:\n    model:\n      e: 5\n      f: {g: 6}\n    train: {}\n"
    assert edited.put(text, {"tasks.genre.model": {"e": 5, "f": {"g": 6}}}) == after
