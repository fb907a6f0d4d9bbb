"""Train a decoder from phone posteriors, and from sounds, to envelopes, and write its weights.

    python training/decoder.py NAME FEATURES WEIGHTS/decoder-NAME.npz [STEPS]

NAME is english or multilingual, and FEATURES is what `features.py` wrote. Needs torch. A decoder
takes about six minutes of one processor core. Seeded: the same features give the same weights.

The multilingual decoder has the sounds as further inputs. In part of the frames its posteriors are
replaced by their mean. The network then has to use the sounds, which the source has without errors.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from soundclone.engines.builtin.analysis import f0_statistics
from soundclone.engines.builtin.conversion import NOISE_UNIT
from soundclone.engines.builtin.envelope_decoder import (
    CONTEXT,
    ENGLISH,
    MULTILINGUAL,
    context,
    one_hot,
    prosody,
    statistics,
)
from soundclone.engines.builtin.sounds import SOUNDS

CODE, UNITS, LAYERS = 24, 384, 3
BATCH, RATE, DECAY, WARM_UP = 384, 1e-3, 0.02, 300
INPUT_NOISE, CODE_NOISE = 0.1, 0.3
HELD_OUT = 40  # speakers, at most a fifth
SAMPLED = 20  # speakers at least, whose inputs define the components

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Recipe:
    """Settings of one decoder."""

    sounds: bool  # sounds are inputs beside the posteriors
    components: int  # of the inputs
    labelled: float  # share of the frames shown with aligned posteriors and sounds
    alone: float  # share of the frames shown with sounds only
    steps: int


RECIPES = {
    ENGLISH: Recipe(sounds=False, components=128, labelled=0.5, alone=0.0, steps=14_000),
    MULTILINGUAL: Recipe(sounds=True, components=160, labelled=0.6, alone=0.35, steps=12_000),
}


@dataclass(frozen=True)
class Speaker:
    """One speaker's active frames."""

    free: Floats  # (T, contexts)
    labelled: Floats  # the same with aligned posteriors and sounds, where there are such
    prosody: Floats  # (T, 2)
    wanted: Floats  # (T, outputs)
    statistics: Floats


def speaker(path: Path, with_sounds: bool) -> Speaker | None:
    """Read what `features.py` wrote; None when too little of it is voiced, or unvoiced."""
    with np.load(path) as file:
        raw = {name: file[name] for name in file.files}
    active, voiced = raw["active"], raw["f0"] > 0
    if (active & voiced).sum() < 200 or (active & ~voiced).sum() < 50:
        return None
    envelope = raw["envelope"].astype(np.float32)
    means = envelope[active & voiced].mean(axis=0), envelope[active & ~voiced].mean(axis=0)
    deviation = envelope - np.where(voiced[:, None], *means)
    noise = raw["aperiodicity"].astype(np.float32)
    noise = np.where(voiced[:, None], noise - noise[active & voiced].mean(axis=0), 0) / NOISE_UNIT
    log_f0 = np.log(np.where(voiced, raw["f0"], 1))
    centre = f0_statistics(raw["f0"][active & voiced].astype(np.float64))[0]
    level = raw["level"]
    level = (level - level[active].mean()) / level[active].std()
    posteriors, labelled = (raw[name].astype(np.float32) ** 2 for name in ("free", "labelled"))
    heard = heard_labelled = None
    if with_sounds:
        heard, heard_labelled = one_hot(raw["sounds"]), one_hot(raw["sounds_labelled"])
    return Speaker(
        free=context(posteriors, heard)[active],
        labelled=context(labelled, heard_labelled)[active],
        prosody=prosody(log_f0 - centre, voiced)[active],
        wanted=np.concatenate([deviation, noise, level[:, None]], axis=1)[active].astype(
            np.float32
        ),
        statistics=statistics(posteriors[active], deviation[active], *means, centre),
    )


def principal(rows: Floats, count: int) -> tuple[Floats, Floats]:
    """Mean of rows, and a basis on which they have `count` uncorrelated unit components."""
    mean = rows.mean(axis=0)
    _, values, vectors = np.linalg.svd(rows - mean, full_matrices=False)
    scale = values[:count] / np.sqrt(len(rows))
    return mean, (vectors[:count].T / scale).astype(np.float32)


