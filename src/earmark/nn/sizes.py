"""What Net, ResNetish and VGGish share: scaling their channels, and the smallest window that they take."""

import math


def scaled(n: int, width: float) -> int:
    """n channels or units times width, to the nearest multiple of 4 (halves go up), at least 4.

    width: factor above 0; 1 leaves every size as its author has it. Anything else raises ValueError.
    """
    if not 0 < width < math.inf:
        raise ValueError(f"width is {width}, but must be a finite number above 0, such as 1 or 0.25")
    return max(4, 4 * math.floor(n * width / 4 + 0.5))


def require_window(network: str, n_bands: int, n_frames: int, smallest: int) -> None:
    """Raise ValueError where a window of n_bands x n_frames has fewer than `smallest` bands or frames."""
    if min(n_bands, n_frames) < smallest:
        raise ValueError(
            f"windows of {n_bands} bands x {n_frames} frames are too small for {network}, which takes "
            f"{smallest} x {smallest} or more: use more bands or longer windows"
        )
