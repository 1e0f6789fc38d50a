"""Learning-rate schedules as plain functions of the step, and how the trainer gets one.

    >>> rate = schedule("wcl", 100, warmup_steps=4, decay_steps=10, knee_lr_ratio=0.1)
    >>> [round(rate(step), 3) for step in (0, 4, 47, 90, 95, 99)]
    [0.2, 1.0, 0.55, 0.1, 0.05, 0.01]

| name | after the warm-up |
| --- | --- |
| `wcl` | cosine decay to the knee, then a fast linear anneal: Warmup-Cosine-Linear |
| `wsd` | constant, then a fast linear anneal: Warmup-Stable-Decay (Hu 2024, arXiv:2404.06395) |
| `cosine`, `linear` | one decay over all steps |
| `constant` | nothing |

WCL is the schedule of the Abacus code model (README of HIT-SCIR/Abacus, section 4, at commit
09213e5): WSD whose stable phase decays slowly by a cosine, which its authors found better when the
data is known beforehand; the anneal took 7 B of 102 B tokens and mixed fine-tuning data in. Ours,
because the README does not say: that the cosine ends at a tenth of the peak, and that the anneal
ends at `min_lr_ratio`.

Every rate is above 0: step 0 already learns something (transformers' warm-ups begin with a rate
of 0), and so does the last step. A schedule has no memory, so that a resumed run has the rates of
an undisturbed one.

Not covered: transformers' other schedules; their names go to transformers as they are.
"""

import math
from collections.abc import Callable
from typing import Any

from text2sql.errors import UnknownName

Rate = Callable[[int], float]  # optimiser step, from 0, to a share of the peak rate

ANNEAL_SHARE = 7 / 102  # of all tokens: README of HIT-SCIR/Abacus, section 4
KNEE = 0.1
OTHERS = (  # of transformers 5; `lr_scheduler_kwargs` are theirs
    "cosine_with_restarts",
    "cosine_with_min_lr",
    "cosine_warmup_with_min_lr",
    "polynomial",
    "constant_with_warmup",
    "inverse_sqrt",
    "warmup_stable_decay",
)


def schedule(
    name: str,
    steps: int,
    *,
    warmup_steps: float = 0.0,
    decay_steps: float = ANNEAL_SHARE,
    min_lr_ratio: float = 0.0,
    knee_lr_ratio: float = KNEE,
) -> Rate:
    """Return the rate of every optimiser step, as a share of the peak.

    Args:
        name: a key of `SCHEDULES`.
        steps: optimiser steps of the whole run.
        warmup_steps: of the linear rise; below 1 a share of all steps.
        decay_steps: of the anneal of `wcl` and `wsd`; below 1 a share of all steps.
        min_lr_ratio: where the decay would arrive one step after the last.
        knee_lr_ratio: where the cosine of `wcl` ends and its anneal begins.

    Raises:
        UnknownName: no schedule of that name.
    """
    if name not in SCHEDULES:
        raise UnknownName("learning-rate schedule", name, SCHEDULES)
    warm = min(_count(warmup_steps, steps), steps - 1)
    anneal = min(_count(decay_steps, steps), steps - warm)
    decay = SCHEDULES[name](steps - warm, anneal, min_lr_ratio, knee_lr_ratio)

    def rate(step: int) -> float:
        return (step + 1) / (warm + 1) if step < warm else decay(min(step, steps) - warm)

    return rate


def _count(steps: float, total: int) -> int:
    return math.ceil(steps * total) if steps < 1 else int(steps)


def _constant(steps: int, anneal: int, end: float, knee: float) -> Rate:
    return lambda step: 1.0


def _linear(steps: int, anneal: int, end: float, knee: float) -> Rate:
    return lambda step: 1.0 + (end - 1.0) * step / steps


def _cosine(steps: int, anneal: int, end: float, knee: float) -> Rate:
    return lambda step: end + (1.0 - end) * (1.0 + math.cos(math.pi * step / steps)) / 2


def _wsd(steps: int, anneal: int, end: float, knee: float) -> Rate:
    return _then_linear(_constant(steps - anneal, 0, 1.0, knee), 1.0, steps, anneal, end)


def _wcl(steps: int, anneal: int, end: float, knee: float) -> Rate:
    slow = _cosine(max(steps - anneal, 1), 0, knee, knee)
    return _then_linear(slow, knee, steps, anneal, end)


def _then_linear(before: Rate, knee: float, steps: int, anneal: int, end: float) -> Rate:
    start = steps - anneal

    def rate(step: int) -> float:
        if step < start:
            return before(step)
        return knee + (end - knee) * (step - start) / max(anneal, 1)

    return rate


SCHEDULES: dict[str, Callable[[int, int, float, float], Rate]] = {
    "wcl": _wcl,
    "wsd": _wsd,
    "cosine": _cosine,
    "linear": _linear,
    "constant": _constant,
}


def our_schedule(recipe: Any) -> dict[str, Any] | None:
    """Return `schedule`'s arguments for a recipe; None where transformers has the schedule."""
    if recipe.lr_scheduler_type not in SCHEDULES:
        return None
    keys = ("warmup_steps", "decay_steps", "min_lr_ratio", "knee_lr_ratio")
    return {"name": recipe.lr_scheduler_type} | {key: getattr(recipe, key) for key in keys}


class Scheduled:
    """Mixed in before a transformers trainer, it follows one of our schedules.

    `scheduled` is what `our_schedule` returned; None leaves the choice to the trainer's own
    `lr_scheduler_type`.
    """

    scheduled: dict[str, Any] | None = None

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """Make the scheduler once the trainer knows how many steps there are."""
        if self.scheduled is None:
            return super().create_scheduler(num_training_steps, optimizer)  # type: ignore[misc]
        if getattr(self, "lr_scheduler", None) is None:
            from torch.optim.lr_scheduler import LambdaLR

            settings = dict(self.scheduled)
            rate = schedule(settings.pop("name"), num_training_steps, **settings)
            optimizer = optimizer or self.optimizer  # type: ignore[attr-defined]
            self.lr_scheduler = LambdaLR(optimizer, rate)
            self._created_lr_scheduler = True  # a second `train` makes its own
        return self.lr_scheduler