class Net(torch.nn.Module):
    """`Decoder.hidden` and its last layer."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        sizes = [inputs + CODE] + [UNITS + CODE] * (LAYERS - 1)
        self.layers = torch.nn.ModuleList([torch.nn.Linear(size, UNITS) for size in sizes])
        self.last = torch.nn.Linear(UNITS, outputs)
        torch.nn.init.zeros_(self.last.weight)
        torch.nn.init.zeros_(self.last.bias)

    def forward(self, rows: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        for number, layer in enumerate(self.layers):
            units = torch.relu(layer(torch.cat([rows, code], dim=1)))
            rows = units if number == 0 else rows + units
        return self.last(rows)

    def arrays(self) -> dict[str, Floats]:
        """Return the arrays that `envelope_decoder.decoder` reads."""
        last = [self.last.weight.T, self.last.bias[None]]
        arrays = {"last": torch.cat(last).detach().numpy()}
        for number, layer in enumerate(self.layers):
            arrays[f"layer{number}_weight"] = layer.weight.T.detach().numpy()
            arrays[f"layer{number}_bias"] = layer.bias.detach().numpy()
        return arrays


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=RECIPES)
    parser.add_argument("features", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("steps", type=int, nargs="?", help="as the recipe has them if left out")
    options = parser.parse_args()
    recipe = RECIPES[options.name]
    steps = options.steps or recipe.steps
    torch.manual_seed(0)
    torch.set_num_threads(1)

    paths = sorted(options.features.glob("*.npz"))
    every = min(6, max(len(paths) // SAMPLED, 1))
    sample = [s.free[::40] for p in paths[::every] if (s := speaker(p, recipe.sounds))]
    context_mean, context_basis = principal(np.concatenate(sample), recipe.components)
    of_posteriors = len(context_mean) // len(CONTEXT) - len(SOUNDS) * recipe.sounds
    is_posterior = np.arange(len(context_mean)) % (len(context_mean) // len(CONTEXT))
    is_posterior = is_posterior < of_posteriors
    inputs, labels, only, outputs, owner, numbers = [], [], [], [], [], []
    for path in paths:
        if (s := speaker(path, recipe.sounds)) is None:
            continue
        shown = [(s.free, inputs), (s.labelled, labels)]
        if recipe.alone:
            shown.append((np.where(is_posterior, context_mean, s.labelled), only))
        for rows, kept_in in shown:
            projected = (rows - context_mean) @ context_basis
            kept_in.append(np.concatenate([projected, s.prosody], axis=1).astype(np.float16))
        outputs.append(s.wanted.astype(np.float16))
        owner.append(np.full(len(s.wanted), len(numbers)))
        numbers.append(s.statistics)
    free, labelled, wanted = (
        torch.tensor(np.concatenate(part)) for part in (inputs, labels, outputs)
    )
    alone = torch.tensor(np.concatenate(only)) if recipe.alone else None
    code_mean, code_basis = principal(np.array(numbers), CODE)
    codes = torch.tensor(((np.array(numbers) - code_mean) @ code_basis).clip(-3, 3))
    owners = torch.tensor(np.concatenate(owner))
    out = torch.isin(owners, torch.randperm(len(numbers))[: min(HELD_OUT, len(numbers) // 5)])
    kept = torch.nonzero(~out)[:, 0]
    print(f"{len(numbers)} speakers, {len(kept)} frames", flush=True)

    net = Net(free.shape[1], wanted.shape[1])
    optimiser = torch.optim.AdamW(net.parameters(), RATE, weight_decay=DECAY)
    order = kept[:0]
    for step in range(steps):
        rate = RATE * min(1, (step + 1) / WARM_UP) * 0.5 * (1 + np.cos(np.pi * step / steps)) + 1e-5
        for group in optimiser.param_groups:
            group["lr"] = rate
        if len(order) < BATCH:
            order = kept[torch.randperm(len(kept))]
        chosen, order = order[:BATCH], order[BATCH:]
        with_labels = torch.rand(len(chosen), 1) < recipe.labelled
        rows = torch.where(with_labels, labelled[chosen], free[chosen]).float()
        if alone is not None:
            hidden = torch.rand(len(chosen), 1) < recipe.alone
            rows = torch.where(hidden, alone[chosen].float(), rows)
        rows = rows + INPUT_NOISE * torch.randn(rows.shape)
        code = codes[owners[chosen]] + CODE_NOISE * torch.randn(len(chosen), CODE)
        loss = ((net(rows, code) - wanted[chosen].float()) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 1000 == 999:
            with torch.no_grad():
                said = net(free[out].float(), codes[owners[out]])
                error = (said - wanted[out].float()) ** 2
            print(f"step {step + 1}, held-out error {error.mean():.3f}", flush=True)
    arrays = net.arrays() | {
        "context_mean": context_mean,
        "context_basis": context_basis,
        "code_mean": code_mean,
        "code_basis": code_basis,
    }
    np.savez_compressed(
        options.target, **{name: a.astype(np.float16) for name, a in arrays.items()}
    )


if __name__ == "__main__":
    main()
