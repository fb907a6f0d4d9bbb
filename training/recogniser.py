"""Train the recogniser of sounds of all languages.

    python training/recogniser.py FEATURES OUT.npz [STEPS]

FEATURES is the output of `corpus.py`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import torch
from aligned import clips
from torch import nn

from soundclone.engines.builtin import recogniser, sounds

HELD_OUT = 40  # speakers, at most a fifth
UNITS, LENGTH, BATCH = 224, 240, 16
RATE, DECAY, SMOOTHING = 2e-3, 0.02, 0.05
BANDS = 80


class Net(nn.Module):
    """Convolutions over frames with growing dilation."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(recogniser.INPUTS, UNITS, 5, padding=2)
        self.layers = nn.ModuleList(
            nn.Conv1d(UNITS, UNITS, 3, padding=d, dilation=d) for d in recogniser.DILATIONS
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(UNITS) for _ in range(len(self.layers) + 1))
        self.dropout = nn.Dropout(0.1)
        self.last = nn.Conv1d(UNITS, len(sounds.SOUNDS), 1)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        rows = torch.relu(self.norms[0](self.first(rows)))
        for layer, norm in zip(self.layers, list(self.norms)[1:], strict=True):
            rows = rows + self.dropout(torch.relu(norm(layer(rows))))
        out: torch.Tensor = self.last(rows)
        return out

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the weights with the normalisation folded into the convolutions."""
        out = {}
        for name, layer, norm in zip(
            ["first", *(f"layers.{k}" for k in range(len(self.layers)))],
            [self.first, *self.layers],
            self.norms,
            strict=True,
        ):
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            out[f"{name}.weight"] = layer.weight * scale[:, None, None]
            out[f"{name}.bias"] = (layer.bias - norm.running_mean) * scale + norm.bias
        out["last.weight"], out["last.bias"] = self.last.weight, self.last.bias
        return {k: v.detach().numpy() for k, v in out.items()}


def bigrams(sequences: list[np.ndarray]) -> np.ndarray:
    """Log-probability of each sound after each sound."""
    count = np.full((len(sounds.SOUNDS), len(sounds.SOUNDS)), 0.02)
    for row in sequences:
        np.add.at(count, (row[:-1], row[1:]), 1)
    return np.log(count / count.sum(axis=1, keepdims=True)).astype(np.float32)


def main() -> None:
    features, target = Path(sys.argv[1]), Path(sys.argv[2])
    steps = int(sys.argv[3]) if len(sys.argv) > 3 else 3000
    torch.manual_seed(0)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    rows, labels, owners, sequences = [], [], [], []
    for c in clips(features):
        rows.append(
            recogniser.inputs(c.envelope, c.level, c.f0, c.active, c.free.astype(np.float32))
        )
        labels.append(np.repeat(c.rows[:, sounds.SOUND], c.durations))
        owners.append(c.speaker)
        sequences.append(c.rows[:, sounds.SOUND])
    names = sorted(set(owners))
    out = {names[k] for k in rng.permutation(len(names))[: min(HELD_OUT, len(names) // 5)]}
    train = [k for k, owner in enumerate(owners) if owner not in out]
    test = [k for k, owner in enumerate(owners) if owner in out]
    weights = np.array([len(labels[k]) for k in train], float)
    weights /= weights.sum()
    net = Net()
    size = sum(p.numel() for p in net.parameters())
    print(
        f"{len(train)} clips, {sum(map(len, labels)) / 360_000:.2f} h, {size} parameters",
        flush=True,
    )
    band = np.arange(BANDS)
    tilt = np.exp(-0.5 * ((band[:, None] - band) / 8) ** 2)
    tilt = torch.tensor((tilt / np.sqrt((tilt**2).sum(axis=0))).astype(np.float32))
    optimiser = torch.optim.AdamW(net.parameters(), RATE, weight_decay=DECAY)
    started = time.time()
    for step in range(steps):
        rate = RATE * min(1, (step + 1) / 100) * 0.5 * (1 + np.cos(np.pi * step / steps)) + 1e-5
        for group in optimiser.param_groups:
            group["lr"] = rate
        x = np.zeros((BATCH, LENGTH, recogniser.INPUTS), np.float32)
        y = np.full((BATCH, LENGTH), -1)
        for i, k in enumerate(rng.choice(train, BATCH, p=weights)):
            start = int(rng.integers(0, max(len(labels[k]) - LENGTH, 0) + 1))
            part = rows[k][start : start + LENGTH].astype(np.float32)
            shift = rng.uniform(-1.5, 1.5)  # bands, as a longer or shorter vocal tract
            if rng.random() < 0.7:
                low = int(np.floor(shift))
                own = part[:, :BANDS]
                a = own[:, (band + low).clip(0, BANDS - 1)]
                b = own[:, (band + low + 1).clip(0, BANDS - 1)]
                part = part.copy()
                part[:, :BANDS] = a + (shift - low) * (b - a)
            x[i, : len(part)] = part
            y[i, : len(part)] = labels[k][start : start + LENGTH]
        inputs = torch.tensor(x)
        inputs = inputs + 0.15 * torch.randn_like(inputs)
        inputs[:, :, :BANDS] += 0.3 * torch.randn(BATCH, 1, BANDS) @ tilt
        loss = nn.functional.cross_entropy(
            net(inputs.transpose(1, 2)),
            torch.tensor(y),
            ignore_index=-1,
            label_smoothing=SMOOTHING,
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 250 == 249 or step == steps - 1:
            net.eval()
            right = total = 0
            with torch.no_grad():
                for k in test:
                    found = net(torch.tensor(rows[k].astype(np.float32).T[None]))[0].argmax(0)
                    right += int((found.numpy() == labels[k]).sum())
                    total += len(labels[k])
            net.train()
            print(
                f"{step + 1} loss {loss.item():.3f}, held-out frames right {right / total:.3f}, "
                f"{time.time() - started:.0f} s",
                flush=True,
            )
            arrays = net.eval().arrays()
            net.train()
            arrays["bigrams"] = bigrams([sequences[k] for k in train])
            np.savez_compressed(target, **{k: v.astype(np.float16) for k, v in arrays.items()})


if __name__ == "__main__":
    main()
