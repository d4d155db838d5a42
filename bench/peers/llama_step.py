"""One training step of a Llama-shaped language model in plain PyTorch.

Pre-norm blocks with RMSNorm, rotary positions on halves, SwiGLU, no biases, untied head, causal attention, no dropout;
random weights from a seed; AdamW. Either every weight learns (tuning "full") or, with the base frozen, a low-rank
update of each block's q_proj and v_proj (tuning "lora").
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

import protocol
import training

EPS, ROPE_BASE = 1e-6, 10000.0


class RmsNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        if hasattr(F, "rms_norm"):  # fused since PyTorch 2.4
            return F.rms_norm(x, self.weight.shape, self.weight, EPS)
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS))


def rotary_tables(positions, head_width):
    """cos and sin of position times frequency, [positions, D]: both halves of a head turn by the same angles."""
    frequencies = ROPE_BASE ** -(torch.arange(0, head_width, 2).float() / head_width)
    angles = torch.outer(torch.arange(positions).float(), frequencies)
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


class Block(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.heads = heads
        self.input_layernorm = RmsNorm(width)
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width, bias=False)
        self.o_proj = nn.Linear(width, width, bias=False)
        self.post_attention_layernorm = RmsNorm(width)
        self.gate_proj = nn.Linear(width, hidden, bias=False)
        self.up_proj = nn.Linear(width, hidden, bias=False)
        self.down_proj = nn.Linear(hidden, width, bias=False)

    def forward(self, x, cos, sin, future):
        h = self.input_layernorm(x)
        q, k, v = (training.split_heads(linear(h), self.heads) for linear in (self.q_proj, self.k_proj, self.v_proj))
        x = x + self.o_proj(training.attend(rotate(q, cos, sin), rotate(k, cos, sin), v, future))
        h = self.post_attention_layernorm(x)
        return x + self.down_proj(F.silu(self.gate_proj(h)) * self.up_proj(h))


class Llama(nn.Module):
    def __init__(self, layers, width, heads, hidden, vocabulary, positions):
        super().__init__()
        self.embed_tokens = nn.Embedding(vocabulary, width)
        self.blocks = nn.ModuleList(Block(width, heads, hidden) for _ in range(layers))
        self.norm = RmsNorm(width)
        self.lm_head = nn.Linear(width, vocabulary, bias=False)
        cos, sin = rotary_tables(positions, width // heads)
        for name, table in (("cos", cos), ("sin", sin), ("future", training.future_mask(positions))):
            self.register_buffer(name, table, persistent=False)
        self.apply(training.initialise)

    def forward(self, tokens, targets):
        length = tokens.shape[1]
        x = self.embed_tokens(tokens)
        for block in self.blocks:
            x = block(x, self.cos[:length], self.sin[:length], self.future)
        logits = self.lm_head(self.norm(x))
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def build(*, layers, width, heads, hidden, vocabulary, positions, batch, tokens, tuning, rank, alpha, precision,
          learning_rate, weight_decay, seed):
    training.check(tuning, precision)
    torch.manual_seed(seed)
    model = Llama(layers, width, heads, hidden, vocabulary, positions)
    if tuning == "lora":
        adapted = [(block, name) for block in model.blocks for name in ("q_proj", "v_proj")]
        training.freeze_and_adapt(model, adapted, rank, alpha)
    inputs, targets = training.next_tokens(vocabulary, batch, tokens)
    return training.training_step(model, inputs, targets, precision, learning_rate, weight_decay)


if __name__ == "__main__":
    protocol.serve(build)
