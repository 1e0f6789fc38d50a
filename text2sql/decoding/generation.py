"""Generate text for many prompts on a local model: batched, left-padded, sorted by length.

    >>> generate(prompts, model, tokenizer, Decoding(max_new_tokens=64), stop_ids=[2])
    [[Generation(text='SELECT count(*) FROM orders', tokens=9)], ...]

The texts of a prompt depend on the settings, the seed and the batch that it is in; `batches` is a
function of the prompts alone, so that a run that was interrupted continues with the same batches.

Not covered: sharing the schema's key-value cache between the prompts of a batch; grammar
constraints.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from text2sql.errors import SettingsError
from text2sql.prompting.encoding import EncodedPrompt


@dataclass(frozen=True, slots=True)
class Decoding:
    """How text is drawn from a model. Temperature 0 is greedy."""

    num_samples: int = 1
    temperature: float | None = None  # None: 0 for one sample, 0.8 for several
    top_p: float = 1.0
    seed: int = 0
    max_new_tokens: int = 256
    batch_size: int = 16

    def __post_init__(self) -> None:
        """Refuse settings that mean nothing.

        Raises:
            SettingsError: with the name of the setting.
        """
        if self.num_samples < 1 or self.max_new_tokens < 1 or self.batch_size < 1:
            raise SettingsError("num_samples, max_new_tokens and batch_size must be at least 1")
        if not 0 < self.top_p <= 1:
            raise SettingsError(f"top_p must be above 0 and at most 1, not {self.top_p}")
        if self.temperature is not None and self.temperature < 0:
            raise SettingsError(f"temperature must not be negative: {self.temperature}")
        if self.num_samples > 1 and self.temperature == 0:
            raise SettingsError(
                "temperature 0 gives the same text every time: num_samples must be 1"
            )

    @property
    def effective_temperature(self) -> float:
        """The temperature used: the one given, else greedy for one sample, 0.8 for several."""
        if self.temperature is not None:
            return self.temperature
        return 0.0 if self.num_samples == 1 else 0.8

    def record(self) -> dict[str, Any]:
        """Return the settings for a manifest."""
        return asdict(self) | {"temperature": self.effective_temperature}


@dataclass(frozen=True, slots=True)
class Generation:
    """One text that a model wrote, and how many tokens that took."""

    text: str
    tokens: int


def batches(lengths: Sequence[int], groups: Sequence[str], size: int) -> list[list[int]]:
    """Put prompts into batches: those of one database side by side, by length within it.

    Args:
        lengths: tokens of each prompt.
        groups: the db_id of each prompt.
        size: prompts in a batch at most.

    Returns:
        Lists of indices; every index occurs once. No batch holds two databases.
    """
    result: list[list[int]] = []
    for group in dict.fromkeys(groups):
        members = [i for i, other in enumerate(groups) if other == group]
        members.sort(key=lambda i: (lengths[i], i))
        result += [members[start : start + size] for start in range(0, len(members), size)]
    return result


def generate(
    prompts: Sequence[EncodedPrompt],
    model: Any,
    tokenizer: Any,
    decoding: Decoding,
    *,
    stop_ids: Sequence[int],
) -> list[list[Generation]]:
    """Generate `decoding.num_samples` texts for each prompt of one batch.

    Args:
        prompts: token ids in segments; they are padded on the left.
        model: a causal model of transformers, with or without an adapter.
        tokenizer: the model's.
        decoding: sampling settings.
        stop_ids: ids that end a text, beside the tokenizer's end of sequence.

    Returns:
        For each prompt its texts, without special tokens.
    """
    import torch

    rows = [prompt.ids for prompt in prompts]
    width = max(map(len, rows))
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    ids = torch.tensor([[pad] * (width - len(row)) + row for row in rows], device=model.device)
    mask = torch.tensor(
        [[0] * (width - len(row)) + [1] * len(row) for row in rows], device=model.device
    )
    torch.manual_seed(decoding.seed)
    with torch.inference_mode():
        output = model.generate(
            input_ids=ids,
            attention_mask=mask,
            generation_config=_config(model, decoding, pad, stop_ids),
        )
    written = [_until_stop(row[width:].tolist(), {*stop_ids, pad}) for row in output]
    texts = [
        Generation(tokenizer.decode(row, skip_special_tokens=True), len(row)) for row in written
    ]
    k = decoding.num_samples
    return [texts[start : start + k] for start in range(0, len(texts), k)]


def _config(model: Any, decoding: Decoding, pad: int, stop_ids: Sequence[int]) -> Any:
    """Make a config of our own: a hub's generation_config.json must not change a score."""
    from transformers import GenerationConfig

    temperature = decoding.effective_temperature
    sampling = {"do_sample": True, "temperature": temperature, "top_p": decoding.top_p, "top_k": 0}
    return GenerationConfig(
        max_new_tokens=decoding.max_new_tokens,
        num_return_sequences=decoding.num_samples,
        pad_token_id=pad,
        eos_token_id=list(stop_ids),
        bos_token_id=model.config.bos_token_id,
        **(sampling if temperature > 0 else {"do_sample": False}),
    )


def _until_stop(ids: list[int], stops: set[int]) -> list[int]:
    end = next((place for place, token in enumerate(ids) if token in stops), len(ids))
    return ids[:end]
