"""params.yaml edited as text: what is not changed stays byte for byte."""

import pytest
import yaml

from earmark.cli import edit
from earmark.errors import EarmarkError
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
    changed = edit.put(TEXT, {"tasks.genre.data.source": "folder", "tasks.genre.data.root": "/a/b"})
    assert changed == TEXT.replace("demo           # demo", "folder         # demo").replace(
        "data/demo        # your", "/a/b             # your"
    )


def test_a_long_value_pushes_its_comment_one_blank_away():
    changed = edit.put(TEXT, {"tasks.genre.data.root": "/a/long/folder/of/recordings"})
    assert "      root: /a/long/folder/of/recordings # your audio\n" in changed


def test_values_within_a_flow_block_and_of_any_kind():
    assert '{lr: 0.003, name: "a"}  # flow' in edit.put(TEXT, {"tasks.genre.train.lr": 0.003})
    assert "test_fold: fold1\n" in edit.put(TEXT, {"tasks.genre.data.test_fold": "fold1"})
    assert "test_fold: null\n" in edit.put(TEXT, {"tasks.genre.data.test_fold": None})


@pytest.mark.parametrize(
    "root", ["/a: b", "/a #b", "/ä/'quoted'", "/ends with: ", "null", "007", "/a\nb", "{x}", "- a"]
)
def test_a_folder_of_any_name_is_read_back_as_it_is(root):
    changed = yaml.safe_load(edit.put(TEXT, {"tasks.genre.data.root": root}))
    assert changed["tasks"]["genre"]["data"]["root"] == root


def test_line_ends_of_windows_stay():
    text = TEXT.replace("\n", "\r\n")
    assert edit.put(text, {"tasks.genre.data.source": "x"}) == text.replace(
        "demo           # demo", "x              # demo"
    )


def test_a_key_that_is_missing_or_holds_a_block_is_refused():
    for dotted in ("tasks.genre.data.nothing", "tasks.genre.data", "tasks.chord.data.root"):
        with pytest.raises(EarmarkError, match=f"has no key '{dotted}' with a value"):
            edit.put(TEXT, {dotted: "x"})


def test_a_value_that_others_share_is_left_to_the_user():
    text = TEXT.replace("source: demo ", "source: &one demo ").replace("root: data/demo", "root: *one")
    with pytest.raises(EarmarkError, match=r"set tasks\.genre\.data\.root: /a in it by hand"):
        edit.put(text, {"tasks.genre.data.root": "/a"})


def test_the_shipped_file_is_the_same_after_there_and_back():
    text = (REPOSITORY / "params.yaml").read_text()
    there = edit.put(text, {"tasks.speaker.data.source": "folder", "tasks.speaker.data.root": "/home/me/voices"})
    assert yaml.safe_load(there)["tasks"]["speaker"]["data"]["root"] == "/home/me/voices"
    assert len(there.splitlines()) == len(text.splitlines())
    back = edit.put(there, {"tasks.speaker.data.source": "demo", "tasks.speaker.data.root": "data/demo_voices"})
    assert back == text
