# SPDX-License-Identifier: Apache-2.0
"""Writes tiny models with random weights, a third of a megabyte each: the real classes, so the real names of modules.

usage: make_model.py FOLDER: a folder in it for each family (phi3, qwen2, mistral).

They are made by the libraries of the image that will load them, with fixed seeds. Special tokens and chat markup are
those of Phi-3 for all.
"""
import importlib.util
import os
import random
import sys

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

HIDDEN, HEADS = 64, 4
SPECIAL = ["<unk>", "<s>", "</s>", "<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>"]
END = SPECIAL.index("<|endoftext|>")
# As the real one: a turn is its role, its text and an end mark; one of a role that it does not know is left out, without
# a word; the end of all is the end of text. trl knows the real one by its text, so where it has it, that is taken.
CHAT = (
    "{% for turn in messages %}{% if turn['role'] in ['system', 'user', 'assistant'] %}"
    "{{ '<|' + turn['role'] + '|>\n' + turn['content'] + '<|end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}"
)


def chat_template():
    path = os.path.join(os.path.dirname(importlib.util.find_spec("trl").origin), "chat_templates/phi3.jinja")
    if not os.path.exists(path):
        return CHAT
    with open(path, encoding="utf-8") as file:
        return file.read()


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
    wrapped.chat_template = chat_template()
    return wrapped


# Rotary scaling as of the 128k contexts of Phi-3.
FACTORS = [1.0] * (HIDDEN // HEADS // 2)
PHI3 = {
    "max_position_embeddings": 131072,
    "original_max_position_embeddings": 4096,
    "rope_scaling": {"type": "longrope", "long_factor": FACTORS, "short_factor": FACTORS},
    "sliding_window": 262144,
}
# family -> (class, what its config has besides the sizes)
FAMILIES = {"phi3": ("Phi3", PHI3), "qwen2": ("Qwen2", {}), "mistral": ("Mistral", {"sliding_window": None})}


def model(family, vocabulary):
    torch.manual_seed(1)
    name, settings = FAMILIES[family]
    config = getattr(transformers, name + "Config")(
        vocab_size=vocabulary,
        hidden_size=HIDDEN,
        intermediate_size=2 * HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        tie_word_embeddings=False,
        bos_token_id=SPECIAL.index("<s>"),
        eos_token_id=END,
        pad_token_id=END,
        **settings,
    )
    return getattr(transformers, name + "ForCausalLM")(config).to(torch.bfloat16)


made = tokenizer()
for family in FAMILIES:
    folder = os.path.join(sys.argv[1], family)
    made.save_pretrained(folder)
    # The real vocabulary is padded to a multiple of 64 too.
    model(family, -(-len(made) // 64) * 64).save_pretrained(folder)
