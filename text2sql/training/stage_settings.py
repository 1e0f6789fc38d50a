"""The stages of a recipe: what each is, and the settings that it has of its own.

    stages:
      - {kind: sft, learning_rate: 2.0e-4}
      - {kind: sft, name: anneal, learning_rate: 5.0e-5, data: mine}    # a falling rate, other data
      - {kind: reject, num_samples: 8, gold_share: 0.25}
      - {kind: dpo, beta: 0.1, loss_type: [sigmoid, sft], loss_weights: [1.0, 0.2]}
      - {kind: grpo, num_generations: 8, neighbours: spider-neighbours}

    >>> [stage.folder_name for stage in read_stages(recipe)]
    ['1-sft', '2-anneal', '3-reject', '4-dpo', '5-grpo']

A stage names its kind, settings of that kind, and any setting of the recipe that may change from
one stage to the next (what is learnt from, and how fast; never the base, the prompt or the shape of
the adapter). Several sft stages with a falling learning rate are how the Ziya-Coding models were
made.

Settings have the names of trl 1.16 and peft. A preference or reinforcement stage does not inherit
`learning_rate` and `num_train_epochs`, which would be far too high: its own are a twentieth of the
recipe's rate (1e-5 beside the general 2e-4: ten times trl's, which is for all weights) and one
epoch.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from text2sql.errors import SettingsError, UnknownName, hint
from text2sql.training.recipe import Recipe
from text2sql.training.rewards import REWARDS

# of the recipe alone: one base, one prompt and one adapter go through all stages
_WHOLE = {
    *(
        "base",
        "output_dir",
        "stages",
        "eval_data",
        "eval_split",
        "eval_limit",
        "style",
        "language",
        "today",
    ),
    *("raw_sql", "load_in_4bit", "target_modules", "report_to", "distributed", "zero_stage"),
}
_WHOLE_PREFIXES = ("lora_", "use_", "init_")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_EXPONENT = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")  # a number to everybody but YAML 1.1


class Settings(BaseModel):
    """What a kind of stage has of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Judged(Settings):
    """Stages that run SQL: on the question's database and on its neighbours."""

    neighbours: str | None = None  # a folder of `t2s data neighbours`; None: those beside each
    max_questions: int | None = Field(None, ge=1)  # drawn by the recipe's seed; None: all


class Sampling(Judged):
    """Stages that draw samples from the adapter before them."""

    num_samples: int = Field(8, ge=1)
    temperature: float = Field(0.8, gt=0)
    top_p: float = Field(1.0, gt=0, le=1)
    max_new_tokens: int = Field(256, ge=1)
    sampling_batch_size: int = Field(16, ge=1)
    constraint: Literal["none", "schema", "types", "values"] = "schema"


class Reject(Sampling):
    """Fine-tuning on one's own right samples: rejection sampling.

    Yuan et al. 2023, "Scaling Relationship on Learning Mathematical Reasoning with Large Language
    Models", arXiv:2308.01825, section 3.3. The bound and the shares are ours, not tuned.
    """

    max_per_question: int = Field(4, ge=1)  # right samples that are kept, different in build
    gold_share: float = Field(0.25, ge=0, lt=1)  # of all rows, gold of the hardest questions first
    hindsight_per_question: int = Field(0, ge=0)  # rows of a wrong sample with its fault, at most


class Dpo(Sampling):
    """Direct preference optimisation on pairs from execution.

    Rafailov et al. 2023, arXiv:2305.18290; names and defaults as in trl's DPOConfig.
    """

    max_pairs_per_question: int = Field(4, ge=1)
    use_gold: bool = False  # gold stands in where no sample is right
    beta: float = Field(0.1, gt=0)
    loss_type: list[str] = Field(default_factory=lambda: ["sigmoid"], min_length=1)
    loss_weights: list[float] | None = None
    label_smoothing: float = Field(0.0, ge=0, lt=0.5)
    precompute_ref_log_probs: bool = False


