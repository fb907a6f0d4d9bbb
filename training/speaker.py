"""Train the network that tells speakers apart, `audio/speakers.py`.

    python training/speaker.py CORPUS OUT.npz [--steps 3000]

CORPUS is laid out as `features.py` says. Of the speakers with several clips and 12 s of speech at
least, 150 are kept out to test and 60 to develop with (`held_out`). The others learn to be told
apart, by softmax and by the angular prototypical loss (Chung et al., "In defence of metric learning
for speaker recognition", Interspeech 2020), each also at 0.9 and 1.1 of their speed as two more
speakers; sounds of two of them at once teach the second output. Rooms, noise, babble, chords and
band-limits are made here. Seeded; 20 minutes on one core.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import soxr
import torch
from features import decoded, table
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from soundclone.audio import speakers
from soundclone.audio.speakers import BANDS, DILATIONS, HOP, RATE, STRIDE, Network, stored_name

CHANNELS, ATTENTION, EMBEDDING, CROWD = 192, 64, 128, 64
SPEEDS = (1.0, 0.9, 1.1)
TEST, DEVELOPMENT, LEAST = 150, 60, 12.0  # speakers, speakers, seconds of speech that they have
SINGLE, PAIRS = 96, 28  # windows of a batch: two each of one speaker; of two at once
WINDOW = (1.0, 2.0)  # seconds, the same within a batch
REVERBERANT, NOISY, NARROW, CLIPPED = 0.4, 0.6, 0.2, 0.08  # shares of the windows
SNR, BALANCE = (4.0, 25.0), 6.0  # dB
FFT = 40_000  # samples, the longest window and an echo
SCALE = 30.0  # of cosines
WHITENING, SHRINKAGE = 100, 0.1  # batches, share
RATE_OF_LEARNING, DECAY = 2e-3, 2e-2
Samples = NDArray[np.float32]


def held_out(corpus: Path) -> tuple[list[str], list[str]]:
    """Speakers that are never trained on: those to test with, those to develop with."""
    quality, seconds, clips = table(corpus / "QUALITY.tsv"), defaultdict(float), defaultdict(int)
    for path, row in table(corpus / "MANIFEST.tsv").items():
        seconds[row["speaker"]] += float(quality[path]["speech_s"])
        clips[row["speaker"]] += 1
    fit = sorted(s for s in seconds if seconds[s] >= LEAST and clips[s] > 1)
    random.Random(1).shuffle(fit)
    third = len(fit) // 3
    tested, developed = (TEST, DEVELOPMENT) if len(fit) > TEST + DEVELOPMENT else (third, third)
    return sorted(fit[:tested]), sorted(fit[tested : tested + developed])


def clips_of(corpus: Path) -> dict[str, list[Path]]:
    """List the clips of each speaker."""
    clips: dict[str, list[Path]] = defaultdict(list)
    for path, row in table(corpus / "MANIFEST.tsv").items():
        clips[row["speaker"]].append(corpus / path)
    return clips


def read(path: Path, speed: float = 1.0) -> Samples:
    """Decode a clip, resample it to RATE and scale its RMS to 0.1."""
    samples, rate = decoded(path)
    samples = soxr.resample(samples, rate * speed, RATE)
    return np.asarray(0.1 * samples / np.sqrt(np.mean(samples**2) + 1e-9), np.float32)


def sounds_of(clips: dict[str, list[Path]], people: list[str]) -> list[NDArray[np.int16]]:
    """All that each has said, at each of SPEEDS; never less than the longest window."""
    sounds = []
    for person in people:
        for speed in SPEEDS:
            sound = np.concatenate([read(path, speed) for path in clips[person]])
            sound = np.resize(sound, max(len(sound), round((WINDOW[1] + 0.1) * RATE)))
            sounds.append((sound.clip(-1, 1) * 32767).astype(np.int16))
    return sounds


class Sounds:
    """An endless supply of windows, made worse in every way that recordings are."""

    def __init__(self, people: list[NDArray[np.int16]], seed: int) -> None:
        self._people = people  # each with at least the longest window
        self._dice = np.random.default_rng(seed)
        self._rooms = torch.fft.rfft(torch.from_numpy(self._echoes(300)), FFT)
        self._hertz = np.fft.rfftfreq(FFT, 1 / RATE)
        makers = [self._steady, self._crowd, self._chords]
        self._noises = [makers[number % 3](8 * RATE) for number in range(240)]

    def batch(self) -> tuple[Samples, NDArray[np.int64]]:
        """Draw SINGLE windows of one speaker each, then PAIRS windows of two speakers at once.

        The second half of the single windows repeats the speakers of the first half. The numbers
        returned are the speakers of the single windows.
        """
        dice = self._dice
        size = int(dice.uniform(*WINDOW) * RATE)
        who = dice.integers(len(self._people), size=SINGLE + 2 * PAIRS)
        who[SINGLE // 2 : SINGLE] = who[: SINGLE // 2]
        # Of who is there twice, the windows lie far apart: in other clips, where there are some.
        places = dice.random(len(who))
        places[SINGLE // 2 : SINGLE] = (places[: SINGLE // 2] + dice.uniform(0.25, 0.75)) % 1
        windows = np.stack([self._window(*each, size) for each in zip(who, places, strict=True)])
        self._filter(windows)
        windows /= np.sqrt(np.mean(windows**2, axis=1, keepdims=True)) + 1e-6
        balance = 10 ** (dice.uniform(-BALANCE, BALANCE, (PAIRS, 1)) / 20)
        second = windows[-PAIRS:] * balance.astype(np.float32)
        windows = np.concatenate([windows[:SINGLE], windows[SINGLE:-PAIRS] + second])
        for window in windows:
            if dice.random() < NOISY:
                noise = self._noises[dice.integers(len(self._noises))]
                start = dice.integers(len(noise) - size)
                gain = np.sqrt(np.mean(window**2)) * 10 ** (-dice.uniform(*SNR) / 20)
                window += np.float32(gain) * noise[start : start + size]
            if dice.random() < CLIPPED:
                crowd = np.quantile(np.abs(window), dice.uniform(0.85, 0.99))
                np.clip(window, -crowd, crowd, out=window)
        return windows, who[:SINGLE]

    def _window(self, person: int, place: float, size: int) -> Samples:
        sound = self._people[person]
        start = int(place * (len(sound) - size + 1))
        return sound[start : start + size].astype(np.float32) / 32768

    def _filter(self, windows: Samples) -> None:
        """Put some into a room, some through a telephone or a bad microphone."""
        dice, size = self._dice, windows.shape[1]
        echo, narrow = dice.random((2, len(windows))) < [[REVERBERANT], [NARROW]]
        chosen = np.flatnonzero(echo | narrow)
        spectra = torch.fft.rfft(torch.from_numpy(windows[chosen]), FFT)
        for spectrum, index in zip(spectra, chosen, strict=True):
            if echo[index]:
                spectrum *= self._rooms[dice.integers(len(self._rooms))]
            if narrow[index]:
                low, high = dice.choice([0, 100, 300]), dice.choice([3400, 3800, 5000, 6500])
                spectrum *= torch.from_numpy((self._hertz >= low) & (self._hertz <= high))
        windows[chosen] = torch.fft.irfft(spectra, FFT)[:, :size].numpy()

    def _echoes(self, count: int) -> Samples:
        """Responses of rooms: noise that fades, after the direct sound."""
        dice, length = self._dice, RATE // 2
        rooms = dice.standard_normal((count, length))
        for room in rooms:
            room *= np.exp(-6.9 * np.arange(length) / RATE / dice.uniform(0.15, 0.9))
            room[: round(dice.uniform(0.001, 0.02) * RATE)] = 0  # until the first wall
            room *= 10 ** (dice.uniform(-14, 2) / 20) / np.sqrt(np.sum(room**2))
            room[0] = 1
        return rooms.astype(np.float32)

    def _steady(self, size: int) -> Samples:
        """Noise of any colour between white and red."""
        spectrum = np.fft.rfft(self._dice.standard_normal(size))
        slope = self._dice.uniform(0, 1)
        return _unit(np.fft.irfft(spectrum / np.arange(1, len(spectrum) + 1) ** slope, size))

    def _crowd(self, size: int) -> Samples:
        """Four to eight people at once."""
        who = self._dice.integers(len(self._people), size=self._dice.integers(4, 9))
        return _unit(np.sum([np.resize(self._people[p], size) / 32768 for p in who], axis=0))

    def _chords(self, size: int) -> Samples:
        """Three notes of six harmonics at a time, one to four times a second."""
        dice, sound = self._dice, np.zeros(size)
        start = 0
        while start < size:
            at = np.arange(size - start) / RATE
            fade = np.exp(-at * dice.uniform(0.5, 6))
            for hertz in 440 * 2 ** ((dice.choice(48, size=3) - 33) / 12):
                for harmonic in range(1, 7):
                    phase = dice.uniform(0, 2 * np.pi)
                    tone = np.sin(2 * np.pi * hertz * harmonic * at + phase)
                    sound[start:] += fade * tone / harmonic**1.2
            start += round(dice.uniform(0.25, 1) * RATE)
        return _unit(sound)


def _unit(sound: NDArray[np.float64]) -> Samples:
    return np.asarray(sound / (np.sqrt(np.mean(sound**2)) + 1e-9), np.float32)


class Trainee(nn.Module):
    """The network as torch trains it; `exported` gives it to numpy."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(BANDS, CHANNELS, 5, stride=STRIDE, padding=2, bias=False)
        self.layers = nn.ModuleList(
            nn.Conv1d(CHANNELS, CHANNELS, 3, padding=d, dilation=d, bias=False) for d in DILATIONS
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(CHANNELS) for _ in range(1 + len(DILATIONS)))
        self.attention = nn.Linear(CHANNELS, ATTENTION)
        self.focus = nn.Linear(ATTENTION, CHANNELS, bias=False)
        self.pooled = nn.ModuleList(nn.BatchNorm1d(2 * CHANNELS) for _ in range(2))
        self.embedding = nn.Linear(2 * CHANNELS, EMBEDDING)
        self.crowd = nn.Linear(2 * CHANNELS, CROWD)
        self.crowd_out = nn.Linear(CROWD, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, frames, BANDS) to embeddings, any length, and log odds of two speakers."""
        x = (x - x.mean(dim=1, keepdim=True)).transpose(1, 2)
        with torch.autocast("cpu", torch.bfloat16):
            x = torch.relu(self.norms[0](self.first(x)))
            for layer, norm in zip(self.layers, self.norms[1:], strict=True):
                x = x + torch.relu(norm(layer(x)))
            x = x.transpose(1, 2)
            scores = self.focus(torch.tanh(self.attention(x)))
        x = x.float()
        share = torch.softmax(scores.float(), dim=1)
        voices = self.embedding(self.pooled[0](self._moments(share, x)))
        even = torch.full_like(share, 1 / share.shape[1])
        moments = self.pooled[1](self._moments(even, x))
        crowd = self.crowd_out(torch.relu(self.crowd(moments)))
        return voices, crowd[:, 0]

    @staticmethod
    def _moments(share: Tensor, x: Tensor) -> Tensor:
        mean = (share * x).sum(dim=1)
        spread = ((share * x**2).sum(dim=1) - mean**2).clamp(min=1e-4).sqrt()
        return torch.cat([mean, spread], dim=1)

    def exported(self) -> Network:
        """With the normalisations multiplied into the layers beside them."""
        taps, biases, heads = [], [], []
        for layer, norm in zip([self.first, *self.layers], self.norms, strict=True):
            gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            taps.append((layer.weight * gain[:, None, None]).permute(2, 1, 0))
            biases.append(norm.bias - norm.running_mean * gain)
        for layer, norm in zip((self.embedding, self.crowd), self.pooled, strict=True):
            gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            shift = norm.bias - norm.running_mean * gain
            heads.append(((layer.weight * gain).T, layer.bias + layer.weight @ shift))
        arrays = {
            "first": taps[0],
            "first_bias": biases[0],
            "layers": torch.stack(taps[1:]),
            "layer_biases": torch.stack(biases[1:]),
            "attention": self.attention.weight.T,
            "attention_bias": self.attention.bias,
            "focus": self.focus.weight.T,
            "embedding": heads[0][0],
            "embedding_bias": heads[0][1],
            "overlap": heads[1][0],
            "overlap_bias": heads[1][1],
            "overlap_out": torch.cat([self.crowd_out.weight[0], self.crowd_out.bias]),
        }
        return Network(**{n: a.detach().contiguous().numpy() for n, a in arrays.items()})


def trained(people: list[NDArray[np.int16]], steps: int) -> Network:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    net, sounds = Trainee(), Sounds(people, seed=0)
    classes = nn.Parameter(torch.randn(len(people), EMBEDDING) / EMBEDDING**0.5)
    scale = nn.Parameter(torch.tensor(10.0))
    groups = [{"params": net.parameters()}, {"params": [classes, scale], "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, RATE_OF_LEARNING, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, RATE_OF_LEARNING, total_steps=steps, pct_start=0.1
    )
    labels = torch.cat([torch.zeros(SINGLE), torch.ones(PAIRS)])
    started, seen = time.monotonic(), [0.0] * 4
    for step in range(1, steps + 1):
        windows, who = sounds.batch()
        voices, crowd = net(torch.from_numpy(speakers.features(windows)))
        target = torch.from_numpy(who)
        voices = functional.normalize(voices[:SINGLE])
        cosines = voices @ functional.normalize(classes).T
        told = functional.cross_entropy(SCALE * cosines, target)
        pairs = scale * (voices[: SINGLE // 2] @ voices[SINGLE // 2 :].T)
        found = functional.cross_entropy(pairs, torch.arange(SINGLE // 2))
        weight = torch.tensor(SINGLE / PAIRS)
        odds = functional.binary_cross_entropy_with_logits(crowd, labels, pos_weight=weight)
        optimiser.zero_grad()
        (told + 2 * found + 2 * odds).backward()
        optimiser.step()
        schedule.step()
        hits = (pairs.argmax(dim=1) == torch.arange(SINGLE // 2)).float().mean()
        seen = [
            0.98 * a + 0.02 * b.item() for a, b in zip(seen, (told, found, hits, odds), strict=True)
        ]
        if step % 100 == 0:
            took = time.monotonic() - started
            print(step, f"{took:.0f} s", *(f"{value:.3f}" for value in seen), flush=True)
    return net.eval().exported()


def whitened(net: Network, people: list[NDArray[np.int16]], batches: int) -> Network:
    """Whiten the variation within a speaker over all directions of the embedding.

    Method: Hatch, Kajarekar and Stolcke, "Within-class covariance normalization", Interspeech 2006.
    """
    speakers.network = lambda: net
    sounds, within = Sounds(people, seed=1), np.zeros((EMBEDDING, EMBEDDING))
    for _ in range(batches):
        voices, _ = speakers.embed(speakers.features(sounds.batch()[0][:SINGLE]))
        apart = voices[: SINGLE // 2] - voices[SINGLE // 2 :]
        within += apart.T @ apart
    within += SHRINKAGE * np.trace(within) / EMBEDDING * np.eye(EMBEDDING)
    powers, directions = np.linalg.eigh(within / np.trace(within) * EMBEDDING)
    turn = (directions / np.sqrt(powers)).astype(np.float32)
    return replace(net, embedding=net.embedding @ turn, embedding_bias=net.embedding_bias @ turn)


def error_rate(same: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the equal error rate: false rejections are as frequent as false acceptances."""
    scores = np.concatenate([same, other])
    mine = np.concatenate([np.ones(len(same)), np.zeros(len(other))])[np.argsort(scores)]
    missed, taken = np.cumsum(mine) / len(same), 1 - np.cumsum(1 - mine) / len(other)
    return float(missed[np.argmin(np.abs(missed - taken))])


