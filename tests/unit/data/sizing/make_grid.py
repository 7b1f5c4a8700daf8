# SPDX-License-Identifier: Apache-2.0
"""Writes models.tsv, points.tsv and grid.tsv from a reference estimator in Python and a file of published figures.

usage: make_grid.py ESTIMATOR.py POINTS.json FOLDER

The estimator offers estimate(), modules() and a table M of models; see README.md for what the columns mean.
"""
import importlib.util
import json
import os
import random
import sys

GIB = 2**30
MODEL_COLUMNS = ('name', 'hidden', 'layers', 'heads', 'kv_heads', 'head_dim', 'intermediate', 'vocab', 'tied', 'gated',
                 'rms', 'modules')
INPUT_COLUMNS = ('name', 'method', 'bits', 'double_quant', 'batch', 'sequence', 'rank', 'targets', 'attention',
                 'checkpointing', 'chunk_tokens', 'adapter_bytes', 'unquantised_bytes', 'stored_bytes', 'scale_bytes')

# Rows of the acceptance table that came with the figures, by what identifies them, with the side of the tolerance that
# applies: '16' and '20' percent either way, 'over' (long sequences must not be under-estimated), 'below' (a bound).
ROWS = [
    ('Qwen2.5-7B', 'qlora', 1, 1024, 16, 'flash', '16'), ('Mistral-7B-v0.3', 'qlora', 1, 1024, 16, 'flash', '16'),
    ('ds-coder-1.3b', 'qlora', 1, 1024, 16, 'flash', '16'), ('Llama-3.2-3B', 'qlora', 1, 1024, 16, 'flash', '16'),
    ('Llama-3.2-1B', 'qlora', 1, 1024, 16, 'flash', '16'), ('TinyLlama-1.1B', 'qlora', 2, 2048, 32, 'eager', '16'),
    ('TinyLlama-1.1B', 'qlora', 2, 2048, 32, 'flash', '16'), ('SmolLM2-1.7B', 'qlora', 4, 1024, 32, 'eager', '16'),
    ('SmolLM2-1.7B', 'lora', 1, 2048, 32, 'eager', '16'), ('Qwen2.5-1.5B', 'lora', 2, 1024, 32, 'flash', '16'),
    ('Qwen-1.8B', 'qlora', 1, 8192, 64, 'flash', 'over'), ('Qwen-7B', 'lora', 1, 1024, 64, 'flash', '20'),
    ('Qwen-7B', 'qlora', 1, 1024, 64, 'flash', '20'), ('Qwen-7B', 'lora', 1, 2048, 64, 'flash', '20'),
    ('Qwen-7B', 'qlora', 1, 8192, 64, 'flash', 'over'), ('Qwen-14B', 'lora', 1, 1024, 64, 'flash', '20'),
    ('Qwen-14B', 'qlora', 1, 1024, 64, 'flash', '20'), ('Qwen-72B', 'qlora', 1, 1024, 64, 'flash', '16'),
    ('Llama-2-7B', 'lora', 1, 1304, 8, 'flash', '16'), ('Llama-2-7B', 'lora', 2, 1304, 8, 'flash', '16'),
    ('Llama-2-7B', 'qlora', 1, 1304, 8, 'flash', '16'), ('Llama-2-13B', 'lora', 1, 1304, 8, 'flash', '16'),
    ('Llama-2-13B', 'qlora', 1, 1304, 8, 'flash', '16'), ('phi-1.5', 'lora', 1, 1044, 8, 'flash', '16'),
    ('phi-1.5', 'lora', 4, 1044, 8, 'flash', '16'), ('phi-1.5', 'qlora', 1, 1044, 8, 'flash', '16'),
    ('StableLM-3B', 'lora', 1, 1034, 8, 'flash', '16'), ('StableLM-3B', 'lora', 4, 1034, 8, 'flash', '16'),
    ('StableLM-3B', 'qlora', 1, 1034, 8, 'flash', '16'), ('Llama-3.1-8B', 'lora', 2, 2048, 8, 'flash', '16'),
    ('Llama-3.1-8B', 'qlora', 2, 2048, 8, 'flash', '16'), ('Llama-2-7B', 'qlora', 1, 1024, 8, 'flash', '16'),
    ('Llama-2-7B', 'qlora', 1, 2048, 8, 'flash', '16'), ('Llama-2-7B', 'qlora', 1, 4096, 8, 'flash', '16'),
    ('Llama-2-7B', 'qlora', 1, 8192, 8, 'flash', '16'), ('Llama-2-7B', 'qlora', 1, 16384, 8, 'flash', '16'),
    ('Llama-2-7B', 'qlora', 1, 32768, 8, 'flash', '16'), ('Llama-2-7B', 'lora', 4, 1024, 8, 'flash', '16'),
    ('Llama-2-7B', 'qlora', 4, 1024, 8, 'flash', '16'), ('Llama-65B', 'qlora', 1, 512, 64, 'flash', 'below'),
    ('Llama-33B', 'qlora', 1, 512, 64, 'flash', 'below'),
]
# Row 14 is in that table but not in the points file: same source and settings as the lora rows beside it.
EXTRA = {'like': ('Qwen-7B', 'lora', 1, 1024), 's': 2048, 'reported_gib': 22.17, 'estimate_gib': 23.23}


