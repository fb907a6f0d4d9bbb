from __future__ import annotations

import subprocess
import sys
import threading

import pytest
import torch

from soundclone.config import Settings
from soundclone.engines.neural import device
from soundclone.errors import EngineUnavailable


def test_a_processor_computes_in_float32() -> None:
    assert device.choose(Settings(device="cpu")).name == "cpu"
    assert device.choose(Settings(device="cpu")).dtype == "float32"
    assert device.choose(Settings(device="cpu", dtype="bfloat16")).dtype == "bfloat16"


def test_the_best_that_is_here_is_taken() -> None:
    chosen = device.choose(Settings(device="auto"))
    gpu = torch.cuda.is_available() or torch.backends.mps.is_available()
    assert (chosen.name != "cpu") == gpu
    assert chosen.reason == ("a GPU was found" if gpu else "no GPU was found")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_here_is_not_replaced() -> None:
    with pytest.raises(
        EngineUnavailable, match=r"SOUNDCLONE_DEVICE is 'cuda', and torch .* finds no"
    ):
        device.choose(Settings(device="cuda"))


@pytest.mark.parametrize("error", ["OSError", "ValueError", "RuntimeError"])
def test_a_torch_that_is_broken_is_a_sentence(error: str) -> None:
    program = (
        "import sys\n"
        "class Broken:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == 'torch': raise {error}('libcublas.so.12: cannot open')\n"
        "sys.meta_path.insert(0, Broken())\n"
        "from soundclone.config import Settings\n"
        "from soundclone.errors import EngineUnavailable\n"
        "from soundclone.engines.neural.device import choose\n"
        "try: choose(Settings())\n"
        "except EngineUnavailable as error: print(error.message)\n"
    )
    run = [sys.executable, "-c", program]
    said = subprocess.run(run, check=True, timeout=60, capture_output=True, text=True).stdout
    assert "torch cannot be imported (libcublas.so.12" in said


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1, 2**80, -1])
def test_a_seed_repeats(seed: int) -> None:
    before = torch.get_rng_state()
    drawn = []
    for _ in range(2):
        with device.seeded(seed):
            drawn.append(torch.randn(5))
    assert torch.equal(*drawn)
    assert torch.equal(torch.get_rng_state(), before)


def test_threads_that_ask_for_seeds_do_not_disturb_each_other() -> None:
    def draw(seed: int) -> list[float]:
        with device.seeded(seed):
            return [float(torch.randn(1)) for _ in range(500)]

    alone = {seed: draw(seed) for seed in range(4)}
    together: dict[int, list[float]] = {}
    users = [
        threading.Thread(target=lambda seed=seed: together.update({seed: draw(seed)}))
        for seed in range(4)
    ]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert together == alone


def test_threads_of_torch_are_set_and_set_back() -> None:
    before = torch.get_num_threads()
    with device.threads(3):
        assert torch.get_num_threads() == 3
        with device.threads():
            torch.set_num_threads(1)
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == before
