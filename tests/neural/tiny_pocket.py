"""A model of pocket-tts with random weights, in files that are like the real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import yaml
from pocket_tts import TTSModel
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

SMALL: dict[str, Any] = {
    "flow_lm": {
        "dtype": "float32",
        "insert_bos_before_voice": True,
        "flow": {"depth": 1, "dim": 16},
        "transformer": {
            "d_model": 32,
            "hidden_scale": 2,
            "max_period": 10_000,
            "num_heads": 2,
            "num_layers": 1,
        },
        "lookup_table": {"dim": 32, "n_bins": 300, "tokenizer": "tokenizers"},
    },
    "mimi": {
        "dtype": "float32",
        "sample_rate": 24_000,
        "frame_rate": 12.5,
        "channels": 1,
        "inner_dim": 8,
        "outer_dim": 16,
        "seanet": {
            "dimension": 16,
            "channels": 1,
            "n_filters": 2,
            "n_residual_layers": 1,
            "ratios": [6, 5, 4],
            "kernel_size": 7,
            "residual_kernel_size": 3,
            "last_kernel_size": 3,
            "dilation_base": 2,
            "pad_mode": "constant",
            "compress": 2,
        },
        "transformer": {
            "d_model": 16,
            "num_heads": 2,
            "num_layers": 1,
            "layer_scale": 0.01,
            "context": 250,
            "dim_feedforward": 32,
            "input_dimension": 16,
            "output_dimensions": [16],
        },
        "quantizer": {"dimension": 8, "output_dimension": 16},
    },
}


def make(
    folder: Path,
    config: dict[str, Any] = SMALL,
    *,
    seed: int = 0,
    endless: bool = False,
    deaf: bool = False,
) -> Path:
    """Write a model's files to `folder`, which is made. An `endless` one never says that a text
    has come to its end; a `deaf` one cannot clone."""
    folder.mkdir(parents=True)
    table = config["flow_lm"]["lookup_table"] | {"tokenizer_path": str(folder / "tokenizer.json")}
    config = config | {"flow_lm": config["flow_lm"] | {"lookup_table": table}}
    for key in ("weights_path", "weights_path_without_voice_cloning"):
        config.pop(key, None)
    _tokenizer(table["n_bins"]).save(table["tokenizer_path"])
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = TTSModel.load_model(config=folder / "config.yaml")
        state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        projection = state["flow_lm.speaker_proj_weight"]
        projection.copy_(
            torch.zeros_like(projection) if deaf else torch.randn_like(projection) / 10
        )
        if endless:
            state["flow_lm.out_eos.bias"].fill_(-1e6)
    save_file(state, folder / "model.safetensors")
    table["tokenizer_path"] = "tokenizer.json"
    config["weights_path"] = "model.safetensors"
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def _tokenizer(size: int) -> Tokenizer:
    """One token for each byte, and others that never come."""
    names = ["<unk>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    names += [f"<{number}>" for number in range(size - len(names))]
    vocabulary = {name: number for number, name in enumerate(names)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer
