"""Single kernels in plain PyTorch: a case is a kernel's name and its sizes.

Operands are the same numbers on both sides (`numbers`), so the results are compared before anything
is timed.
"""

import torch
import torch.nn.functional as F

import protocol
import training

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
    """The number that both sides compare: the mean magnitude of each result's elements, summed over the results."""
    return sum(r.detach().double().abs().mean().item() for r in results)


def case(function, inputs, backward, dy_seed):
    """The forward pass of a function, or its backward pass over a graph that is built once."""
    if not backward:
        return lambda: function(*inputs), mean_magnitude
    inputs = [x.requires_grad_() for x in inputs]
    with torch.enable_grad():
        y = function(*inputs)
    dy = numbers(*y.shape, seed=dy_seed)
    return lambda: torch.autograd.grad(y, inputs, dy, retain_graph=True), lambda grads: mean_magnitude(*grads)


def matmul(*, m, k, n, transpose_a, transpose_b, dtype):
    a = numbers(*((k, m) if transpose_a else (m, k)), seed=1).to(DTYPES[dtype])
    b = numbers(*((n, k) if transpose_b else (k, n)), seed=2).to(DTYPES[dtype])
    a = a.t() if transpose_a else a
    b = b.t() if transpose_b else b
    c = torch.empty(m, n, dtype=DTYPES[dtype])
    return lambda: torch.mm(a, b, out=c), mean_magnitude


def attention(*, batch, tokens, heads, head_width, backward):
    width = heads * head_width
    future = training.future_mask(tokens)

    def attend(qkv):
        q, k, v = (training.split_heads(part, heads) for part in qkv.split(width, dim=2))
        return training.attend(q, k, v, future)

    return case(attend, [numbers(batch, tokens, 3 * width, seed=1)], backward, dy_seed=2)


def gelu(*, rows, columns, tanh, backward):
    approximate = "tanh" if tanh else "none"
    return case(lambda x: F.gelu(x, approximate=approximate), [numbers(rows, columns, seed=1, scale=4.0)], backward, dy_seed=2)


def swiglu(*, rows, columns, backward):
    gate, up = numbers(rows, columns, seed=1, scale=4.0), numbers(rows, columns, seed=2)
    return case(lambda gate, up: F.silu(gate) * up, [gate, up], backward, dy_seed=3)


def softmax(*, rows, columns, backward):
    return case(lambda x: F.softmax(x, dim=-1), [numbers(rows, columns, seed=1, scale=4.0)], backward, dy_seed=2)


def layer_norm(*, rows, columns, eps, backward):
    inputs = [numbers(rows, columns, seed=1), numbers(columns, seed=3), numbers(columns, seed=4)]
    return case(lambda x, gain, bias: F.layer_norm(x, (columns,), gain, bias, eps), inputs, backward, dy_seed=2)


def rms_norm(*, rows, columns, eps, backward):
    def normalise(x, gain):
        if hasattr(F, "rms_norm"):  # PyTorch 2.4 has a kernel of its own: the peer gets it
            return F.rms_norm(x, (columns,), gain, eps)
        return gain * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps))

    return case(normalise, [numbers(rows, columns, seed=1), numbers(columns, seed=3)], backward, dy_seed=2)


def cross_entropy(*, rows, columns, backward):
    logits = numbers(rows, columns, seed=1, scale=4.0)
    labels = torch.arange(rows) * 7919 % columns
    if not backward:
        return lambda: F.cross_entropy(logits, labels), mean_magnitude

    logits.requires_grad_()

    def both():
        with torch.enable_grad():
            return torch.autograd.grad(F.cross_entropy(logits, labels), logits)

    return both, lambda grads: mean_magnitude(*grads)


def adamw(*, parameters, learning_rate, weight_decay):
    weights = torch.nn.Parameter(numbers(parameters, seed=1, scale=0.02))
    weights.grad = numbers(parameters, seed=2, scale=1e-3)
    fused = {"fused": True} if training.VERSION >= (2, 4) else {}  # one pass over memory
    optimizer = torch.optim.AdamW([weights], lr=learning_rate, weight_decay=weight_decay, **fused)

    def step():
        optimizer.step()
        return weights

    return step, mean_magnitude


KERNELS = {
    kernel.__name__: kernel
    for kernel in (matmul, attention, gelu, swiglu, softmax, layer_norm, rms_norm, cross_entropy, adamw)
}


def build(*, kernel, **sizes):
    if kernel not in KERNELS:
        raise ValueError(f"kernel '{kernel}'. Known: {', '.join(KERNELS)}.")
    torch.set_grad_enabled(False)
    return KERNELS[kernel](**sizes)


if __name__ == "__main__":
    protocol.serve_cases(build)
