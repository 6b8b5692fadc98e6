"""Writes imagenet-classes.txt beside itself: the names of ImageNet's 1000 classes, one a line.

The names and their order (by WordNet id: index 0 is n01440764, tench) are those that torchvision keeps with its
weights, `AlexNet_Weights.IMAGENET1K_V1.meta["categories"]`. Its licence is BSD-3-Clause.

    pip install torchvision==0.29.2
    python assets/imagenet-classes.py
"""

from pathlib import Path

from torchvision.models import AlexNet_Weights

names = AlexNet_Weights.IMAGENET1K_V1.meta["categories"]
assert len(names) == 1000 and names[0] == "tench" and names[999] == "toilet tissue"
path = Path(__file__).with_suffix(".txt")
path.write_text("".join(name + "\n" for name in names), encoding="utf-8", newline="\n")
