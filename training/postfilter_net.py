"""The post-filter in torch, and the losses that train it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from soundclone.engines.builtin import postfilter, vocoder
from soundclone.engines.builtin.postfilter import BINS, BLOCKS, CHANNELS, FFT, HOP, TAPS, UNITS

TOP = 7400.0  # Hz, of the losses
RESOLUTIONS = ((2048, 300), (1024, 240), (480, 120), (240, 60))
MELS = {2048: 90, 1024: 72, 480: 28}
CRITICS = (2048, 1024, 480)
FLOOR = 2e-3  # of magnitude, some 60 dB below speech


class Block(nn.Module):
    """A depthwise convolution over time, then two layers, added to the input."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = nn.Conv1d(CHANNELS, CHANNELS, TAPS, padding=TAPS // 2, groups=CHANNELS)
        self.norm = nn.LayerNorm(CHANNELS)
        self.wide = nn.Linear(CHANNELS, UNITS)
        self.back = nn.Linear(UNITS, CHANNELS)
        self.scale = nn.Parameter(torch.full((CHANNELS,), 0.2))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.depth(x.transpose(1, 2)).transpose(1, 2))
        return x + self.scale * self.back(functional.gelu(self.wide(y), approximate="tanh"))


class Net(nn.Module):
    """`postfilter.correction` in torch."""

    def __init__(self) -> None:
        super().__init__()
        self.into = nn.Linear(postfilter.FEATURES + BINS, CHANNELS)
        self.near = nn.Conv1d(CHANNELS, CHANNELS, 3, padding=1, groups=4)
        self.norm = nn.LayerNorm(CHANNELS)
        self.blocks = nn.ModuleList(Block() for _ in range(BLOCKS))
        self.last_norm = nn.LayerNorm(CHANNELS)
        self.out = nn.Linear(CHANNELS, 3 * BINS)
        nn.init.zeros_(self.out.bias)
        nn.init.normal_(self.out.weight, std=1e-3)

    def gains(self, rows: Tensor, pulses: Tensor) -> list[Tensor]:
        """Return the raw outputs: gain of pulses, gain of noise, phase of pulses (B, T, BINS)."""
        scaled = (torch.log(pulses + 1e-5) + 4) / 3 * torch.from_numpy(postfilter.mask())
        x = self.into(torch.cat([rows, scaled], dim=2))
        x = self.norm(x + self.near(x.transpose(1, 2)).transpose(1, 2))
        for block in self.blocks:
            x = block(x)
        return list(self.out(self.last_norm(x)).chunk(3, dim=2))

    def forward(self, p: Tensor, n: Tensor, rows: Tensor, a0: Tensor, b0: Tensor) -> Tensor:
        window = torch.hann_window(FFT)
        spectra = [
            torch.stft(
                s, FFT, HOP, FFT, window, center=True, pad_mode="constant", return_complex=True
            )[..., : rows.shape[1]].transpose(1, 2)
            for s in (p, n)
        ]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.training):
            raw = self.gains(rows, spectra[0][..., :BINS].abs())
        mask = torch.from_numpy(postfilter.mask())
        a, b, turn = (functional.pad(r.float() * mask, (0, FFT // 2 + 1 - BINS)) for r in raw)
        a = a0 + 3 * torch.tanh(a / 3)
        b = (b0 + 9 * torch.tanh(b / 9)).clamp(max=3)
        mixed = spectra[0] * torch.polar(torch.exp(a), 2 * turn) + spectra[1] * torch.exp(b)
        return torch.istft(mixed.transpose(1, 2), FFT, HOP, FFT, window, length=p.shape[1])


def mel_bank(size: int, count: int) -> Tensor:
    """Return the weights of bins below TOP in `count` mel bands."""
    bins = np.arange(size // 2 + 1) * vocoder.OUTPUT_RATE / size
    top = 1127 * np.log1p((TOP - 60) / 700)
    edges = 700 * np.expm1(np.linspace(1127 * np.log1p(80 / 700), top, count + 2) / 1127)
    up = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    weights = np.maximum(0, np.minimum(up, down))
    weights = weights[:, weights.sum(axis=0) > 0.3]
    weights /= weights.sum(axis=0)
    return torch.from_numpy(weights[: kept(size)].astype(np.float32))


def kept(size: int) -> int:
    return int(TOP * size / vocoder.OUTPUT_RATE) + 1


WINDOWS = {size: torch.hann_window(size) for size, _ in RESOLUTIONS}
BANKS = {size: mel_bank(size, count) for size, count in MELS.items()}


def magnitudes(x: Tensor) -> dict[int, Tensor]:
    """Return the magnitudes below TOP at all RESOLUTIONS."""
    return {
        n: torch.stft(
            x, n, h, n, WINDOWS[n], center=True, pad_mode="constant", return_complex=True
        )[:, : kept(n)].abs()
        for n, h in RESOLUTIONS
    }


def spectral(made: dict[int, Tensor], real: dict[int, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Return the distances in log mel bands, of log magnitudes, and of magnitudes."""
    mel = linear = convergence = torch.zeros(())
    for n, _ in RESOLUTIONS:
        y, x, e = made[n], real[n], FLOOR * n / 128
        linear = linear + (torch.log(y + e) - torch.log(x + e)).abs().mean() / len(RESOLUTIONS)
        convergence = convergence + (y - x).norm() / x.norm() / len(RESOLUTIONS)
        if n in BANKS:
            a, b = (torch.log((z * z).transpose(1, 2) @ BANKS[n] + e * e) / 2 for z in (y, x))
            mel = mel + (a - b).abs().mean() / len(BANKS)
    return mel, linear, convergence


class Critic(nn.Module):
    """Four convolutions over a log magnitude spectrogram."""

    def __init__(self) -> None:
        super().__init__()
        c, normed = 24, nn.utils.parametrizations.weight_norm
        shapes = [(1, c, 7, 5, (4, 2)), (c, c, 5, 3, (2, 1)), (c, 2 * c, 5, 3, (2, 2))]
        shapes.append((2 * c, 2 * c, 5, 3, (2, 1)))
        self.layers = nn.ModuleList(
            normed(nn.Conv2d(i, o, (h, w), s, (h // 2, w // 2))) for i, o, h, w, s in shapes
        )
        self.out = nn.Conv2d(2 * c, 1, 3, 1, 1)

    def forward(self, magnitude: Tensor) -> tuple[Tensor, list[Tensor]]:
        x, seen = (torch.log(magnitude[:, None] + 0.01) + 1) / 2, []
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), 0.1)
            seen.append(x)
        return self.out(x), seen


class Critics(nn.Module):
    """A critic at each of CRITICS."""

    def __init__(self) -> None:
        super().__init__()
        self.each = nn.ModuleList(Critic() for _ in CRITICS)

    def forward(self, made: dict[int, Tensor]) -> list[tuple[Tensor, list[Tensor]]]:
        return [critic(made[n]) for critic, n in zip(self.each, CRITICS, strict=True)]
