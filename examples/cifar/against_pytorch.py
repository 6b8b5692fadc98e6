"""Trains the author's quick CIFAR-10 network (preset cifar-80sec) in PyTorch on what a run of AlexNet Lab sees.

    pip install torch numpy safetensors
    cargo run --release --example deal -- cifar10-images.tar cifar-80sec 1 10 dealt-1
    python examples/cifar/against_pytorch.py dealt-1 pytorch-1.csv

Same pictures, same order, same first weights, same update rule (paper section 5: the rate stands inside the velocity,
biases learn at twice the rate and do not decay), same division by 10 after 8 of 10 epochs. Writes one row an epoch:
epoch, mean training loss, validation loss, validation top-1 error, seconds.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

RATE, MOMENTUM, BATCH = 0.001, 0.9, 128
DECAY = {"conv1": 0.004, "conv2": 0.004, "conv3": 0.004, "fc64": 0.03, "fc10": 0.03}


def forward(w, x):
    """layers-80sec.cfg: every pooling window is 3x3, 2 apart, and may hang over the edge."""
    x = F.conv2d(x, w["conv1.weight"], w["conv1.bias"], padding=2)
    x = F.relu(F.max_pool2d(x, 3, 2, ceil_mode=True))
    for name in ["conv2", "conv3"]:
        x = F.relu(F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], padding=2))
        x = F.avg_pool2d(x, 3, 2, ceil_mode=True)
    x = F.relu(F.linear(x.flatten(1), w["fc64.weight"], w["fc64.bias"]))
    return F.linear(x, w["fc10.weight"], w["fc10.bias"])


def update(w, velocity, rate):
    with torch.no_grad():
        for name, value in w.items():
            layer, kind = name.split(".")
            own = rate * (2 if kind == "bias" else 1)
            decay = DECAY[layer] if kind == "weight" else 0.0
            velocity[name].mul_(MOMENTUM).sub_(own * (value.grad + decay * value))
            value.add_(velocity[name])
            value.grad = None


def read(folder, name, kind):
    return torch.from_numpy(np.fromfile(folder / name, dtype=kind).copy())


def main():
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    mean = read(folder, "mean.f32", "<f4").view(3, 32, 32)
    labels = {split: read(folder, f"{split}.u32", "<u4").long() for split in ["train", "validation"]}
    pixels = {split: read(folder, f"{split}.u8", "u1").view(-1, 3, 32, 32) for split in labels}
    orders = read(folder, "orders.u32", "<u4").long().view(-1, len(labels["train"]))
    w = {name: value.requires_grad_() for name, value in load_file(folder / "first.safetensors").items()
         if name != "input.mean"}
    velocity = {name: torch.zeros_like(value) for name, value in w.items()}

    def batches(split, order):
        for chosen in order.split(BATCH):
            yield pixels[split][chosen].float() - mean, labels[split][chosen]

    with out.open("w") as file:
        print("epoch,train_loss,validation_loss,validation_top1_error,seconds", file=file)
        for epoch, order in enumerate(orders, 1):
            began, total = time.time(), 0.0
            rate = RATE if epoch <= 0.8 * len(orders) else RATE / 10
            for x, y in batches("train", order):
                loss = F.cross_entropy(forward(w, x), y)
                loss.backward()
                update(w, velocity, rate)
                total += loss.item() * len(y)
            seconds, loss, wrong = time.time() - began, 0.0, 0
            with torch.no_grad():
                for x, y in batches("validation", torch.arange(len(labels["validation"]))):
                    logits = forward(w, x)
                    loss += F.cross_entropy(logits, y, reduction="sum").item()
                    wrong += (logits.argmax(1) != y).sum().item()
            n = len(labels["validation"])
            row = f"{epoch},{total / len(order):.6f},{loss / n:.6f},{wrong / n:.4f},{seconds:.1f}"
            print(row, file=file, flush=True)
            print(row, flush=True)


if __name__ == "__main__":
    main()
