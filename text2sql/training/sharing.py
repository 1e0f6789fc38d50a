"""Let a causal model of transformers compute rows that share prefixes.

    >>> how = choose_backend(model)
    >>> how.backend, how.reason
    ('merged', '')
    >>> share(model, how.backend)
    >>> output = model(input_ids, position_ids=positions, reach=reach, labels=labels)
    >>> output.loss                          # mean over the labels, as of separate rows

The model is changed in place and works as before where no `reach` is given. To choose, each backend
is put to the proof on the model itself: two short branches of one schema must have the
probabilities that they have in rows of their own, forward and backward must run. A backend that
fails, whatever the cause (a library that is missing, a card with little shared memory, a model that
looks through a window or has no attention at all), makes room for the next. The first process
chooses for all.

Imports nothing beyond torch and transformers, so that it also runs where there is no TRL.

Not covered: weights that are sharded before the run (ZeRO-3: such a run does not share); tensor and
context parallelism; models that add a loss of their own
(mixtures of experts).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import wraps
from types import MethodType
from typing import Any

import torch
from torch import Tensor
from transformers.utils import ModelOutput

from text2sql.errors import UnknownName
from text2sql.training.attention import ATTENTION, BACKENDS, read_tree, register
from text2sql.training.attention.backends import NO_DROPOUT, open_mask
from text2sql.training.attention.dense import Dense
from text2sql.training.loss import find_labels, score_tokens
from text2sql.training.rows import Branch, Group, Row, build_row

CPU = ("merged", "twopart", "dense")
CUDA = ("varlen", "flex", "twopart", "dense")
# A proof fails where a branch is off by more than this share of what its schema changes. Measured
# on random models: rounding of bfloat16 makes 0.001, a branch that sees its neighbour 0.4.
DECISIVE = 0.05
OWN_SCALES = ("final_logit_softcapping", "logit_scale", "output_multiplier", "logits_scaling")
WHOLE = {"full_attention"}  # the types of a model's layers where none looks through a window


@dataclass(frozen=True, slots=True)
class Shared:
    """How a model computes rows that share."""

    backend: str | None  # None: it cannot
    reason: str  # why not the ones that come before


@dataclass
class SqlOutput(ModelOutput):
    """What the head says at the labels; the names are those that TRL reads."""

    loss: Tensor | None = None  # mean over the labels, or their sum over `num_items_in_batch`
    log_probs: Tensor | None = None  # (labels,)
    entropy: Tensor | None = None  # (labels,)
    is_top1: Tensor | None = None  # (labels,)
    label_mask: Tensor | None = None  # (labels,) all True


def choose_backend(model: Any, order: Sequence[str] | None = None) -> Shared:
    """Find the first backend with which a model computes what separate rows give.

    Args:
        model: of transformers, or wrapped by PEFT; on its device. It is left as it was.
        order: names in BACKENDS; None: those for the model's device, the fastest first.

    Raises:
        UnknownName: there is no such backend.
    """
    for name in order or ():
        _known(name)
    base = _unwrapped(model)
    refusals = [_beyond(base)]
    for name in (order or _usual(base)) if not refusals[0] else ():
        refusal = _refute(model, base, name)
        if refusal is None:
            return _agreed(Shared(name, "; ".join(filter(None, refusals))))
        refusals.append(f"{name}: {refusal}")
    return _agreed(Shared(None, "; ".join(filter(None, refusals))))


def share(model: Any, backend: str) -> None:
    """Make a model compute rows that share prefixes, in place.

    Args:
        model: of transformers, or wrapped by PEFT.
        backend: a name in BACKENDS that was chosen for this model.

    Raises:
        UnknownName: there is no such backend.
    """
    _known(backend)
    base = _unwrapped(model)
    if backend != "dense":
        register()
        base.set_attn_implementation(ATTENTION)
    base.forward = MethodType(_forward(base.forward, backend), base)


def _known(backend: str) -> None:
    if backend not in BACKENDS:
        raise UnknownName("attention backend", backend, BACKENDS)


def _unwrapped(model: Any) -> Any:
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _usual(base: Any) -> tuple[str, ...]:
    return CUDA if base.device.type == "cuda" else CPU


def _agreed(choice: Shared) -> Shared:
    """Return the first process's choice: others may hold no weights yet, or a smaller card."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return choice
    held = [choice]
    torch.distributed.broadcast_object_list(held)
    return held[0]


def _beyond(base: Any) -> str:
    """Say what a model does that no row with shared prefixes can follow; empty where nothing."""
    config = base.config.get_text_config()
    found = [name for name in OWN_SCALES if getattr(config, name, None) is not None]
    if getattr(config, "output_router_logits", False):
        found.append("output_router_logits")
    if (
        getattr(config, "sliding_window", None)
        and set(getattr(config, "layer_types", None) or ["sliding_attention"]) != WHOLE
    ):
        found.append("sliding_window")
    return f"its configuration has {', '.join(found)}" if found else ""


