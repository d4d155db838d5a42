"""What the models of the training steps share: LoRA, attention, the optimizer and the step itself.

The models are in the layout of Hugging Face's transformers (the same layers, cut the same way), written in plain
PyTorch. Where a newer PyTorch has a faster kernel, the peer gets it.
"""

import contextlib
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

VERSION = tuple(int(part) for part in torch.__version__.split(".")[:2])


class LoRALinear(nn.Module):
    """y = Wx + b + (alpha / rank) * B(Ax), with W and b frozen."""

    def __init__(self, frozen, rank, alpha):
        super().__init__()
        self.frozen = frozen
        self.a = nn.Parameter(torch.randn(rank, frozen.in_features) / math.sqrt(frozen.in_features))
        self.b = nn.Parameter(torch.zeros(frozen.out_features, rank))
        self.scale = alpha / rank

    def forward(self, x):
        return self.frozen(x) + self.scale * F.linear(F.linear(x, self.a), self.b)


def future_mask(positions):
    """True where a query must not look: at keys that come later."""
    return torch.ones(positions, positions, dtype=torch.bool).triu(1)


def split_heads(x, heads):
    batch, tokens, width = x.shape
    return x.view(batch, tokens, heads, width // heads).transpose(1, 2)


def attend(q, k, v, future=None, padding=None):
    """Attention over [B, N, T, D], merged to [B, T, C]; causal where a mask of the future is given.

    padding, [B, T], is true at keys that are no tokens.
    """
    batch, heads, tokens, width = q.shape
    if hasattr(F, "scaled_dot_product_attention"):  # PyTorch 2 has a fused kernel: the peer gets it
        mask = None if padding is None else ~padding[:, None, None, :]
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=future is not None)
    else:
        scores = (q @ k.transpose(-2, -1)) / math.sqrt(width)
        if future is not None:
            scores = scores.masked_fill(future[:tokens, :tokens], float("-inf"))
        if padding is not None:
            scores = scores.masked_fill(padding[:, None, None, :], float("-inf"))
        y = F.softmax(scores, dim=-1) @ v
    return y.transpose(1, 2).reshape(batch, tokens, heads * width)


def initialise(module):
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def next_tokens(vocabulary, batch, tokens):
    """Random tokens, and for each the one that follows it."""
    ids = torch.randint(0, vocabulary, (batch, tokens + 1))
    return ids[:, :-1].contiguous(), ids[:, 1:].contiguous()


def freeze_and_adapt(model, layers, rank, alpha):
    """Freezes the model and puts an update on the named linear layers: pairs of a module and an attribute of it."""
    model.requires_grad_(False)
    for owner, name in layers:
        setattr(owner, name, LoRALinear(getattr(owner, name), rank, alpha))


def check(tuning, precision):
    if tuning not in ("full", "lora") or precision not in ("fp32", "bf16"):
        raise ValueError(f"tuning '{tuning}', precision '{precision}'. Known: full, lora; fp32, bf16.")


def adamw(learning, learning_rate, weight_decay):
    # One fused pass over the weights, on the CPU since PyTorch 2.4. Older versions refuse the option.
    fused = {"fused": True} if VERSION >= (2, 4) else {}
    return torch.optim.AdamW(learning, lr=learning_rate, weight_decay=weight_decay, **fused)


def training_step(model, inputs, targets, precision, learning_rate, weight_decay):
    """The step and the facts that protocol.serve asks for; the model returns its loss."""
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = adamw(learning, learning_rate, weight_decay)

    def step():
        optimizer.zero_grad(set_to_none=True)
        autocast = torch.autocast("cpu", dtype=torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()
        with autocast:
            loss = model(inputs, targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step, {
        "parameters": sum(p.numel() for p in model.parameters()),
        "trainable": sum(p.numel() for p in learning),
    }
