"""Single kernels in plain PyTorch: a case is a kernel's name and its sizes.

Operands are the same numbers on both sides (`numbers`), so the results are compared before anything
is timed.
"""

import torch

import protocol

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def numbers(*shape, seed, scale=1.0):
    """Numbers that look random, uniform in [-1, 1) times scale; Operands.cs makes the same."""
    count = 1
    for extent in shape:
        count *= extent
    mask = 0xFFFFFFFF
    bits = torch.arange(count, dtype=torch.int64)
    bits = ((bits + (seed * 0x9E3779B9 & mask)) * 0x9E3779B1) & mask
    bits ^= bits >> 15
    bits = (bits * 0x85EBCA77) & mask
    bits ^= bits >> 13
    return ((bits / 2147483648.0 - 1).float() * scale).view(*shape)


def mean_magnitude(*results):
    """The number that both sides compare: the mean of the absolute values of all elements."""
    return sum(r.detach().double().abs().sum().item() for r in results) / sum(r.numel() for r in results)


def matmul(*, m, k, n, transpose_a, transpose_b, dtype):
    a = numbers(*((k, m) if transpose_a else (m, k)), seed=1).to(DTYPES[dtype])
    b = numbers(*((n, k) if transpose_b else (k, n)), seed=2).to(DTYPES[dtype])
    a = a.t() if transpose_a else a
    b = b.t() if transpose_b else b
    c = torch.empty(m, n, dtype=DTYPES[dtype])
    return lambda: torch.mm(a, b, out=c), mean_magnitude


KERNELS = {"matmul": matmul}


def build(*, kernel, **sizes):
    if kernel not in KERNELS:
        raise ValueError(f"kernel '{kernel}'. Known: {', '.join(KERNELS)}.")
    torch.set_grad_enabled(False)
    return KERNELS[kernel](**sizes)


if __name__ == "__main__":
    protocol.serve_cases(build)
