"""Train the post-filter that corrects the mix of pulses and noise, and write its weights.

    python training/postfilter.py CORPUS CLIPS OUT.npz [--steps 9000] [--resume]

CORPUS is the corpus of `features.py`, and CLIPS the output of `corpus.py`. The network sees natural
envelopes, smoothed ones, and envelopes that the packaged decoder predicts, as the engine does. The
losses are distances of spectra at several resolutions. Critics of spectra join them after 40 % of
the steps. Seeded. Checkpoints go beside OUT.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from postfilter_data import MARGIN, Batches, Clip, clips_of, collated
from postfilter_net import Critics, Net, magnitudes, spectral
from torch import Tensor, nn

RATE, CRITIC_RATE, DECAY, WARM_UP = 1e-3, 5e-4, 0.01, 100
CRITIC_FROM, CRITIC_BATCH = 0.4, 5  # share of the steps, segments
VALIDATION = 24  # clips, at most a fifth


class Trainer:
    """The network, its critics, and an average of the network's weights."""

    def __init__(self, clips: list[Clip], steps: int) -> None:
        self.net, self.critics, self.steps, self.step = Net(), Critics(), steps, 0
        self.average = {k: v.clone() for k, v in self.net.state_dict().items()}
        self._make = torch.optim.AdamW(self.net.parameters(), RATE, (0.8, 0.98), weight_decay=DECAY)
        self._judge = torch.optim.AdamW(
            self.critics.parameters(), CRITIC_RATE, (0.8, 0.98), weight_decay=DECAY
        )
        held_out = min(VALIDATION, len(clips) // 5)
        self._batches = Batches(clips[held_out:], 0)
        check = Batches(clips[:held_out], 1)
        self._checks = [
            collated([check.segment(c, MARGIN + 4, kind, 1.0) for c in clips[:held_out]])
            for kind in range(3)
        ]

    def validated(self) -> str:
        """Return the distances of the averaged network on each kind of envelope."""
        current = {k: v.clone() for k, v in self.net.state_dict().items()}
        self.net.load_state_dict(self.average)
        self.net.eval()
        lines = []
        with torch.no_grad():
            for x, *rest in self._checks:
                made = spectral(magnitudes(self.net(*rest)), magnitudes(x))
                lines.append(" ".join(f"{float(v):.4f}" for v in made))
        self.net.load_state_dict(current)
        self.net.train()
        return " | ".join(lines)

    def advance(self) -> list[float]:
        """Take a step. Return the losses."""
        done = self.step / self.steps
        judged = done >= CRITIC_FROM
        rate = RATE * min(1, (self.step + 1) / WARM_UP) * (1 - 0.9 * done) * (0.4 if judged else 1)
        for group in self._make.param_groups:
            group["lr"] = rate
        x, *rest = self._batches.batch()
        real = magnitudes(x)
        made = magnitudes(self.net(*rest))
        mel, linear, convergence = spectral(made, real)
        loss = 2 * mel + linear + 0.5 * convergence
        losses = [v.item() for v in (mel, linear, convergence)]
        if judged:
            warm = min(1.0, (self.step - CRITIC_FROM * self.steps) / 150)
            adversarial, matching, judging = self._criticised(made, real)
            loss = 1.5 * loss + warm * (0.25 * adversarial + 0.5 * matching)
            losses += [judging, adversarial.item(), matching.item()]
        self._make.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self._make.step()
        self.step += 1
        keep = min(0.998, 1 - 1 / (self.step + 1))
        with torch.no_grad():
            for name, value in self.net.state_dict().items():
                self.average[name].mul_(keep).add_(value, alpha=1 - keep)
        return losses

    def _criticised(
        self, made: dict[int, Tensor], real: dict[int, Tensor]
    ) -> tuple[Tensor, Tensor, float]:
        real = {n: m[:CRITIC_BATCH] for n, m in real.items()}
        made = {n: m[:CRITIC_BATCH] for n, m in made.items()}
        true, false = self.critics(real), self.critics({n: m.detach() for n, m in made.items()})
        judging = sum(
            ((a[0] - 1) ** 2).mean() + (b[0] ** 2).mean() for a, b in zip(true, false, strict=True)
        )
        self._judge.zero_grad()
        judging.backward()
        self._judge.step()
        self.critics.requires_grad_(False)
        false = self.critics(made)
        self.critics.requires_grad_(True)
        adversarial = sum(((b[0] - 1) ** 2).mean() for b in false)
        matching = sum(
            (s.detach() - t).abs().mean()
            for a, b in zip(true, false, strict=True)
            for s, t in zip(a[1], b[1], strict=True)
        )
        return adversarial, matching, judging.item()

    def save(self, target: Path) -> None:
        """Write the averaged weights, half precision, and a checkpoint beside them."""
        current = {k: v.clone() for k, v in self.net.state_dict().items()}
        self.net.load_state_dict(self.average)
        arrays = {k: v.numpy().astype(np.float16) for k, v in self.net.state_dict().items()}
        self.net.load_state_dict(current)
        partial = target.with_suffix(".part.npz")
        np.savez_compressed(partial, **arrays)
        partial.replace(target)
        state = {
            "net": self.net.state_dict(), "average": self.average, "step": self.step,
            "critics": self.critics.state_dict(), "make": self._make.state_dict(),
            "judge": self._judge.state_dict(),
        }  # fmt: skip
        torch.save(state, target.with_suffix(".part.pt"))
        target.with_suffix(".part.pt").replace(target.with_suffix(".pt"))

    def resume(self, path: Path) -> None:
        """Continue from a checkpoint."""
        state = torch.load(path)
        self.net.load_state_dict(state["net"])
        self.critics.load_state_dict(state["critics"])
        self._make.load_state_dict(state["make"])
        self._judge.load_state_dict(state["judge"])
        self.average, self.step = state["average"], state["step"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("features", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=9000)
    parser.add_argument("--resume", action="store_true", help="continue from OUT's checkpoint")
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    trainer = Trainer(clips_of(options.corpus, options.features), options.steps)
    if options.resume:
        trainer.resume(options.out.with_suffix(".pt"))
    print(f"{sum(p.numel() for p in trainer.net.parameters())} parameters", flush=True)
    print("at the start:", trainer.validated(), flush=True)
    started, losses = time.time(), []
    while trainer.step < options.steps:
        losses.append(trainer.advance())
        if trainer.step % 50 == 0:
            rows = [row for row in losses if len(row) == len(losses[-1])]
            mean = " ".join(f"{v:.4f}" for v in np.mean(rows, axis=0))
            print(f"{time.time() - started:.0f} s, step {trainer.step}: {mean}", flush=True)
            losses = []
        if trainer.step % 300 == 0 or trainer.step == options.steps:
            print(f"validation {trainer.step}:", trainer.validated(), flush=True)
            trainer.save(options.out)


if __name__ == "__main__":
    main()
