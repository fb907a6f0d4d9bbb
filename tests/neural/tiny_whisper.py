"""A Whisper of 1 MB that knows nothing, in the files and the format of a real one."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import ctranslate2
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    PreTrainedTokenizerFast,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)
from transformers.models.whisper.tokenization_whisper import LANGUAGES

_TEXT = 50_257  # tokens of text
_MELS = 80


def make(folder: Path, *, cantonese: bool = False, seed: int = 0) -> Path:
    """Write the model into `folder`, which it makes. Without Cantonese it has 99 languages, as
    those before large-v3 had."""
    languages = [tongue for tongue in LANGUAGES if cantonese or tongue != "yue"]
    tokenizer = _tokenizer(languages)
    torch.manual_seed(seed)
    model = WhisperForConditionalGeneration(
        WhisperConfig(
            vocab_size=tokenizer.get_vocab_size(),
            num_mel_bins=_MELS,
            d_model=8,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=8,
            decoder_ffn_dim=8,
            pad_token_id=_TEXT,
            bos_token_id=_TEXT,
            eos_token_id=_TEXT,
            decoder_start_token_id=_TEXT + 1,
        )
    )
    settings = model.generation_config
    settings.alignment_heads = [[0, 0], [0, 1]]
    settings.suppress_tokens = settings.begin_suppress_tokens = []
    with TemporaryDirectory() as source:
        model.save_pretrained(source)
        WhisperFeatureExtractor(feature_size=_MELS).save_pretrained(source)
        PreTrainedTokenizerFast(
            tokenizer_object=tokenizer,
            eos_token="<|endoftext|>",
            bos_token="<|endoftext|>",
            unk_token="<|endoftext|>",
        ).save_pretrained(source)
        ctranslate2.converters.TransformersConverter(
            source, copy_files=["tokenizer.json", "preprocessor_config.json"]
        ).convert(str(folder))
    # transformers keeps no `lang_to_id`, from which the converter would take these.
    config = json.loads((folder / "config.json").read_text())
    config["lang_ids"] = [tokenizer.token_to_id(f"<|{tongue}|>") for tongue in languages]
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def _tokenizer(languages: list[str]) -> Tokenizer:
    vocabulary = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    vocabulary |= {f"Ġ{_word(index)}": index for index in range(len(vocabulary), _TEXT - 1)}
    # By the empty one CTranslate2 knows a vocabulary of several languages.
    vocabulary |= {"": _TEXT - 1}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [
            "<|endoftext|>",
            "<|startoftranscript|>",
            *(f"<|{tongue}|>" for tongue in languages),
            "<|translate|>",
            "<|transcribe|>",
            "<|startoflm|>",
            "<|startofprev|>",
            "<|nospeech|>",
            "<|notimestamps|>",
            *(f"<|{index * 0.02:.2f}|>" for index in range(1501)),
        ]
    )
    return tokenizer


def _word(number: int) -> str:
    """A word of letters, another one for each number."""
    letters = ""
    while number or not letters:
        number, letter = divmod(number, 26)
        letters = chr(ord("a") + letter) + letters
    return letters
