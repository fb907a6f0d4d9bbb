"""Train the model of prosody: durations of sounds, and voicing, F0 and level of frames.

    python training/prosody_model.py FEATURES OUT.npz [EPOCHS]

FEATURES is the output of `corpus.py`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import torch
from aligned import Clip, clips, usual_durations
from torch import nn

from soundclone.engines.builtin import sound_context, sounds

HELD_OUT = 14  # one in so many speakers
BATCH, RATE, DECAY, DROPOUT = 12, 1.5e-3, 0.05, 0.15
LONGEST = 1500  # frames
EMBEDDING, UNITS, CHANNELS, LANGUAGE = 64, 112, 96, 8


class Prosody(nn.Module):
    """Convolution and recurrent layers over sounds; dilated convolutions over frames."""

    def __init__(self, languages: int) -> None:
        super().__init__()
        self.sound = nn.Embedding(len(sounds.SOUNDS), EMBEDDING)
        self.language = nn.Embedding(languages, LANGUAGE)
        self.dropout = nn.Dropout(DROPOUT)
        width = EMBEDDING + sound_context.CONTEXT + LANGUAGE + 3
        self.first = nn.Conv1d(width, UNITS, 5, padding=2)
        self.recurrent = nn.GRU(
            UNITS, UNITS, 2, batch_first=True, bidirectional=True, dropout=DROPOUT
        )
        self.duration = nn.Linear(2 * UNITS, 2)  # mean and log standard deviation of log duration
        self.frame = nn.Linear(2 * UNITS + 5 + 3, CHANNELS)
        self.layers = nn.ModuleList(
            nn.Conv1d(CHANNELS, CHANNELS, 3, padding=d, dilation=d) for d in sound_context.DILATIONS
        )
        self.out = nn.Linear(CHANNELS, 3)  # voicing, F0, level

    def phones(self, sound, context, language, manner):  # type: ignore[no-untyped-def]
        fixed = torch.cat([self.language(language), manner], 1)[:, None]
        rows = torch.cat([self.sound(sound), context, fixed.expand(-1, sound.shape[1], -1)], dim=2)
        rows = self.dropout(torch.relu(self.first(rows.transpose(1, 2)))).transpose(1, 2)
        return self.recurrent(rows)[0]

    def frames(self, hidden, index, place, manner):  # type: ignore[no-untyped-def]
        rows = torch.gather(hidden, 1, index[:, :, None].expand(-1, -1, hidden.shape[2]))
        rows = torch.cat([rows, place, manner[:, None].expand(-1, index.shape[1], -1)], 2)
        rows = self.dropout(torch.relu(self.frame(rows))).transpose(1, 2)
        for layer in self.layers:
            rows = rows + torch.relu(layer(rows))
        return self.out(rows.transpose(1, 2))


def rate_of(clip: Clip, usual: np.ndarray) -> float:
    """Mean log duration of a clip's sounds relative to the usual ones."""
    base = clip.rows[:, sounds.SOUND]
    said = base != sounds.PAUSE
    return float(np.clip(np.mean(np.log(clip.durations[said]) - usual[base[said]]), -0.6, 0.6))


def prepared(clip: Clip, usual: np.ndarray, languages: list[str]) -> dict[str, np.ndarray]:
    voiced = clip.f0 > 0
    logs = np.log(np.where(voiced, clip.f0, 1.0))
    centre = np.median(logs[voiced]) if voiced.sum() > 20 else sound_context.USUAL_F0[0]
    deviation = np.where(voiced, logs - centre, 0)
    sure = voiced & (np.abs(deviation) < 0.6)
    spread = deviation[sure].std() if sure.any() else 0.15
    level = (clip.level - clip.level[clip.active].mean()) / sound_context.LEVEL_UNIT
    place, index = sound_context.positions(clip.durations)
    return {
        "sound": clip.rows[:, sounds.SOUND],
        "context": sound_context.context(clip.rows),
        "language": np.array(languages.index(clip.language)),
        "duration": np.log(clip.durations).astype(np.float32),
        "place": place,
        "index": index,
        "voiced": voiced.astype(np.float32),
        "f0": (deviation / sound_context.F0_UNIT).astype(np.float32),
        "sure": sure.astype(np.float32),
        "level": level.clip(-4, 3).astype(np.float32),
        "manner": sound_context.manner(rate_of(clip, usual), (float(centre), float(spread))),
    }


