"""An OmniVoice of the real classes, with a million random weights: it makes noise in a second."""

from __future__ import annotations

from pathlib import Path

from soundclone.speech.neural.omnivoice import the_package

_MARKS = (
    "<|denoise|> <|lang_start|> <|lang_end|> <|instruct_start|> <|instruct_end|> <|text_start|> "
    "<|text_end|> <|endoftext|>"
).split()
CODES = 64  # of each of eight codebooks


def make(folder: Path, seed: int = 0) -> Path:
    """Write the model's files, as they are published, into `folder`."""
    the_package("")
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
        encoder_hidden_size=4,
        downsampling_ratios=rates,
        decoder_hidden_size=64,
        upsampling_ratios=rates,
        hidden_size=16,
        n_codebooks=1,
        codebook_dim=4,
        sampling_rate=16_000,
    )
    semantic = HubertConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=[8] * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        mask_time_prob=0.0,
    )
    codec = HiggsAudioV2TokenizerConfig(
        acoustic_model_config=acoustic.to_dict(),
        semantic_model_config=semantic.to_dict(),
        sample_rate=24_000,
        semantic_sample_rate=16_000,
        downsample_factor=320,
        codebook_size=CODES,
        codebook_dim=8,
        target_bandwidths=[0.3, 0.6, 0.9, 1.2],
    )
    tokenizer_model = HiggsAudioV2TokenizerModel(codec)
    for name, values in tokenizer_model.state_dict().items():
        if name.endswith(("codebook.embed", "codebook.embed_avg")):
            values.normal_(std=30)  # they begin as zeros, which would sound alike
    tokenizer_model.save_pretrained(folder / "audio_tokenizer")
    DacFeatureExtractor(sampling_rate=24_000, hop_length=codec.hop_length).save_pretrained(
        folder / "audio_tokenizer"
    )
    language_model = Qwen3Config(
        vocab_size=len(letters) + len(_MARKS) + 8,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        initializer_range=0.5,  # so that what comes depends on all that went before
    )
    OmniVoice(
        OmniVoiceConfig(
            audio_vocab_size=CODES + 1,
            audio_mask_id=CODES,
            num_audio_codebook=codec.num_quantizers,
            llm_config=language_model,
        )
    ).save_pretrained(folder)
    return folder
