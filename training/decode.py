"""Decode the clips without a transcript by the recogniser, for `envelope_model.py`.

    python training/decode.py FEATURES OUT

Needs recogniser.npz beside the engine.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from soundclone.engines.builtin import recogniser


def main() -> None:
    features, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    count = 0
    for path in sorted(features.glob("*.npz")):
        with np.load(path) as file:
            if "score" in file.files:
                continue
            rows = recogniser.inputs(
                file["envelope"], file["level"], file["f0"], file["active"], file["free"]
            )
        base, durations = recogniser.decode(recogniser.log_posteriors(rows))
        np.savez(out / path.name, base=base.astype(np.int16), durations=durations.astype(np.int16))
        count += 1
    print(f"{count} clips")


if __name__ == "__main__":
    main()
