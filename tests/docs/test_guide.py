"""What the tests of guides rest on: the blocks of a page, and how they are run."""

import os
import signal
import time

import pytest

import guide

PAGE = """# A page

```bash
echo "$HOME $LEFT"
```

Some `inline` text.

```text
what it says
```
   ~~~python title="x"
   if True:
       print("in")
   ~~~
````
```bash
no block of its own
```
````
```bash
exit 3
"""


@pytest.fixture
def page(tmp_path):
    (tmp_path / "page.md").write_text(PAGE + "```\n")
    return tmp_path / "page.md"


def test_blocks_have_a_language_a_line_and_an_output(page):
    found = guide.blocks(page)
    assert [(b.line, b.language, b.text) for b in found] == [
        (3, "bash", 'echo "$HOME $LEFT"\n'),
        (9, "text", "what it says\n"),
        (12, "python", 'if True:\n    print("in")\n'),
        (16, "", "```bash\nno block of its own\n```\n"),
        (21, "bash", "exit 3\n"),
    ]
    assert [b.output for b in found] == ["what it says\n", None, None, None, None]
    assert guide.blocks(page, "python", "bash") == [found[0], found[2], found[4]]
    assert str(found[0]) == "page.md:3 (bash)"
    page.write_text("No blocks.\n")
    assert guide.blocks(page) == []


def test_a_fence_that_is_never_closed(tmp_path):
    (tmp_path / "page.md").write_text(PAGE)
    with pytest.raises(AssertionError, match=r"^page\.md:21: the fence is never closed\.$"):
        guide.blocks(tmp_path / "page.md")


def test_a_block_runs_as_a_user_would_run_it(page, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////of/a/test.db")
    echo, python, ends = guide.blocks(page, "bash", "python")
    assert guide.run(echo, tmp_path, tmp_path / "home", LEFT="over") == f"{tmp_path / 'home'} over\n"
    assert guide.run(python, tmp_path, tmp_path) == "in\n"
    assert "MLFLOW_TRACKING_URI" not in guide.environment(tmp_path)
    with pytest.raises(AssertionError, match=r"^page\.md:21 \(bash\) ended with 3:\nexit 3\n"):
        guide.run(ends, tmp_path, tmp_path)
    with pytest.raises(AssertionError, match="LEFT: unbound variable"):
        guide.run(echo, tmp_path, tmp_path)


def test_what_does_not_end_is_ended_with_its_children(tmp_path):
    block = guide.Block("page.md", 1, "bash", "sleep 60 & echo $!; wait\n")
    with guide.running(block, tmp_path, tmp_path) as process:
        while not (said := (tmp_path / "guide.log").read_text()):
            time.sleep(0.02)
    assert process.returncode == -signal.SIGTERM
    for _ in range(500):  # whoever inherits it may take its time to see that it ended
        try:
            os.kill(int(said), 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    pytest.fail("a child is left")
