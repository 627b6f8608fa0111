"""What a device reaches at best, measured: products of large matrices in TFLOP/s, a large copy in GB/s."""

import torch

from gpu_parts.devices import median_s, precisions, rounding

SIZES = {"cuda": (4096, 8192), "cpu": (512, 1024)}  # of square matrices; the faster one counts
COPIED = {"cuda": 2**30, "cpu": 2**26}  # bytes, beyond any cache


def products(device: torch.device, precision: str, seconds: float) -> float:
    """TFLOP/s of a matrix product."""
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    best = 0.0
    with rounding(device, precision):
        for n in SIZES[device.type]:
            a, b = (torch.randn(n, n, device=device, dtype=dtype) for _ in range(2))
            out = torch.empty_like(a)
            took = median_s(lambda a=a, b=b, out=out: torch.mm(a, b, out=out), device, seconds)
            best = max(best, 2 * n**3 / took / 1e12)
    return best


def copy(device: torch.device, seconds: float) -> float:
    """GB/s of a copy, which reads and writes every byte."""
    a = torch.zeros(COPIED[device.type] // 4, device=device)
    b = torch.empty_like(a)
    return 2 * COPIED[device.type] / median_s(lambda: b.copy_(a), device, seconds) / 1e9


def measured(device: torch.device, seconds: float) -> dict[str, float]:
    """TFLOP/s by precision, and `copy` in GB/s; seconds: of each."""
    found = {precision: products(device, precision, seconds / 2) for precision in precisions(device)}
    return found | {"copy": copy(device, seconds)}
