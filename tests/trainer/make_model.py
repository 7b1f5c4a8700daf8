# SPDX-License-Identifier: Apache-2.0
"""Writes a tiny Phi-3 with random weights: the real class, file names, special tokens and chat markup, in a megabyte.

usage: make_model.py FOLDER

It is made by the libraries of the image that will load it, with fixed seeds.
"""
import random
import sys

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import Phi3Config, Phi3ForCausalLM, PreTrainedTokenizerFast

HIDDEN, HEADS = 64, 4
SPECIAL = ["<unk>", "<s>", "</s>", "<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>"]
END = SPECIAL.index("<|endoftext|>")
# As the real one: a turn is its role, its text and an end mark; one of a role that it does not know is left out, without
# a word; the end of all is the end of text.
CHAT = (
    "{% for turn in messages %}{% if turn['role'] in ['system', 'user', 'assistant'] %}"
    "{{ '<|' + turn['role'] + '|>\n' + turn['content'] + '<|end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}"
)


def tokenizer():
    letters = random.Random(1)
    words = ["".join(letters.choices("etaoinshrdlu", k=letters.randint(1, 7))) for _ in range(200)]
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        (" ".join(letters.choices(words, k=30)) for _ in range(300)),
        trainers.BpeTrainer(vocab_size=512, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False),
    )
    special = {"bos_token": "<s>", "eos_token": "<|endoftext|>", "unk_token": "<unk>", "pad_token": "<|endoftext|>"}
    wrapped = PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=131072, **special)
    wrapped.chat_template = CHAT
    return wrapped


def model(vocabulary):
    torch.manual_seed(1)
    factors = [1.0] * (HIDDEN // HEADS // 2)
    config = Phi3Config(
        vocab_size=vocabulary,
        hidden_size=HIDDEN,
        intermediate_size=2 * HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=131072,
        original_max_position_embeddings=4096,
        rope_scaling={"type": "longrope", "long_factor": factors, "short_factor": factors},
        sliding_window=262144,
        tie_word_embeddings=False,
        bos_token_id=SPECIAL.index("<s>"),
        eos_token_id=END,
        pad_token_id=END,
    )
    return Phi3ForCausalLM(config).to(torch.bfloat16)


made = tokenizer()
made.save_pretrained(sys.argv[1])
# The real vocabulary is padded to a multiple of 64 too.
model(-(-len(made) // 64) * 64).save_pretrained(sys.argv[1])