def tested(clips: dict[str, list[Path]], people: list[str], seconds: float) -> float:
    """Equal error of windows of that length, those of the same speaker from different clips."""
    size = round(seconds * RATE) // HOP
    heard, whose, clip_of = [], [], []
    for number, person in enumerate(people):
        for clip, path in enumerate(clips[person][:6]):
            frames = speakers.features(read(path))
            for start in range(0, len(frames) - size + 1, size)[:3]:
                heard.append(speakers.embed(frames[None, start : start + size])[0][0])
                whose.append(number)
                clip_of.append(clip)
    cosines = np.stack(heard) @ np.stack(heard).T
    persons, places = np.array(whose), np.array(clip_of)
    first, second = np.triu_indices(len(heard), 1)
    same = persons[first] == persons[second]
    across = same & (places[first] != places[second])
    return error_rate(cosines[first, second][across], cosines[first, second][~same])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=3000)
    options = parser.parse_args()
    clips, (test, development) = clips_of(options.corpus), held_out(options.corpus)
    people = sounds_of(clips, sorted(set(clips) - {*test, *development}))
    print(f"{len(people)} speakers, those at other speeds included", flush=True)
    net = trained(people, options.steps)
    net = whitened(net, people, min(WHITENING, options.steps))
    np.savez_compressed(
        options.out,
        **{stored_name(name): array.astype(np.float16) for name, array in vars(net).items()},
    )
    speakers.network = lambda: net
    for seconds in (1.5, 4.0):
        print(f"{seconds} s: equal error {tested(clips, test, seconds):.1%}")


if __name__ == "__main__":
    main()