def model_row(reference, name):
    model = reference.M[name]
    return [name, model['h'], model['L'], model['nh'], model['kv'], model['hd'], model['ff'], model['V'],
            int(model['tied']), int(model['gated']), int(model['rms']),
            ','.join(f'{module}:{i}x{o}' for module, (i, o) in reference.modules(model).items())]


def input_row(name, method, b, s, r, targets, ckpt=True, dq=True, attn='flash', chunked_loss=0, adapter_bytes=16,
              rest_bytes=None, ckpt_bytes=None, scale_bytes=None):
    """One input in our words. The reference's own defaults that depend on each other are spelt out."""
    stored = ckpt_bytes if ckpt_bytes is not None else 4 if rest_bytes is None else 2
    return [name, 'lora' if method == 'lora' else 'qlora', 8 if method == 'qlora8' else 4, int(dq), b, s, r,
            'all-linear' if targets == 'all' else ','.join(targets), attn, int(ckpt), chunked_loss,
            adapter_bytes, 4 if rest_bytes is None else rest_bytes, stored, -1 if scale_bytes is None else scale_bytes]


def write(path, header, rows):
    with open(path, 'w') as out:
        out.write('# SPDX-License-Identifier: Apache-2.0\n# Made by make_grid.py; see README.md.\n#' + '\t'.join(header) + '\n')
        for row in rows:
            out.write('\t'.join(str(cell) for cell in row) + '\n')


def points(path):
    keys = ('ckpt', 'dq', 'attn', 'chunked_loss', 'adapter_bytes', 'rest_bytes', 'ckpt_bytes', 'scale_bytes')
    listed = json.load(open(path))
    like = next(p for p in listed if (p['model'], p['method'], p['b'], p['s']) == EXTRA['like'])
    listed.append({**like, **{k: v for k, v in EXTRA.items() if k != 'like'}})
    rows, open_rows = [], list(enumerate(ROWS, 1))
    for p in listed:
        settings = {k: p[k] for k in keys if p.get(k) is not None}
        identity = (p['model'], p['method'], p['b'], p['s'], p['r'], settings.get('attn', 'flash'))
        number, tolerance = '-', '-'
        for entry in open_rows:
            if entry[1][:6] == identity:
                number, tolerance = entry[0], entry[1][6]
                open_rows.remove(entry)
                break
        measure = 'tensors' if p['kind'].startswith('torch') else 'total'
        rows.append([*input_row(p['model'], p['method'], p['b'], p['s'], p['r'], p['targets'], **settings), measure,
                     p['estimate_gib'], p['reported_gib'], number, tolerance, p['source']])
    assert not open_rows, open_rows
    return rows


def grid(reference, count):
    """Inputs spread over the whole space by a fixed seed, each with the reference's answer in bytes."""
    chance = random.Random(20260821)
    names = sorted(reference.M)
    rows = []
    for i in range(count):
        name = names[i % len(names)]
        model = reference.M[name]
        modules = list(reference.modules(model))
        targets = chance.choice([modules[:1], modules[:2], modules, 'all',
                                 chance.sample(modules, chance.randint(1, len(modules)))])
        method = chance.choice(['lora', 'qlora', 'qlora', 'qlora8'])
        settings = {
            'ckpt': chance.random() < 0.7, 'dq': chance.random() < 0.5, 'attn': chance.choice(['flash', 'flash', 'eager']),
            'chunked_loss': chance.choice([0, 512]),
        }
        b = chance.choice([1, 1, 2, 3, 8, 32])
        s = chance.choice([1, 64, 512, 1000, 1024, 2048, 4096, 8192, 32768])
        r = chance.choice([1, 8, 16, 64, 256])
        answer = reference.estimate(model, method, b, s, r=r, targets=targets, **settings)
        rows.append([*input_row(name, method, b, s, r, targets, **settings),
                     *(f'{answer[k]:.3f}' for k in ('weights', 'adapter', 'act', 'total')), answer['adapter_params']])
    return rows


def main():
    estimator, points_file, folder = sys.argv[1:]
    spec = importlib.util.spec_from_file_location('reference', estimator)
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    write(os.path.join(folder, 'models.tsv'), MODEL_COLUMNS, [model_row(reference, name) for name in sorted(reference.M)])
    write(os.path.join(folder, 'points.tsv'),
          (*INPUT_COLUMNS, 'measure', 'estimate_gib', 'reported_gib', 'row', 'tolerance', 'source'),
          points(points_file))
    write(os.path.join(folder, 'grid.tsv'),
          (*INPUT_COLUMNS, 'weights_bytes', 'adapter_bytes_total', 'activation_and_logit_bytes', 'total_bytes',
           'adapter_parameters'), grid(reference, 700))


if __name__ == '__main__':
    main()
