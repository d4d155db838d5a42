"""One classification step of a BERT-shaped encoder in plain PyTorch.

Post-LN blocks, exact GELU, learned positions and token types, a pooled first token, no padding and so no mask, no
dropout; random weights from a seed; AdamW. Either every weight learns (tuning "full") or, with the base frozen, a
low-rank update of each block's query and value, and the classifier (tuning "lora", as PEFT does it).
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

import protocol
import training

EPS = 1e-12


class Layer(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.attention_output = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width, eps=EPS)
        self.intermediate = nn.Linear(width, hidden)
        self.output = nn.Linear(hidden, width)
        self.output_norm = nn.LayerNorm(width, eps=EPS)

    def forward(self, x, padding=None):
        q, k, v = (training.split_heads(linear(x), self.heads) for linear in (self.query, self.key, self.value))
        x = self.attention_norm(self.attention_output(training.attend(q, k, v, padding=padding)) + x)
        return self.output_norm(self.output(F.gelu(self.intermediate(x))) + x)


class Bert(nn.Module):
    def __init__(self, layers, width, heads, hidden, vocabulary, positions, labels):
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(positions, width)
        self.types = nn.Embedding(2, width)
        self.norm = nn.LayerNorm(width, eps=EPS)
        self.layers = nn.ModuleList(Layer(width, heads, hidden) for _ in range(layers))
        self.pooler = nn.Linear(width, width)
        self.classifier = nn.Linear(width, labels)
        self.apply(training.initialise)

    def forward(self, tokens, classes):
        x = self.words(tokens) + self.types(torch.zeros_like(tokens)) + self.positions(torch.arange(tokens.shape[1]))
        x = self.norm(x)
        for layer in self.layers:
            x = layer(x)
        return F.cross_entropy(self.classifier(torch.tanh(self.pooler(x[:, 0]))), classes)


def build(*, layers, width, heads, hidden, vocabulary, positions, labels, batch, tokens, tuning, rank, alpha, precision,
          learning_rate, weight_decay, seed):
    training.check(tuning, precision)
    torch.manual_seed(seed)
    model = Bert(layers, width, heads, hidden, vocabulary, positions, labels)
    if tuning == "lora":
        adapted = [(layer, name) for layer in model.layers for name in ("query", "value")]
        training.freeze_and_adapt(model, adapted, rank, alpha)
        model.classifier.requires_grad_(True)
    inputs, classes = torch.randint(0, vocabulary, (batch, tokens)), torch.randint(0, labels, (batch,))
    return training.training_step(model, inputs, classes, precision, learning_rate, weight_decay)


if __name__ == "__main__":
    protocol.serve(build)