def _forward(ordinary: Any, name: str) -> Any:
    """Return a forward that understands `reach`, and is the ordinary one without it."""

    @wraps(ordinary)
    def forward(
        self: Any,
        *args: Any,
        reach: Tensor | None = None,
        labels: Tensor | None = None,
        num_items_in_batch: Tensor | int | None = None,
        **options: Any,
    ) -> Any:
        if reach is None:
            _refuse_lost_reach(options)
            given = {"labels": labels, "num_items_in_batch": num_items_in_batch}
            options |= {key: value for key, value in given.items() if value is not None}
            return ordinary(*args, **options)
        assert labels is not None and reach.shape[0] == 1, "one row with its labels"
        options.pop("fused_lm_head", None)  # TRL's word for scoring the labels alone: always here
        options |= _attention(name, self, reach)
        states = self.base_model(*args, **options | {"use_cache": False})[0][0]
        return _score(self, states, labels[0], num_items_in_batch)

    return forward


def _attention(name: str, base: Any, reach: Tensor) -> dict[str, Any]:
    """Return the keywords that carry one row's attention."""
    plan = BACKENDS[name](read_tree(reach[0].tolist()), dtype=base.dtype, device=reach.device)
    if isinstance(plan, Dense):
        eager = base.config._attn_implementation == "eager"
        return {"attention_mask": plan.added(base.dtype) if eager else plan.mask}
    return {"attention_mask": open_mask(reach.device), "prefix": plan}


def _score(
    base: Any, states: Tensor, labels: Tensor, num_items_in_batch: Tensor | int | None
) -> SqlOutput:
    labelled = find_labels(labels)
    head = base.get_output_embeddings()
    log_probs, entropy, top1 = score_tokens(
        states[labelled.places],
        head,
        labelled.ids,
        vocabulary=base.config.get_text_config().vocab_size,
    )
    count = len(labelled.ids) if num_items_in_batch is None else num_items_in_batch
    return SqlOutput(
        loss=-log_probs.sum() / torch.as_tensor(count, device=states.device).clamp(min=1),
        log_probs=log_probs,
        entropy=entropy,
        is_top1=top1,
        label_mask=torch.ones_like(top1),
    )


def _refuse_lost_reach(options: dict[str, Any]) -> None:
    """Refuse positions that start again without saying who sees whom.

    transformers would read them as packed rows: the loss looks right, the gradients are not.
    """
    positions = options.get("position_ids")
    if positions is None or options.get("attention_mask") is not None:
        return
    if bool((positions[..., 1:] < positions[..., :-1]).any()):
        raise ValueError("positions start again, and no `reach` says who sees whom")


def _refute(model: Any, base: Any, name: str) -> str | None:
    """Return why a backend does not compute what separate rows give; None if it does."""
    if name in NO_DROPOUT and _drops_weights(base):
        return f"the base drops out attention weights, and {name} has no dropout"
    before, ordinary, training = base.config._attn_implementation, base.forward, model.training
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    # gradients flow to the embedded tokens, so that a backward pass needs no room for weights
    hook = base.get_input_embeddings().register_forward_hook(_require_gradient)
    try:
        share(model, name)
        model.eval().requires_grad_(False)
        return _difference(model)
    except Exception as error:  # whatever a kernel, a compiler or a model's own code may raise
        return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}"
    finally:
        hook.remove()
        base.set_attn_implementation(before)
        base.forward = ordinary
        model.train(training)
        for parameter in trained:
            parameter.requires_grad_(True)


def _drops_weights(base: Any) -> bool:
    config = base.config.get_text_config()
    return any(getattr(config, name, None) for name in ("attention_dropout", "attn_pdrop"))


def _require_gradient(module: Any, inputs: Any, output: Tensor) -> Tensor:
    return output.requires_grad_(True) if torch.is_grad_enabled() else output


def _difference(model: Any) -> str | None:
    """Return by how much two branches differ from separate rows, where that is too much."""
    vocabulary = model.config.get_text_config().vocab_size
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(vocabulary, (72,), generator=draw).tolist()
    shared, branches = ids[:16], [Branch(ids[16:40], ids[40:48]), Branch(ids[48:52], ids[52:72])]
    batch = batch_of(build_row([Group(shared, branches)]))
    output = model(**{key: torch.tensor([ids], device=model.device) for key, ids in batch.items()})
    output.loss.backward()
    scores = output.log_probs.detach().double().split([len(branch.sql) for branch in branches])
    for branch, found in zip(branches, scores, strict=True):
        apart, alone = _separate(model, shared, branch), _separate(model, [], branch, start=16)
        off, scale = ((one - apart).abs().mean().item() for one in (found, alone))
        if not off <= DECISIVE * scale:
            return (
                f"a branch differs from its own row by {off:.1e}, and the schema makes {scale:.1e}"
            )
    return None


def batch_of(row: Row) -> dict[str, list[int]]:
    """Return a row under the names of the model's arguments."""
    return {
        "input_ids": row.input_ids,
        "labels": row.labels,
        "position_ids": row.positions,
        "reach": row.reach,
    }


@torch.no_grad()
def _separate(model: Any, shared: Sequence[int], branch: Branch, *, start: int = 0) -> Tensor:
    """Return the log-probabilities of a branch's SQL in a row of its own, from the whole head."""
    ids = torch.tensor([[*shared, *branch.question, *branch.sql]], device=model.device)
    positions = torch.arange(start, start + ids.shape[1], device=model.device)[None]
    logits = model(input_ids=ids, position_ids=positions, use_cache=False).logits
    scores = torch.log_softmax(logits[0, -len(branch.sql) - 1 : -1].double(), -1)
    return scores.gather(1, ids[0, -len(branch.sql) :, None]).squeeze(1)
