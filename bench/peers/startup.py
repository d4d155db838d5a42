"""From the start of a Python process to the end of its first training step with PyTorch, on a Llama-shaped checkpoint.

A step starts this file anew as a program: it imports PyTorch, reads config.json and the safetensors file, builds the model,
and runs one step of AdamW on the tokens of a file, padded to the longest row. It reads no text and no tokenizer.
"""

import json
import os
import struct
import subprocess
import sys


def read_safetensors(path):
    """The tensors of a float32 file: eight bytes with the header's length, the header as JSON, the numbers."""
    import torch

    size = os.path.getsize(path)
    data = torch.from_file(path, shared=False, size=size, dtype=torch.uint8)  # mapped, not copied
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
    tensors = {}
    for name, about in header.items():
        if name != "__metadata__":
            begin, end = (8 + length + offset for offset in about["data_offsets"])
            tensors[name] = data[begin:end].clone().view(torch.float32).view(about["shape"])
    return tensors


def read_rows(path):
    """Tokens of all rows, [B, longest], and what each position is to predict: the next token, where that is learned."""
    import torch

    with open(path) as file:
        rows = json.load(file)
    longest = max(len(row["ids"]) for row in rows)
    inputs, targets = torch.zeros(len(rows), longest, dtype=torch.long), torch.full((len(rows), longest), -100)
    for i, row in enumerate(rows):
        inputs[i, :len(row["ids"])] = torch.tensor(row["ids"])
        targets[i, :len(row["ids"]) - 1] = torch.tensor(row["labels"][1:])
    return inputs, targets


def first_step(folder, rows, threads):
    import torch

    import llama_step
    import training

    torch.set_num_threads(threads)
    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    weights = read_safetensors(os.path.join(folder, "model.safetensors"))
    width, heads, layers = config["hidden_size"], config["num_attention_heads"], config["num_hidden_layers"]
    training.initialise = lambda module: None  # every weight is read
    llama_step.EPS = config["rms_norm_eps"]
    model = llama_step.Llama(
        layers, width, heads, config["intermediate_size"], config["vocab_size"], config["max_position_embeddings"])
    shared = heads // config["num_key_value_heads"]  # this model has as many key heads as query heads: they are repeated
    state = {}
    for name in model.state_dict():
        source = "model." + name.replace("blocks.", "layers.")
        for part, owner in (("attn", "qkvo"), ("mlp", "gate up down")):
            for layer in owner.split() if part == "mlp" else owner:
                source = source.replace(f".{layer}_proj", f".{'self_attn' if part == 'attn' else part}.{layer}_proj")
        weight = weights["model.embed_tokens.weight" if name == "lm_head.weight" else source]
        if ".k_proj" in name or ".v_proj" in name:
            weight = weight.view(-1, width // heads, width).repeat_interleave(shared, dim=0).reshape(-1, width)
        state[name] = weight
    model.load_state_dict(state)
    model.lm_head.weight = model.embed_tokens.weight  # tied
    inputs, targets = read_rows(rows)
    step, _ = training.training_step(model, inputs, targets, "fp32", 1e-4, 0.01)
    return step()


def build(*, folder, rows, threads):
    command = [sys.executable, "-B", os.path.abspath(__file__), folder, rows, str(threads)]

    def step():
        return float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)

    return step, {}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(first_step(sys.argv[1], sys.argv[2], int(sys.argv[3])))
    else:
        import protocol

        protocol.serve(build)
