"""A network's layers, output shapes and parameters as text."""

import torch
from torch import Tensor, nn


def count(module: nn.Module) -> int:
    """Trainable parameters."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


@torch.no_grad()
def layers(model: nn.Module, *inputs) -> list[tuple[str, str, int]]:
    """(name and type, output shape, own parameters) of every leaf layer, in the order they run."""
    rows, hooks = [], []

    def note(name: str, module: nn.Module) -> None:
        def hook(_module, _inputs, output: Tensor | tuple) -> None:
            output = output[0] if isinstance(output, tuple) else output  # an LSTM gives its states, too
            shape = ", ".join(map(str, output.shape[1:]))
            rows.append(
                (
                    f"{name} ({type(module).__name__})",
                    f"(None, {shape})" if shape else "(None)",
                    count(module),
                )
            )

        hooks.append(module.register_forward_hook(hook))

    for name, module in model.named_modules():
        if not list(module.children()):
            note(name, module)
    training = model.training
    model.eval()(*inputs)
    model.train(training)
    for hook in hooks:
        hook.remove()
    return rows


def summary(model: nn.Module, n_bands: int, n_frames: int, n_windows: int, n_classes: int) -> str:
    """The inner (window) and the combined (recording) model, as text for model.txt."""
    device = next(model.parameters()).device
    x = torch.zeros(n_windows, 1, n_bands, n_frames, device=device)
    rows = layers(model, x, torch.zeros(n_windows, dtype=torch.int64, device=device), 1)
    lines = [
        f"Window model: input (None, 1, {n_bands}, {n_frames})",
        *(f"  {a:<34}{b:<22}{c:>9,}" for a, b, c in rows),
    ]
    combined = [
        "",
        f"Recording model: {n_windows} windows of one recording, pooled by {model.pooling}",
        f"  {'windows':<34}{f'({n_windows}, {n_classes})':<22}{count(model):>9,}",
        f"  {'recording':<34}{f'({n_classes})':<22}{0:>9,}",
        f"Parameters: {count(model):,}",
    ]
    return "\n".join(lines + combined) + "\n"