def batch(items: list[dict[str, np.ndarray]]) -> dict[str, torch.Tensor]:
    count = max(len(i["sound"]) for i in items)
    frames = max(len(i["index"]) for i in items)
    out = {}
    for key in items[0]:
        if key in ("language", "manner"):
            out[key] = torch.tensor(np.stack([i[key] for i in items]))
            continue
        size = count if key in ("sound", "context", "duration") else frames
        rows = [
            np.pad(i[key], [(0, size - len(i[key]))] + [(0, 0)] * (i[key].ndim - 1)) for i in items
        ]
        out[key] = torch.tensor(np.stack(rows))
    out["there"] = torch.tensor(
        np.stack([np.arange(count) < len(i["sound"]) for i in items]).astype(np.float32)
    )
    out["inside"] = torch.tensor(
        np.stack(
            [(np.arange(count) > 0) & (np.arange(count) < len(i["sound"]) - 1) for i in items]
        ).astype(np.float32)
    )
    out["heard"] = torch.tensor(
        np.stack([np.arange(frames) < len(i["index"]) for i in items]).astype(np.float32)
    )
    return out


def losses(net: Prosody, b: dict[str, torch.Tensor]) -> tuple[torch.Tensor, dict[str, float]]:
    manner = b["manner"] + (0.2 * torch.randn_like(b["manner"]) if net.training else 0)
    hidden = net.phones(b["sound"], b["context"], b["language"], manner)
    predicted = net.duration(hidden)
    spread = predicted[..., 1].clip(-2.5, 1)
    error = (b["duration"] - predicted[..., 0]) ** 2
    likelihood = ((0.5 * error / torch.exp(2 * spread) + spread) * b["inside"]).sum()
    likelihood = likelihood / b["inside"].sum()
    said = b["inside"] * (b["sound"] > 0)
    rows = net.frames(hidden, b["index"], b["place"], manner)
    entropy = nn.functional.binary_cross_entropy_with_logits(
        rows[..., 0], b["voiced"], reduction="none"
    )
    voicing = (entropy * b["heard"]).sum() / b["heard"].sum()
    f0 = (((rows[..., 1] - b["f0"]) ** 2) * b["sure"]).sum() / b["sure"].sum()
    level = (((rows[..., 2] - b["level"]) ** 2) * b["heard"]).sum() / b["heard"].sum()
    return likelihood + voicing + 0.5 * f0 + 0.5 * level, {
        "duration": ((error * said).sum() / said.sum()).sqrt().item(),
        "voicing": voicing.item(),
        "f0": f0.item(),
        "level": level.item(),
    }


def main() -> None:
    features, target = Path(sys.argv[1]), Path(sys.argv[2])
    epochs = int(sys.argv[3]) if len(sys.argv) > 3 else 30
    torch.manual_seed(0)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    every = [c for c in clips(features) if len(c.durations) >= 6 and len(c.f0) <= LONGEST]
    usual = usual_durations(every)
    languages = sorted({c.language for c in every})
    items = [prepared(c, usual, languages) for c in every]
    names = sorted({c.speaker for c in every})
    out = {names[k] for k in rng.permutation(len(names))[: len(names) // HELD_OUT]}
    held = [k for k, c in enumerate(every) if c.speaker in out]
    kept = np.array([k for k, c in enumerate(every) if c.speaker not in out])
    net = Prosody(len(languages))
    size = sum(p.numel() for p in net.parameters())
    hours = sum(len(c.f0) for c in every) / 360_000
    print(f"{len(kept)} clips, {hours:.2f} h, {size} parameters", flush=True)
    optimiser = torch.optim.AdamW(net.parameters(), RATE, weight_decay=DECAY)
    total, step, started, best = epochs * (len(kept) // BATCH), 0, time.time(), np.inf
    for epoch in range(epochs):
        net.train()
        order = kept[rng.permutation(len(kept))]
        batches = []
        for start in range(0, len(order), 8 * BATCH):
            alike = sorted(order[start : start + 8 * BATCH], key=lambda k: len(items[k]["index"]))
            batches += [alike[k : k + BATCH] for k in range(0, len(alike), BATCH)]
        for k in rng.permutation(len(batches)):
            rate = RATE * min(1, (step + 1) / 60) * 0.5 * (1 + np.cos(np.pi * min(step / total, 1)))
            for group in optimiser.param_groups:
                group["lr"] = rate + 1e-5
            loss, _ = losses(net, batch([items[i] for i in batches[k]]))
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            step += 1
        net.eval()
        with torch.no_grad():
            found = [
                losses(net, batch([items[i] for i in held[k : k + BATCH]]))
                for k in range(0, len(held), BATCH)
            ]
        score = float(np.mean([loss.item() for loss, _ in found]))
        means = {k: round(float(np.mean([row[k] for _, row in found])), 3) for k in found[0][1]}
        print(
            epoch + 1, f"held out {score:.3f}", means, f"{time.time() - started:.0f} s", flush=True
        )
        if score < best:
            best = score
            arrays = {k: v.numpy().astype(np.float16) for k, v in net.state_dict().items()}
            np.savez(
                target, languages=np.array(languages), usual=usual.astype(np.float16), **arrays
            )


if __name__ == "__main__":
    main()
