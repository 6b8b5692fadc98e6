"""Times whole training steps of the paper's network here and in PyTorch, in turns, and prints the ratio.

    cargo build --release
    pip install torch numpy
    python examples/steps/against_pytorch.py [--batch 32] [--turns 4] [--device cpu|cuda]

The same network on both sides (preset `alexnet`: two columns, response normalisation, dropout, 1000 classes), the
same update rule, a batch that is already in memory. Both use all cores, never at the same time.
"""

import argparse
import json
import subprocess
import time
from pathlib import Path
from statistics import median

import torch
import torch.nn.functional as F
from torch import nn

ROOT = Path(__file__).resolve().parents[2]


class Norm(nn.Module):
    """b = a / (2 + 1e-4 * sum of squares over 5 channels) ** 0.75, in each column for itself (section 3.3).

    PyTorch divides alpha by the window.
    """

    def forward(self, x):
        halves = x.chunk(2, dim=1)
        return torch.cat([F.local_response_norm(half, 5, alpha=5e-4, beta=0.75, k=2.0) for half in halves], dim=1)


def network():
    conv = nn.Conv2d
    features = [
        nn.ZeroPad2d((0, 3, 0, 3)), conv(3, 96, 11, stride=4), nn.ReLU(), Norm(), nn.MaxPool2d(3, 2),
        conv(96, 256, 5, padding=2, groups=2), nn.ReLU(), Norm(), nn.MaxPool2d(3, 2),
        conv(256, 384, 3, padding=1), nn.ReLU(),
        conv(384, 384, 3, padding=1, groups=2), nn.ReLU(),
        conv(384, 256, 3, padding=1, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Flatten(),
    ]
    dense = [
        nn.Linear(9216, 4096), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4096, 1000),
    ]
    return nn.Sequential(*features, *dense)


class PyTorch:
    def __init__(self, batch, device):
        self.device = torch.device(device)
        self.network = network().to(self.device)
        weights = [p for p in self.network.parameters() if p.dim() > 1]
        biases = [p for p in self.network.parameters() if p.dim() == 1]
        groups = [{"params": weights, "weight_decay": 5e-4}, {"params": biases, "weight_decay": 0.0, "lr": 2e-6}]
        self.update = torch.optim.SGD(groups, lr=1e-6, momentum=0.9)
        self.x = torch.rand(batch, 3, 224, 224, device=self.device) * 2 - 1
        self.y = (torch.arange(batch, device=self.device) * 37) % 1000

    def step(self):
        start = time.perf_counter()
        loss = F.cross_entropy(self.network(self.x), self.y)
        self.update.zero_grad(set_to_none=True)
        loss.backward()
        self.update.step()
        loss.item()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - start) * 1e3


def ours(program, batch, device, steps):
    command = [program, "bench", "train", "--model", "alexnet", "--batch", str(batch), "--runs", str(steps),
               "--device", device, "--json"]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = json.loads(out.splitlines()[-1])
    return found["device"], found["models"][0]["ms"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--program", default=str(ROOT / "target/release/alexnet-lab"))
    args = parser.parse_args()

    peer = PyTorch(args.batch, args.device)
    peer.step()
    here, there = [], []
    for _ in range(args.turns):
        name, ms = ours(args.program, args.batch, "gpu" if args.device == "cuda" else "cpu", args.steps)
        here += ms
        there += [peer.step() for _ in range(args.steps)]
    print(f"alexnet, {args.batch} pictures, {name}; PyTorch {torch.__version__}, {torch.get_num_threads()} threads")
    for title, ms in [("here", here), ("PyTorch", there)]:
        shown = " ".join(f"{value:.0f}" for value in ms)
        print(f"{title:<8} median {median(ms):7.0f} ms, {args.batch * 1e3 / median(ms):6.1f} pictures/s   ({shown})")
    print(f"ratio    {median(there) / median(here):.2f}")


if __name__ == "__main__":
    main()
