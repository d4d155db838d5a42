"""One training step of a GPT-2-shaped language model in plain PyTorch.

Pre-LN blocks, tanh-GELU, learned positions, tied head, causal attention, no dropout; random weights
from a seed; AdamW. Either every weight learns (tuning "full") or, with the base frozen, a low-rank
update of each block's c_attn (tuning "lora"). Precision "bf16" runs the forward pass under autocast.
"""

import contextlib
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

import protocol

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


class Attention(nn.Module):
    def __init__(self, width, heads, positions):
        super().__init__()
        self.heads = heads
        self.c_attn = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)
        future = torch.ones(positions, positions, dtype=torch.bool).triu(1)
        self.register_buffer("future", future, persistent=False)

    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = (
            part.view(batch, tokens, self.heads, width // self.heads).transpose(1, 2)
            for part in self.c_attn(x).split(width, dim=2)
        )
        if hasattr(F, "scaled_dot_product_attention"):  # PyTorch 2 has a fused kernel: the peer gets it
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            scores = (q @ k.transpose(-2, -1)) / math.sqrt(q.shape[-1])
            scores = scores.masked_fill(self.future[:tokens, :tokens], float("-inf"))
            y = F.softmax(scores, dim=-1) @ v
        return self.c_proj(y.transpose(1, 2).reshape(batch, tokens, width))


class Block(nn.Module):
    def __init__(self, width, heads, positions):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads, positions)
        self.ln_2 = nn.LayerNorm(width)
        self.c_fc = nn.Linear(width, 4 * width)
        self.c_proj = nn.Linear(4 * width, width)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.c_proj(F.gelu(self.c_fc(self.ln_2(x)), approximate="tanh"))


class Gpt2(nn.Module):
    def __init__(self, layers, width, heads, vocabulary, positions):
        super().__init__()
        self.wte = nn.Embedding(vocabulary, width)
        self.wpe = nn.Embedding(positions, width)
        self.blocks = nn.ModuleList(Block(width, heads, positions) for _ in range(layers))
        self.ln_f = nn.LayerNorm(width)
        self.apply(self._initialise)

    @staticmethod
    def _initialise(module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)

    def forward(self, tokens, targets):
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        logits = F.linear(self.ln_f(x), self.wte.weight)  # the head is the embedding: tied weights
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def add_lora(model, rank, alpha):
    """Freezes the model and puts an update on every c_attn."""
    model.requires_grad_(False)
    for block in model.blocks:
        block.attn.c_attn = LoRALinear(block.attn.c_attn, rank, alpha)


def adamw(parameters, learning_rate, weight_decay):
    # One fused pass over the weights, on the CPU since PyTorch 2.4. Older versions refuse the option.
    fused = {"fused": True} if VERSION >= (2, 4) else {}
    return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay, **fused)


def build(*, layers, width, heads, vocabulary, positions, batch, tokens, tuning, rank, alpha, precision,
          learning_rate, weight_decay, seed):
    if tuning not in ("full", "lora") or precision not in ("fp32", "bf16"):
        raise ValueError(f"tuning '{tuning}', precision '{precision}'. Known: full, lora; fp32, bf16.")

    torch.manual_seed(seed)
    model = Gpt2(layers, width, heads, vocabulary, positions)
    if tuning == "lora":
        add_lora(model, rank, alpha)
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = adamw(learning, learning_rate, weight_decay)

    ids = torch.randint(0, vocabulary, (batch, tokens + 1))
    inputs, targets = ids[:, :-1].contiguous(), ids[:, 1:].contiguous()

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


if __name__ == "__main__":
    protocol.serve(build)
