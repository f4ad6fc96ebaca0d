"""The training loop that the benchmark measures against, as a careful researcher would write it.

torchvision's transforms on PIL images, a DataLoader, one network out of `torch.nn`, an eager step, no
synchronisation that is not needed. It shares no code with the product's training.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset
from torchvision import transforms

from model.bench.reference import PlainResNet
from model.machine import cores
from model.spec import Spec


class Images(TorchDataset[tuple[Tensor, int]]):
    """uint8 images [n, H, W, C] as torchvision.datasets.CIFAR10 gives them: PIL, then the transforms."""

    def __init__(self, images: NDArray[np.uint8], labels: list[int], *, flip: bool) -> None:
        self.images, self.labels = images, labels
        channels = images.shape[3]
        mean = [float(images[..., c].mean() / 255) for c in range(channels)]
        std = [float(images[..., c].std() / 255) for c in range(channels)]
        steps: list[Any] = [transforms.RandomCrop(images.shape[1:3], padding=images.shape[1] // 8)]
        steps += [transforms.RandomHorizontalFlip()] if flip else []
        steps += [transforms.ToTensor(), transforms.Normalize(mean, std)]
        self.transform = transforms.Compose(steps)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        pixels = self.images[index]
        picture = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[..., 0])
        return self.transform(picture), self.labels[index]


class PlainLoop:
    """One network in training by the plain loop. Loader workers only where a GPU leaves them cores."""

    def __init__(self, spec: Spec, images: Images, classes: int, device: torch.device) -> None:
        cuda = device.type == "cuda"
        workers = min(8, max(1, cores() - 1)) if cuda else 0
        self.loader: DataLoader[tuple[Tensor, int]] = DataLoader(
            images,
            batch_size=spec.batch_size,
            shuffle=True,
            drop_last=True,
            num_workers=workers,
            pin_memory=cuda,
            persistent_workers=workers > 0,
        )
        self.device, self.batch_size = device, spec.batch_size
        self.net = PlainResNet(spec, images.images.shape[3], classes).to(device)
        rate = 0.1 * spec.batch_size / 32
        self.optimiser = torch.optim.SGD(self.net.parameters(), lr=rate, momentum=0.9, weight_decay=1e-4)
        self._batches = self._forever()

    def _forever(self) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield from self.loader

    def train_steps(self, steps: int) -> None:
        """Train `steps` batches, and wait for the last as an epoch's end would."""
        self.net.train()
        loss_sum = torch.zeros((), device=self.device)
        wrong = torch.zeros((), device=self.device)
        for _ in range(steps):
            images, labels = next(self._batches)
            images, labels = images.to(self.device, non_blocking=True), labels.to(self.device)
            self.optimiser.zero_grad()
            logits = self.net(images)
            loss = F.cross_entropy(logits, labels)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()
            loss_sum += loss.detach()
            wrong += (logits.argmax(1) != labels).sum()
        loss_sum.item()
        wrong.item()