class Grpo(Judged):
    """Group relative policy optimisation with rewards by execution.

    Shao et al. 2024, arXiv:2402.03300; names and defaults as in trl's GRPOConfig, but that texts
    which were cut off teach nothing. The weights of the rewards are ours, not tuned.
    """

    num_generations: int = Field(8, ge=2)
    max_completion_length: int = Field(256, ge=1)
    temperature: float = Field(1.0, gt=0)
    top_p: float = Field(1.0, gt=0, le=1)
    beta: float = Field(0.0, ge=0)
    epsilon: float = Field(0.2, gt=0)
    num_iterations: int = Field(1, ge=1)
    loss_type: str = "dapo"
    scale_rewards: str = "group"
    mask_truncated_completions: bool = True
    reward_weights: dict[str, float] = Field(
        default_factory=lambda: {"execution": 1.0, "validity": 0.1, "format": 0.1}, min_length=1
    )

    @field_validator("reward_weights")
    @classmethod
    def _known_rewards(cls, weights: dict[str, float]) -> dict[str, float]:
        for name in weights:
            if name not in REWARDS:
                raise UnknownName("reward", name, REWARDS)
        return weights


KINDS: dict[str, type[Settings]] = {"sft": Settings, "reject": Reject, "dpo": Dpo, "grpo": Grpo}
_OWN_PACE = ("dpo", "grpo")  # kinds that go slower than fine-tuning does
_SHARE_OF_RATE = 0.05


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a recipe."""

    number: int  # from 1
    kind: str
    name: str
    settings: Settings
    recipe: Recipe  # what the stage trains with

    @property
    def folder_name(self) -> str:
        """The name of its folder."""
        return f"{self.number}-{self.name}"


def read_stages(recipe: Recipe) -> list[Stage]:
    """Return the stages of a recipe; none where it declares none.

    Raises:
        UnknownName: a kind that does not exist.
        SettingsError: a stage without a kind, a setting that it does not have, a value out of
            range.
    """
    return [_read(number, entry, recipe) for number, entry in enumerate(recipe.stages, start=1)]


def _read(number: int, entry: Mapping[str, Any], recipe: Recipe) -> Stage:
    values = {key: _number(value) for key, value in entry.items()}
    kind = _kind(number, values.pop("kind", None))
    name = str(values.pop("name", kind))
    where = f"stage {number} ({kind})"
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{where}: a name is letters, digits, '.', '_' and '-', not {name!r}")
    own = {key: values.pop(key) for key in [*values] if key in KINDS[kind].model_fields}
    _refuse_unknown(where, values, kind)
    merged = recipe.model_dump() | _pace(kind, recipe) | values | {"stages": []}
    settings = _validated(where, KINDS[kind], own)
    return Stage(number, kind, name, settings, _validated(where, Recipe, merged))


def _pace(kind: str, recipe: Recipe) -> dict[str, float]:
    """Return what a kind of stage does not inherit."""
    if kind not in _OWN_PACE:
        return {}
    return {"learning_rate": recipe.learning_rate * _SHARE_OF_RATE, "num_train_epochs": 1.0}


def _kind(number: int, kind: Any) -> str:
    if kind is None:
        raise SettingsError(f"stage {number} names no kind (known: {', '.join(KINDS)})")
    if kind == "ppo":
        raise SettingsError(
            f"stage {number}: ppo is not there, as trl 1.16 has no PPOTrainer any more;"
            " grpo is its successor without a value model"
        )
    if kind not in KINDS:
        raise UnknownName("kind of stage", str(kind), KINDS, f"in stage {number}")
    return str(kind)


def _refuse_unknown(where: str, values: Mapping[str, Any], kind: str) -> None:
    may_change = [
        key
        for key in Recipe.model_fields
        if key not in _WHOLE and not key.startswith(_WHOLE_PREFIXES)
    ]
    for key in values:
        if key in may_change:
            continue
        if key in Recipe.model_fields:
            raise SettingsError(f"{where}: {key} is the same for all stages: set it above them")
        known = hint(key, [*KINDS[kind].model_fields, *may_change])
        raise SettingsError(f"{where}: no setting {key!r} ({known})")


def _validated(where: str, model: type[Any], values: Mapping[str, Any]) -> Any:
    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise SettingsError(f"{where}: {key}: {first['msg'].lower()}") from None


def _number(value: Any) -> Any:
    if isinstance(value, str) and _EXPONENT.fullmatch(value):
        return float(value)
    if isinstance(value, list):
        return [_number(item) for item in value]
    if isinstance(value, dict):
        return {key: _number(item) for key, item in value.items()}
    return value
