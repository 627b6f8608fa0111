"""Floating-point operations and bytes of a step, counted operator by operator while it runs once.

Operations: torch's own FlopCounterMode, which counts products alone (matrix products, convolutions and their
gradients, a multiplication and an addition each), and what it lacks, the LSTMs that cuDNN or oneDNN compute as one
operator. Bytes: of every operator its tensor arguments, once each, and its results; what it writes in place counts as
read and as written. Views, and memory that is only set aside, move nothing. An LSTM's weights count once, though every
frame reads them, so the traffic is a lower bound there; elsewhere it is that of separate kernels, which a compiler may
undercut.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

SET_ASIDE = ("empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "_unsafe_view", "detach")


def counted(step: Callable[[], object]) -> tuple[int, int]:
    """Floating-point operations of a step, which this runs, and bytes that its operators read and write."""
    with FlopCounterMode(display=False, custom_mapping=_lstms()) as counter, Moved() as mode:
        step()
    return counter.get_total_flops(), mode.bytes


class Moved(TorchDispatchMode):
    """Adds up the bytes of every operator's arguments and results."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        if not (func.is_view or func._schema.name.removeprefix("aten::").split(".")[0] in SET_ASIDE):
            self.bytes += _size((args, kwargs)) + _size(found)
            if not func._schema.returns:  # such as the optimizer's, which write where they read
                self.bytes += sum(_size(arg) for arg in _written(func, args, kwargs or {}))
        return found


def _written(func: Any, args: tuple, kwargs: dict) -> list:
    """Arguments that an operator writes."""
    named = dict(zip((a.name for a in func._schema.arguments), args, strict=False)) | kwargs
    writes = [a.name for a in func._schema.arguments if a.alias_info is not None and a.alias_info.is_write]
    return [named.get(name) for name in writes]


def _size(tree: Any) -> int:
    """Bytes of the tensors in nested lists; of one that repeats its memory, as expanded ones do, what it has."""
    tensors = [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]
    return sum(min(t.numel() * t.element_size(), t.untyped_storage().nbytes()) for t in tensors)


def _lstms() -> dict[Any, Callable[..., int]]:
    """Formulas of the operators that compute a whole LSTM, from the shapes of their arguments."""
    aten = torch.ops.aten

    def cudnn(x: list[int], weights: list, *_args: Any, **_more: Any) -> int:
        return _products(x, weights)

    def onednn(x: list[int], of_input: list[int], of_state: list[int], *_args: Any, **_more: Any) -> int:
        return _products(x, [of_input, of_state])

    def twice(forward: Callable[..., int]) -> Callable[..., int]:
        return lambda *args, **more: 2 * forward(*args, **more)  # one product for the inputs' slopes, one for weights'

    return {
        aten._cudnn_rnn: cudnn,
        aten._cudnn_rnn_backward: twice(cudnn),
        aten.mkldnn_rnn_layer: onednn,
        aten.mkldnn_rnn_layer_backward: twice(onednn),
    }


def _products(x: list[int], weights: list) -> int:
    """Of every frame with each of the matrices among the weights; x: (batch, frames, n), in either order."""
    return 2 * x[0] * x[1] * sum(w[0] * w[1] for w in weights if w is not None and len(w) == 2)
