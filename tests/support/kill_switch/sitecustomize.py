"""Loaded by Python at start where the tests put this folder on PYTHONPATH: ends a training at a chosen moment.

EARMARK_TEST_KILL is MOMENT:N:TARGET. MOMENT is `inside` the N-th checkpoint write (after its bytes, before its
rename), `after` it, or `later` (in the next epoch's first step). TARGET is `process` or `group`.
"""

import os
import signal
import sys

_rename = os.replace
_seen = 0


def _kill(target: str) -> None:
    if target == "group":
        os.killpg(os.getpgid(0), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def _replace(source, target, **kwargs):
    global _seen
    moment, n, whom = os.environ["EARMARK_TEST_KILL"].split(":")
    is_checkpoint = str(target).endswith("state.pt")
    _seen += is_checkpoint
    now = is_checkpoint and _seen == int(n)
    if now and moment == "inside":
        os.truncate(source, os.path.getsize(source) // 2)
        _kill(whom)
    _rename(source, target, **kwargs)
    if now and moment == "after":
        _kill(whom)
    if now and moment == "later":
        sys.modules["torch"].Tensor.backward = lambda *_, **__: _kill(whom)


if "EARMARK_TEST_KILL" in os.environ:
    os.replace = _replace
