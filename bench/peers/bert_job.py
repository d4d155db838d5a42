"""A whole classification job with a BERT-shaped encoder whose lower layers are frozen, the usual way.

Each batch is padded to its longest row and masked. The frozen layers run under no_grad in every pass over the rows;
the last layer is computed for all tokens, of which the classifier reads the first.
"""

import torch
import torch.nn.functional as F

import protocol
import training
from bert_step import Bert


def padded(rows):
    """Tokens and the mask of what is padding, both [B, longest]."""
    tokens = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    lengths = torch.tensor([len(row) for row in rows])
    return tokens, torch.arange(tokens.shape[1]) >= lengths[:, None]


def loss_of(model, frozen, tokens, padding, classes):
    with torch.no_grad():
        x = model.words(tokens) + model.types(torch.zeros_like(tokens)) + model.positions(torch.arange(tokens.shape[1]))
        x = model.norm(x)
        for layer in model.layers[:frozen]:
            x = layer(x, padding)
    for layer in model.layers[frozen:]:
        x = layer(x, padding)
    return F.cross_entropy(model.classifier(torch.tanh(model.pooler(x[:, 0]))), classes)


def build(*, layers, width, heads, hidden, vocabulary, positions, labels, lengths, epochs, learning_blocks,
          learning_rate, weight_decay, seed, **_):
    torch.manual_seed(seed)
    model = Bert(layers, width, heads, hidden, vocabulary, positions, labels)
    model.requires_grad_(False)
    for part in [model.pooler, model.classifier, *model.layers[layers - learning_blocks:]]:
        part.requires_grad_(True)
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = training.adamw(learning, learning_rate, weight_decay)
    rows = [torch.randint(0, vocabulary, (length,)) for length in lengths]
    classes = torch.arange(len(rows)) % labels

    def step():
        first = None
        for epoch in epochs:
            for batch in epoch:
                tokens, padding = padded([rows[i] for i in batch])
                optimizer.zero_grad(set_to_none=True)
                loss = loss_of(model, layers - learning_blocks, tokens, padding, classes[batch])
                loss.backward()
                optimizer.step()
                first = loss.item() if first is None else first
        return first

    return step, {"parameters": sum(p.numel() for p in model.parameters()), "trainable": sum(p.numel() for p in learning)}


if __name__ == "__main__":
    protocol.serve(build)
