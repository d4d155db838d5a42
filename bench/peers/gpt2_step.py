"""One training step of a GPT-2-shaped language model in plain PyTorch.

Pre-LN blocks, tanh-GELU, learned positions, tied head, causal attention, no dropout; random weights
from a seed; AdamW. Either every weight learns (tuning "full") or, with the base frozen, a low-rank
update of each block's c_attn (tuning "lora"). Precision "bf16" runs the forward pass under autocast.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

import protocol
import training


class Attention(nn.Module):
    def __init__(self, width, heads, positions):
        super().__init__()
        self.heads = heads
        self.c_attn = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)
        self.register_buffer("future", training.future_mask(positions), persistent=False)

    def forward(self, x):
        q, k, v = (training.split_heads(part, self.heads) for part in self.c_attn(x).split(x.shape[2], dim=2))
        return self.c_proj(training.attend(q, k, v, self.future))


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
        self.apply(training.initialise)

    def forward(self, tokens, targets):
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        logits = F.linear(self.ln_f(x), self.wte.weight)  # the head is the embedding: tied weights
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def build(*, layers, width, heads, vocabulary, positions, batch, tokens, tuning, rank, alpha, precision,
          learning_rate, weight_decay, seed):
    training.check(tuning, precision)
    torch.manual_seed(seed)
    model = Gpt2(layers, width, heads, vocabulary, positions)
    if tuning == "lora":
        training.freeze_and_adapt(model, [(block.attn, "c_attn") for block in model.blocks], rank, alpha)
    inputs, targets = training.next_tokens(vocabulary, batch, tokens)
    return training.training_step(model, inputs, targets, precision, learning_rate, weight_decay)


if __name__ == "__main__":
    protocol.serve(build)
