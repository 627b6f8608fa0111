"""The command `earmark`, which every stage starts.

A publish that has nothing to do, as every `dvc repro` asks of every task, ends before the command line is loaded, which
would take most of its time.
"""

import gc
import sys

# Importing torch or MLflow makes objects by the hundred thousand, and Python's collector walks through all of them time
# and again. Rarer, a prediction of a short recording takes a twentieth less time.
RARELY = (10_000, 20, 20)


def main() -> None:
    """Run a command."""
    gc.set_threshold(*RARELY)
    if not _published_already(sys.argv[1:]):
        from earmark.cli import app

        app.main()


def _published_already(asked: list[str]) -> bool:
    """Whether a publish is asked for that has nothing to do; what it says then is said."""
    if len(asked) != 2 or asked[0] != "publish":
        return False
    from earmark.errors import EarmarkError
    from earmark.pipeline import to_commit
    from earmark.registry import glance

    try:
        if not glance.is_unchanged(asked[1]):
            return False
        for sentence in to_commit.sentence(asked[1]):
            print(sentence, flush=True)
    except (EarmarkError, OSError):
        return False  # the command line says what is the matter
    return True


if __name__ == "__main__":
    main()
