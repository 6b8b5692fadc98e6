"""Prepares and feeds the same photographs with AlexNet Lab and with PyTorch, in turns, and prints the ratios.

    pip install torch torchvision
    cargo build --release
    python examples/data/against_pytorch.py [--rounds 5] [--program target/release/alexnet-lab] [FOLDER...]

Each FOLDER holds one folder a class, or `train` with one folder a class. Without any, photographs of two sizes are
made, and saved again by Pillow with the halved colours (4:2:0) that cameras write.

PyTorch's side is torchvision's ImageFolder and a DataLoader with one worker a core and Pillow, kept running and warmed
up by one pass before it is timed:

  prepare   decode, shorter side to 256, central 256x256, as 8-bit tensors; ours: the same into the store
  feed      decode, shorter side to 256, random 224x224 crop and flip, as floats with the mean subtracted: what it does
            for every picture in every epoch; ours: batches from the store with their crops drawn (`feed`), and the
            same as floats on the processor (`input`)

Figures are pictures a second, medians over the rounds; in each round, medians of three.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import PIL
import torch
import torchvision
from PIL import Image
from torchvision import datasets
from torchvision import transforms as T

WORKERS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
PREPARE = T.Compose([T.Resize(256), T.CenterCrop(256), T.PILToTensor()])
FEED = T.Compose([T.Resize(256), T.RandomCrop(224), T.RandomHorizontalFlip(), T.ToTensor(),
                  T.Normalize([0.485, 0.456, 0.406], [1.0, 1.0, 1.0])])


class Theirs:
    """A warm loader over a folder of class folders."""

    def __init__(self, folder, transform):
        data = datasets.ImageFolder(folder, transform)
        # Small enough that no worker has nothing to do at the end.
        batch = max(1, min(32, len(data) // (8 * WORKERS)))
        self.loader = torch.utils.data.DataLoader(data, batch, shuffle=True, num_workers=WORKERS,
                                                  persistent_workers=True)
        self.rate()

    def rate(self):
        began, pictures = time.perf_counter(), 0
        for images, _ in self.loader:
            pictures += len(images)
        return pictures / (time.perf_counter() - began)


def ours(program, folder):
    command = [program, "bench", "data", "--source", str(folder), "--runs", "3", "--device", "cpu", "--json"]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return next(found for found in map(json.loads, lines) if found["event"] == "bench")


def photographs(program, folder):
    print("making photographs …", flush=True)
    subprocess.run([program, "bench", "data", "--keep", str(folder), "--runs", "1"], check=True,
                   stdout=subprocess.DEVNULL)
    for path in folder.rglob("*.jpg"):
        Image.open(path).convert("RGB").save(path, quality=90, subsampling="4:2:0")
    return sorted(path for path in folder.iterdir())


def measure(program, folder, rounds):
    train = folder / "train" if (folder / "train").is_dir() else folder
    prepare, feed = Theirs(train, PREPARE), Theirs(train, FEED)
    figures = {name: [] for name in ["our prepare", "our feed", "our input", "our copy", "their prepare", "their feed"]}
    for done in range(rounds):
        found = ours(program, folder)
        figures["our prepare"].append(found["prepare"][0]["pictures_per_s"])
        for stage in ["feed", "input", "copy"]:
            figures[f"our {stage}"].append(found[stage]["pictures_per_s"])
        figures["their prepare"].append(statistics.median(prepare.rate() for _ in range(3)))
        figures["their feed"].append(statistics.median(feed.rate() for _ in range(3)))
        print(f"  round {done + 1} of {rounds} with {folder.name}", flush=True)
    return found, {name: statistics.median(values) for name, values in figures.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="target/release/alexnet-lab")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("folders", nargs="*", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        folders = args.folders or photographs(args.program, Path(scratch))
        for folder in folders:
            found, rates = measure(args.program, folder, args.rounds)
            files = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
            print(f"\n{folder.name}: {len(files)} files of {sum(files) / len(files) / 1000:.0f} kB")
            print(f"  alexnet-lab {found['machine']['version']} on {found['machine']['processor']}; Python "
                  f"{platform.python_version()}, torch {torch.__version__}, torchvision {torchvision.__version__}, "
                  f"Pillow {PIL.__version__}, {WORKERS} workers")
            for name, rate in rates.items():
                print(f"  {name:<14} {rate:>10.1f} pictures/s")
            for title, mine, theirs in [("prepare", "our prepare", "their prepare"),
                                        ("feed (batches)", "our feed", "their feed"),
                                        ("input (crops as floats)", "our input", "their feed")]:
                print(f"  {title:<24} {rates[mine] / rates[theirs]:8.2f} x PyTorch")
            print(f"  {'feed':<24} {100 * rates['our feed'] / rates['our copy']:8.0f} % of a plain copy\n", flush=True)


if __name__ == "__main__":
    main()
