"""An OmniVoice of the real classes, with a million random weights: it makes noise in a second.

`PUBLISHED` is as large as the real one, to be timed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from soundclone.engines.neural.omnivoice import import_omnivoice

_MARKS = (
    "<|denoise|> <|lang_start|> <|lang_end|> <|instruct_start|> <|instruct_end|> <|text_start|> "
    "<|text_end|> <|endoftext|>"
).split()


class Shape(NamedTuple):
    """The sizes of a model's parts, as transformers has them."""

    language_model: dict[str, Any]
    acoustic: dict[str, Any]
    semantic: dict[str, Any]
    codec: dict[str, Any]


SMALL = Shape(
    {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 4096,
        "tie_word_embeddings": True,
        "initializer_range": 0.5,  # so that what comes depends on all that went before
    },
    {
        "encoder_hidden_size": 4,
        "decoder_hidden_size": 64,
        "hidden_size": 16,
        "n_codebooks": 1,
        "codebook_dim": 4,
    },
    {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "conv_dim": [8] * 7,
        "num_conv_pos_embeddings": 16,
        "num_conv_pos_embedding_groups": 4,
    },
    {"codebook_size": 64, "codebook_dim": 8, "target_bandwidths": [0.3, 0.6, 0.9, 1.2]},
)
PUBLISHED = Shape(
    {
        "hidden_size": 1024,
        "intermediate_size": 3072,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "max_position_embeddings": 40_960,
        "tie_word_embeddings": True,
    },
    {},
    {},
    {"codebook_size": 1024, "codebook_dim": 64, "target_bandwidths": [0.5, 1, 1.5, 2]},
)
"""That of the weights on the hub, but for their vocabulary, which costs no time."""


def make(folder: Path, shape: Shape = SMALL, *, seed: int = 0) -> Path:
    """Write a model of that shape, as it is published, into `folder`."""
    import_omnivoice("")
    import torch
    from omnivoice import OmniVoice, OmniVoiceConfig
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import (
        DacConfig,
        DacFeatureExtractor,
        HiggsAudioV2TokenizerConfig,
        HiggsAudioV2TokenizerModel,
        HubertConfig,
        PreTrainedTokenizerFast,
        Qwen3Config,
    )

    folder.mkdir(parents=True, exist_ok=True)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: at for at, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    end = _MARKS[-1]
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=end,
        pad_token=end,
        additional_special_tokens=_MARKS[:-1],
    ).save_pretrained(folder)
    torch.manual_seed(seed)
    rates = [8, 5, 4, 2, 3]
    acoustic = DacConfig(
        downsampling_ratios=rates, upsampling_ratios=rates, sampling_rate=16_000, **shape.acoustic
    )
    codec = HiggsAudioV2TokenizerConfig(
        acoustic_model_config=acoustic.to_dict(),
        semantic_model_config=HubertConfig(mask_time_prob=0.0, **shape.semantic).to_dict(),
        sample_rate=24_000,
        semantic_sample_rate=16_000,
        downsample_factor=320,
        **shape.codec,
    )
    tokenizer_model = HiggsAudioV2TokenizerModel(codec)
    for name, values in tokenizer_model.state_dict().items():
        if name.endswith(("codebook.embed", "codebook.embed_avg")):
            values.normal_(std=30)  # they begin as zeros, which would sound alike
    tokenizer_model.save_pretrained(folder / "audio_tokenizer")
    DacFeatureExtractor(sampling_rate=24_000, hop_length=codec.hop_length).save_pretrained(
        folder / "audio_tokenizer"
    )
    OmniVoice(
        OmniVoiceConfig(
            audio_vocab_size=codec.codebook_size + 1,
            audio_mask_id=codec.codebook_size,
            num_audio_codebook=codec.num_quantizers,
            llm_config=Qwen3Config(
                vocab_size=len(letters) + len(_MARKS) + 8, **shape.language_model
            ),
        )
    ).save_pretrained(folder)
    return folder
