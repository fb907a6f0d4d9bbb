"""A VoxCPM2 of the real classes, with 0.3 million random weights: it makes noise in a second."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

from soundclone.engines.neural.packages import imported

LETTERS = "▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,!?'()-0123456789你好"
_SPECIAL = 105  # tokens before the letters; the model uses 101 to 104 as marks


def config(rate: int = 48_000) -> dict[str, Any]:
    """Configure a model of this sample rate, in Hz, with the vocabulary `LETTERS`."""
    heads = {"num_heads": 4, "num_layers": 1, "kv_channels": 8}
    factors = [1.0] * 4
    return {
        "architecture": "voxcpm2",
        "lm_config": {
            "bos_token_id": 1,
            "eos_token_id": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "max_position_embeddings": 1024,
            "num_attention_heads": 4,
            "num_hidden_layers": 2,
            "num_key_value_heads": 2,
            "rms_norm_eps": 1e-5,
            "rope_scaling": {
                "type": "longrope",
                "long_factor": factors,
                "short_factor": factors,
                "original_max_position_embeddings": 1024,
            },
            "vocab_size": _SPECIAL + len(LETTERS),
            "use_mup": False,
            "scale_emb": 12,
            "dim_model_base": 256,
            "scale_depth": 1.4,
            "rope_theta": 10000.0,
            "kv_channels": 8,
        },
        "patch_size": 4,
        "feat_dim": 8,
        "residual_lm_num_layers": 1,
        "residual_lm_no_rope": True,
        "scalar_quantization_latent_dim": 16,
        "scalar_quantization_scale": 9,
        "encoder_config": {"hidden_dim": 32, "ffn_dim": 64} | heads,
        "dit_config": {
            "hidden_dim": 32,
            "ffn_dim": 64,
            "cfm_config": {
                "sigma_min": 1e-6,
                "solver": "euler",
                "t_scheduler": "log-norm",
                "inference_cfg_rate": 2.0,
            },
        }
        | heads,
        "audio_vae_config": {
            "encoder_dim": 4,
            "encoder_rates": [2, 5, 8, 8],
            "latent_dim": 8,
            "decoder_dim": 64,
            "decoder_rates": [8, 6, 5, 2, 2, 2],
            "sr_bin_boundaries": [20000, 30000, 40000],
            "sample_rate": 16000,
            "out_sample_rate": rate,
            "cond_dim": 8,
        },
        "max_length": 1024,
        "dtype": "bfloat16",
    }


def published() -> dict[str, Any]:
    """Configure a model as large as the published one, with a smaller vocabulary."""
    shape = config()
    factors = [1.0] * 64
    shape["lm_config"] |= {
        "hidden_size": 2048,
        "intermediate_size": 6144,
        "max_position_embeddings": 32_768,
        "num_attention_heads": 16,
        "num_hidden_layers": 28,
        "rope_scaling": {
            "type": "longrope",
            "long_factor": factors,
            "short_factor": factors,
            "original_max_position_embeddings": 32_768,
        },
        "kv_channels": 128,
    }
    sizes = {
        "hidden_dim": 1024,
        "ffn_dim": 4096,
        "num_heads": 16,
        "num_layers": 12,
        "kv_channels": 128,
    }
    shape["encoder_config"] |= sizes
    shape["dit_config"] |= sizes
    shape["audio_vae_config"] |= {
        "encoder_dim": 128,
        "latent_dim": 64,
        "decoder_dim": 2048,
        "cond_dim": 128,
    }
    return shape | {
        "feat_dim": 64,
        "residual_lm_num_layers": 8,
        "scalar_quantization_latent_dim": 512,
        "max_length": 8192,
    }


def make(
    folder: Path, shape: dict[str, Any] | None = None, *, seed: int = 0, endless: bool = False
) -> Path:
    """Write a model of that shape, as it is published, into `folder`; `endless`: one that never
    says that a sentence is over."""
    imported("voxcpm", "")
    import torch
    from safetensors.torch import save_file
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaTokenizerFast
    from voxcpm.model.voxcpm2 import VoxCPM2Model, VoxCPMConfig
    from voxcpm.modules.audiovae import AudioVAEConfigV2, AudioVAEV2

    folder.mkdir(parents=True, exist_ok=True)
    words = ["<unk>", "<s>", "</s>", *(f"<mark{index}>" for index in range(3, _SPECIAL)), *LETTERS]
    tokenizer = Tokenizer(
        models.BPE({word: index for index, word in enumerate(words)}, [], unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    special = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    LlamaTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    shape = shape or config()
    (folder / "config.json").write_text(json.dumps(shape))
    torch.manual_seed(seed)
    with warnings.catch_warnings(action="ignore"):  # the package calls deprecated parts of torch
        vae = AudioVAEV2(AudioVAEConfigV2(**shape["audio_vae_config"]))
    plain = {"device": "cpu", "dtype": "float32"}
    model = VoxCPM2Model(
        VoxCPMConfig.model_validate(shape | plain),
        LlamaTokenizerFast.from_pretrained(folder),
        vae,
        device="cpu",
    )
    if endless:
        torch.nn.init.zeros_(model.stop_head.weight)
    tensors = model.state_dict()
    own = {name: each for name, each in tensors.items() if not name.startswith("audio_vae.")}
    save_file(own, folder / "model.safetensors")
    torch.save({"state_dict": vae.state_dict()}, folder / "audiovae.pth")
    return folder
