"""Greedy generation with a GPT-2-shaped model in plain PyTorch: a prompt is read at once, then token by token.

Keys and values lie in a cache allocated once; each token writes its own into place and attends to a view of those before it.
A step is one whole generation.
"""

import math

import torch
import torch.nn.functional as F

import gpt2_step
import protocol


class Generator:
    """The model's weights, taken out of their modules: what is left of a token is arithmetic and few calls."""

    def __init__(self, model, rows, longest):
        self.model = model
        self.heads = model.blocks[0].attn.heads
        width = model.wte.weight.shape[1]
        self.size = width // self.heads
        shape = (len(model.blocks), rows, self.heads, longest, self.size)
        self.keys, self.values = torch.zeros(shape), torch.zeros(shape)

    def project(self, layer, x):
        # A matrix-vector product streams the weight; the general product would pack it first.
        if x.shape[0] == 1:
            return torch.addmv(layer.bias, layer.weight, x[0])[None]
        return F.linear(x, layer.weight, layer.bias)

    def attend(self, index, q, past):
        keys, values = self.keys[index, :, :, :past], self.values[index, :, :, :past]
        scores = (q @ keys.transpose(-2, -1)) / math.sqrt(self.size)
        tokens = q.shape[2]
        if tokens > 1:
            scores = scores.masked_fill(self.model.blocks[index].attn.future[:tokens, :tokens], float("-inf"))
        return F.softmax(scores, dim=-1) @ values

    def read(self, ids, start):
        """Reads tokens [rows, tokens] that follow `start` others; returns the logits of each row's last."""
        rows, tokens = ids.shape
        end = start + tokens
        x = F.embedding(ids, self.model.wte.weight) + self.model.wpe.weight[start:end]
        x = x.view(rows * tokens, -1)
        for index, block in enumerate(self.model.blocks):
            qkv = self.project(block.attn.c_attn, block.ln_1(x)).view(rows, tokens, 3, self.heads, self.size)
            q, k, v = qkv.permute(2, 0, 3, 1, 4)
            self.keys[index, :, :, start:end] = k
            self.values[index, :, :, start:end] = v
            y = self.attend(index, q, end).transpose(1, 2).reshape(rows * tokens, -1)
            x = x + self.project(block.attn.c_proj, y)
            x = x + self.project(block.c_proj, F.gelu(self.project(block.c_fc, block.ln_2(x)), approximate="tanh"))
        last = self.model.ln_f(x.view(rows, tokens, -1)[:, -1])
        table = self.model.wte.weight
        return torch.mv(table, last[0])[None] if rows == 1 else F.linear(last, table)


def build(*, layers, width, heads, vocabulary, positions, batch, prompt, tokens, seed):
    torch.manual_seed(seed)
    model = gpt2_step.Gpt2(layers, width, heads, vocabulary, positions).eval().requires_grad_(False)
    generator = Generator(model, batch, prompt + tokens)
    prompts = torch.randint(0, vocabulary, (batch, prompt))

    @torch.inference_mode()
    def step():
        logits = generator.read(prompts, 0)
        for i in range(1, tokens):
            logits = generator.read(logits.argmax(dim=-1, keepdim=True), prompt + i - 1)
        return -F.log_softmax(logits, dim=-1).max(dim=-1).values.mean().item()

    return step, {"parameters": sum(p.numel() for p in model.parameters())}


if __name__ == "__main__":
    protocol.serve(build)
