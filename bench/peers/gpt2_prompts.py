"""One step of supervised fine-tuning of a GPT-2-shaped model, the usual way: padded rows, all logits.

Rows of several lengths are padded on the right to the longest. The first half of each row is a prompt: its positions,
and the padding, have the label -100, which the loss leaves out. A causal model needs no mask for padding on the right.
"""

import torch

import protocol
import training
from gpt2_step import Gpt2


def build(*, layers, width, heads, vocabulary, positions, batch, tokens, lengths, tuning, rank, alpha, precision,
          learning_rate, weight_decay, seed):
    training.check(tuning, precision)
    torch.manual_seed(seed)
    model = Gpt2(layers, width, heads, vocabulary, positions)
    if tuning == "lora":
        training.freeze_and_adapt(model, [(block.attn, "c_attn") for block in model.blocks], rank, alpha)
    inputs = torch.zeros(batch, tokens, dtype=torch.long)
    targets = torch.full((batch, tokens), -100)
    for row, length in enumerate(lengths):
        inputs[row, :length] = torch.randint(0, vocabulary, (length,))
        prompt = length // 2
        targets[row, prompt - 1:length - 1] = inputs[row, prompt:length]
    return training.training_step(model, inputs, targets, precision, learning_rate, weight_decay)


if __name__ == "__main__":
    protocol.serve(build)
