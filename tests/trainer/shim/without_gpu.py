# SPDX-License-Identifier: Apache-2.0
"""What the trainer asks of a CUDA card, answered on a CPU as the card would answer.

Only questions that a CPU cannot answer are answered here; everything else is the libraries' own code. Nothing computed
on these paths is a card's arithmetic, and no CUDA kernel runs.
"""
import sys


def report(words):
    print(f"without_gpu: {words}", file=sys.stderr, flush=True)


def select_device():
    """The trainer selects its card, and empties the card's cache, which on a CPU already does nothing."""
    import torch

    torch.cuda.set_device = lambda *_args, **_kwargs: None
    torch.cuda.synchronize = lambda *_args, **_kwargs: None


def claim_bfloat16():
    """CUDA emulates bfloat16 on cards that lack it, so there the answer is yes for every card."""
    import transformers.training_args as training_args

    training_args.is_torch_bf16_gpu_available = lambda: True
    training_args.is_torch_tf32_available = lambda: True


def scale_float16_loss():
    """accelerate makes a loss scaler for fp16 on CUDA and none on a CPU. CUDA's kernel that looks for overflow exists
    for double, float and half alone, the CPU's for bfloat16 too."""
    import torch
    from accelerate import Accelerator

    make, unscale = Accelerator.__init__, torch._amp_foreach_non_finite_check_and_unscale_

    def make_with_scaler(self, *args, **kwargs):
        make(self, *args, **kwargs)
        if self.state.mixed_precision == "fp16" and self.scaler is None:
            report("a loss scaler for fp16")
            self.native_amp = True
            options = self.scaler_handler.to_kwargs() if self.scaler_handler is not None else {}
            self.scaler = torch.amp.GradScaler("cpu", **options)

    def unscale_as_cuda(gradients, *args):
        if any(gradient.dtype == torch.bfloat16 for gradient in gradients):
            raise NotImplementedError(
                "\"_amp_foreach_non_finite_check_and_unscale_cuda\" not implemented for 'BFloat16'"
            )
        return unscale(gradients, *args)

    Accelerator.__init__ = make_with_scaler
    torch._amp_foreach_non_finite_check_and_unscale_ = unscale_as_cuda


def quantize_fp4():
    """bitsandbytes has nf4 alone for a CPU. The two differ in a table of 16 numbers, not in what the trainer does."""
    import inspect

    import bitsandbytes.functional as functional

    quantize = functional.quantize_4bit
    signature = inspect.signature(quantize)

    def quantize_as_nf4(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        if bound.arguments["quant_type"] == "fp4":
            bound.arguments["quant_type"] = "nf4"
        return quantize(*bound.args, **bound.kwargs)

    functional.quantize_4bit = quantize_as_nf4


def _adam(g, p, s1, s2, o):
    s1.mul_(o.beta1).add_(g, alpha=1 - o.beta1)
    s2.mul_(o.beta2).addcmul_(g, g, value=1 - o.beta2)
    correction1, correction2 = 1 - o.beta1**o.step, (1 - o.beta2**o.step) ** 0.5
    p = p - o.lr * correction2 / correction1 * s1 / (s2.sqrt() + o.eps * correction2)
    return p * (1 - o.lr * o.weight_decay)


def _ademamix(g, p, s1, s2, o):
    s1[0].mul_(o.beta1).add_(g, alpha=1 - o.beta1)
    s1[1].mul_(o.beta3).add_(g, alpha=1 - o.beta3)
    s2.mul_(o.beta2).addcmul_(g, g, value=1 - o.beta2)
    correction1, correction2 = 1 - o.beta1**o.step, (1 - o.beta2**o.step) ** 0.5
    p = p - o.lr * (s1[0] / correction1 + o.alpha * s1[1]) / (s2.sqrt() / correction2 + o.eps)
    return p * (1 - o.lr * o.weight_decay)


def _lion(g, p, s1, _s2, o):
    p = p * (1 - o.lr * o.weight_decay) - o.lr * (s1 * o.beta1 + g * (1 - o.beta1)).sign()
    s1.mul_(o.beta2).add_(g, alpha=1 - o.beta2)
    return p


def _momentum(g, p, s1, _s2, o):
    g = g + o.weight_decay * p
    s1.copy_(g if o.step == 1 else s1 * o.beta1 + g)
    return p - o.lr * s1


def _rmsprop(g, p, s1, _s2, o):
    g = g + o.weight_decay * p
    s1.mul_(o.beta1).addcmul_(g, g, value=1 - o.beta1)
    return p - o.lr * g / (s1.sqrt() + o.eps)


def _adagrad(g, p, s1, _s2, o):
    g = g + o.weight_decay * p
    s1.addcmul_(g, g)
    return p - o.lr * g / (s1.sqrt() + o.eps)


# name in bitsandbytes -> (its formula, may the gradient be bfloat16)
OPTIMIZERS = {
    "adam": (_adam, True),
    "lamb": (_adam, True),
    "ademamix": (_ademamix, True),
    "lion": (_lion, True),
    "momentum": (_momentum, False),
    "rmsprop": (_rmsprop, False),
    "adagrad": (_adagrad, False),
}


def run_bitsandbytes_optimizers():
    """The update with 32-bit states, by its formula and after its own check of types. Of a matrix below 4096 values an
    8-bit optimizer keeps 32-bit states too, so its 8-bit kernels are never reached by small matrices."""
    import inspect
    import types

    import bitsandbytes.functional as functional
    import torch

    signature = inspect.signature(functional.optimizer_update_32bit)

    @torch.no_grad()
    def update(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        o = types.SimpleNamespace(**bound.arguments)
        formula, takes_bfloat16 = OPTIMIZERS[o.optimizer_name]
        if o.g.dtype == torch.bfloat16 and not takes_bfloat16:
            raise ValueError(
                "Gradient+optimizer bit data type combination not supported: "
                f"grad {o.g.dtype}, optimizer {o.state1.dtype}"
            )
        if o.step == 1:
            report(f"bitsandbytes' {o.optimizer_name} by its formula")
        o.p.copy_(formula(o.g.float() * o.gnorm_scale, o.p.float(), o.state1, o.state2, o).to(o.p.dtype))

    functional.optimizer_update_32bit = update


def stand_in():
    """Call it once, before the trainer's own code runs."""
    select_device()
    claim_bfloat16()
    scale_float16_loss()
    quantize_fp4()
    run_bitsandbytes_optimizers()
