"""Draws the validation errors of our runs and PyTorch's into one plot and prints them as a table.

    pip install matplotlib
    python examples/cifar/compare.py ours-1/metrics.csv ours-2/metrics.csv pytorch-1.csv pytorch-2.csv curves.png

The first half of the files are `metrics.csv` of runs, the second half what against_pytorch.py wrote, seed by seed.
"""

import csv
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def errors(path):
    with open(path) as file:
        rows = list(csv.DictReader(file))
    if "validation_top1_error" in rows[0]:
        return [float(row["validation_top1_error"]) for row in rows]
    return [float(row["top1_error"]) for row in rows if row["split"] == "validation"]


def main():
    *files, picture = sys.argv[1:]
    half = len(files) // 2
    ours, theirs = [[errors(path) for path in part] for part in (files[:half], files[half:])]
    epochs = range(1, len(ours[0]) + 1)
    figure, axes = plt.subplots(figsize=(7, 4.2), dpi=120)
    for seed, (our, their) in enumerate(zip(ours, theirs), 1):
        line, = axes.plot(epochs, [100 * e for e in our], marker="o", label=f"AlexNet Lab, seed {seed}")
        axes.plot(epochs, [100 * e for e in their], marker="x", linestyle="--", color=line.get_color(),
                  label=f"PyTorch, seed {seed}")
    axes.set(xlabel="epoch", ylabel="top-1 error on the 10,000 test pictures, %", xticks=list(epochs),
             title="cifar-80sec: rate divided by 10 for the last fifth of the run")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(picture)

    seeds = range(1, half + 1)
    print("| epoch | " + " | ".join(f"ours, seed {s} | PyTorch, seed {s}" for s in seeds) + " |")
    print("|---|" + "---|" * 2 * half)
    for epoch in epochs:
        cells = [f"{100 * series[s][epoch - 1]:.2f}" for s in range(half) for series in (ours, theirs)]
        print(f"| {epoch} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
