"""One training step of an image classifier in plain PyTorch: ResNet-18, ResNet-50 or ViT-B/16, as torchvision and transformers build them.

Random weights from a seed, random pictures; AdamW. Either every weight learns (tuning "full"), or only the output layer on a frozen
body in evaluation mode (tuning "head").
"""

import contextlib

import torch
import torch.nn as nn
import torch.nn.functional as F

import protocol
import training


class Residual(nn.Module):
    """Two or, as a bottleneck, three convolutions beside a shortcut."""

    def __init__(self, channels, width, stride, bottleneck):
        super().__init__()
        features = width * 4 if bottleneck else width
        kernels = ((1, 1), (3, stride), (1, 1)) if bottleneck else ((3, stride), (3, 1))
        widths = (channels, width, width, features) if bottleneck else (channels, width, features)
        self.convs = nn.ModuleList(
            nn.Conv2d(i, o, kernel, step, kernel // 2, bias=False)
            for i, o, (kernel, step) in zip(widths, widths[1:], kernels))
        self.norms = nn.ModuleList(nn.BatchNorm2d(o) for o in widths[1:])
        self.shortcut = None
        if stride != 1 or channels != features:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, features, 1, stride, bias=False), nn.BatchNorm2d(features))
        self.features = features

    def forward(self, x):
        y = x
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms)):
            y = norm(conv(y))
            if i < len(self.convs) - 1:
                y = F.relu(y, inplace=True)
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)), inplace=True)


class ResNet(nn.Module):
    def __init__(self, depths, bottleneck, classes):
        super().__init__()
        blocks, channels = [], 64
        for stage, count in enumerate(depths):
            for i in range(count):
                blocks.append(Residual(channels, 64 << stage, 2 if stage > 0 and i == 0 else 1, bottleneck))
                channels = blocks[-1].features
        self.body = nn.Sequential(
            nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1), *blocks)
        self.head = nn.Linear(channels, classes)

    def features(self, x):
        return self.body(x).mean((2, 3))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, 1e-12), nn.LayerNorm(width, 1e-12)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        h = self.norm1(x)
        q, k, v = (training.split_heads(linear(h), self.heads) for linear in (self.query, self.key, self.value))
        x = x + self.out(training.attend(q, k, v))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class ViT(nn.Module):
    def __init__(self, size, classes, width=768, layers=12, heads=12, patch=16):
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.cls = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, (size // patch) ** 2 + 1, width) * 0.02)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(width, 1e-12)
        self.head = nn.Linear(width, classes)
        self.apply(training.initialise)

    def features(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.cls.expand(x.shape[0], -1, -1), x), 1) + self.positions
        return self.norm(self.blocks(x))[:, 0]


class Classifier(nn.Module):
    def __init__(self, model, frozen):
        super().__init__()
        self.model, self.frozen = model, frozen
        if frozen:
            model.requires_grad_(False)
            model.head.requires_grad_(True)
            model.eval()

    def forward(self, pictures, labels):
        with torch.no_grad() if self.frozen else contextlib.nullcontext():
            features = self.model.features(pictures)
        return F.cross_entropy(self.model.head(features), labels)


def build(*, architecture, batch, size, classes, tuning, precision, channels_last, learning_rate, weight_decay, seed):
    torch.manual_seed(seed)
    model = {
        "resnet18": lambda: ResNet((2, 2, 2, 2), False, classes),
        "resnet50": lambda: ResNet((3, 4, 6, 3), True, classes),
        "vit-b16": lambda: ViT(size, classes),
    }[architecture]()
    classifier = Classifier(model, tuning == "head")
    pictures, labels = torch.randn(batch, 3, size, size), torch.randint(0, classes, (batch,))
    if channels_last:
        classifier, pictures = classifier.to(memory_format=torch.channels_last), pictures.contiguous(memory_format=torch.channels_last)
    return training.training_step(classifier, pictures, labels, precision, learning_rate, weight_decay)


if __name__ == "__main__":
    protocol.serve(build)
