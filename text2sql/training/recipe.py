"""What a training run is made of: one YAML file, in the names of trl, peft and transformers.

    >>> overrides = ["learning_rate=1e-3", "lora_r=8"]
    >>> recipe = read_recipe(None, base="mini", data="samples", overrides=overrides)
    >>> recipe.learning_rate, recipe.lora_r
    (0.001, 8)

    base: codellama-7b
    data: spider
    learning_rate: 2.0e-4
    lora_r: 16

Every key is checked: a misspelt one is named with the nearest right one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from text2sql.errors import SettingsError, UnknownName, hint
from text2sql.outputs import write_whole
from text2sql.training.schedules import ANNEAL_SHARE, KNEE, OTHERS, SCHEDULES

# of peft's `init_lora_weights`: those that need nothing but the base's weights
BEGINNINGS = ("gaussian", "orthogonal", "olora", "pissa", "pissa_niter_4", "pissa_niter_16")
DECOMPOSED = ("pissa", "olora")  # how those begin that take weights out of the base


class Recipe(BaseModel):
    """Settings of one LoRA run.

    The learning rate is QLoRA's for 7B (Dettmers et al. 2023, arXiv:2305.14314) and that of
    DB-GPT-Hub's recipes; rank 16 and alpha 32 are ours, not tuned. `max_length` None means the
    base's own context. `max_steps` above 0 ends the run early, as in transformers.

    `packing_strategy` is "prefix" (questions share their schema; a step has as many examples as
    without), "bfd" (trl's packing, whose batch counts packed rows) or "none" (trl's padded
    batches).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    # what
    base: str
    data: str = "spider"
    split: str = "train"
    limit: int | None = Field(None, ge=1)
    mix: dict[str, float] = Field(default_factory=dict)  # share of each other data set
    order: Literal["random", "easy_first", "hard_first", "by_loss"] = "random"
    output_dir: str | None = None
    seed: int = 42
    # prompt
    style: str | None = None  # of the schema; None: the base's own
    language: Literal["en", "zh"] = "en"
    today: str | None = None  # ISO date that prompts carry; None: the day on which the run starts
    max_length: int | None = Field(None, ge=16)
    raw_sql: bool = False
    allow_skips: bool = False
    allow_contaminated: bool = False  # train on questions of evaluation sets (data.contamination)
    # LoRA (peft)
    lora_r: int = Field(16, ge=1)
    lora_alpha: int = Field(32, ge=1)
    lora_dropout: float = Field(0.0, ge=0, lt=1)
    target_modules: list[str] | None = None  # None: the catalogue's list for this base
    use_rslora: bool = False
    use_dora: bool = False
    init_lora_weights: bool | str = True  # or a name in BEGINNINGS
    loraplus_lr_ratio: float | None = Field(None, ge=1)  # rate of B over that of A (LoRA+)
    lora_kwargs: dict[str, Any] = Field(default_factory=dict)  # peft's other options, as they are
    load_in_4bit: bool = False
    # optimisation (transformers, trl)
    learning_rate: float = Field(2e-4, gt=0)
    num_train_epochs: float = Field(3.0, gt=0)
    max_steps: int = -1
    per_device_train_batch_size: int = Field(8, ge=1)
    gradient_accumulation_steps: int = Field(2, ge=1)
    lr_scheduler_type: str = "cosine"  # a name in schedules.SCHEDULES, or one of transformers
    warmup_steps: float = Field(0.03, ge=0)  # below 1: a share of all steps
    decay_steps: float = Field(ANNEAL_SHARE, ge=0)  # of the anneal of wcl and wsd; as warmup_steps
    min_lr_ratio: float = Field(0.0, ge=0, le=1)  # where our schedules end, of the peak
    knee_lr_ratio: float = Field(KNEE, gt=0, le=1)  # where wcl's cosine ends and its anneal begins
    lr_scheduler_kwargs: dict[str, Any] = Field(default_factory=dict)  # of transformers' schedules
    weight_decay: float = Field(0.0, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    optim: str = "adamw_torch"
    gradient_checkpointing: bool | None = None  # None: on a GPU only
    packing_strategy: Literal["prefix", "bfd", "none"] = "prefix"
    prefix_cap: int | None = Field(None, ge=1)  # questions beside one schema; None: see usual_cap
    prefix_tokens: int | None = Field(None, ge=16)  # of a forward pass; None: see usual_tokens
    train_sampling_strategy: Literal["random", "sequential", "group_by_length"] = "random"
    # several GPUs (training.launching)
    distributed: Literal["ddp", "fsdp", "deepspeed"] | None = None  # None: what the plan needs
    zero_stage: Literal[2, 3] = 3  # of deepspeed
    # keeping and reporting
    save_steps: int = Field(100, ge=1)
    save_total_limit: int | None = Field(2, ge=1)
    logging_steps: int = Field(10, ge=1)
    report_to: list[str] = Field(default_factory=list)
    # execution accuracy on a dev sample: every `eval_steps` steps, and after each stage
    eval_steps: int | None = Field(None, ge=1)  # None: not while it trains
    eval_data: str | None = None  # None: `data`
    eval_split: str | None = None  # None: dev, where `eval_steps` is set
    eval_limit: int | None = Field(None, ge=1)  # examples, drawn by `seed`; None: the whole split
    early_stopping_patience: int | None = Field(None, ge=1)  # evaluations without a new best
    load_best: bool = True  # publish the weights of the best evaluation, not the last ones
    # stages, one after the other on one adapter (training.stages); none: sft alone
    stages: list[dict[str, Any]] = Field(default_factory=list)

    @field_validator("train_sampling_strategy")
    @classmethod
    def _goes_with_packing(cls, strategy: str, info: ValidationInfo) -> str:
        if strategy == "group_by_length" and info.data.get("packing_strategy") == "prefix":
            raise SettingsError(
                "packing_strategy prefix forms batches itself, without padding: set"
                " packing_strategy to none for train_sampling_strategy group_by_length"
            )
        return strategy

    @property
    def decomposed(self) -> bool:
        """Tell whether the adapter begins with a part of the base's own weights."""
        return str(self.init_lora_weights).startswith(DECOMPOSED)

    @field_validator("init_lora_weights")
    @classmethod
    def _known_beginning(cls, value: bool | str) -> bool | str:
        if isinstance(value, str) and value not in BEGINNINGS:
            raise UnknownName("first weights", value, BEGINNINGS)
        return value

    @model_validator(mode="after")
    def _keeps_its_order(self) -> "Recipe":
        if self.order != "random" and self.packing_strategy == "bfd":
            raise SettingsError(
                "packing_strategy bfd puts rows together by their length: set it to prefix or none"
                f" for order {self.order}"
            )
        return self

    @model_validator(mode="after")
    def _whole_weights(self) -> "Recipe":
        if self.decomposed and self.load_in_4bit:
            raise SettingsError(
                f"{self.init_lora_weights} takes weights out of the base, which cannot be done in"
                " 4 bits: leave out load_in_4bit or init_lora_weights"
            )
        return self

    @field_validator("lr_scheduler_type")
    @classmethod
    def _known_schedule(cls, name: str) -> str:
        if name not in SCHEDULES and name not in OTHERS:
            raise UnknownName("learning-rate schedule", name, (*SCHEDULES, *OTHERS))
        return name


def read_recipe(
    path: Path | None = None, *, overrides: Sequence[str] = (), **settings: Any
) -> Recipe:
    """Join a recipe file, keyword settings and `key=value` overrides, the later over the earlier.

    Args:
        path: a YAML file, or None.
        overrides: `key=value` texts, the value read as YAML.
        **settings: keys of `Recipe`; None means not given.

    Raises:
        SettingsError: a file that is no YAML mapping, an unknown key, a value out of range.
    """
    written = _read_yaml(path) if path else {}
    values = written | {key: value for key, value in settings.items() if value is not None}
    for text in overrides:
        key, mark, value = text.partition("=")
        if not mark:
            raise SettingsError(f"--set takes key=value, not {text!r}")
        values[key.strip()] = _yaml_value(value)

    def where(key: str) -> str:  # a file is blamed for what it says itself
        return f"{path}: " if key in written and values[key] == written[key] else ""

    unknown = [key for key in values if key not in Recipe.model_fields]
    if unknown:
        known = hint(unknown[0], Recipe.model_fields)
        raise SettingsError(f"{where(unknown[0])}no setting {unknown[0]!r} in a recipe ({known})")
    try:
        return Recipe(**values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        place = where(str(next(iter(first["loc"]), "")))
        raise SettingsError(f"{place}{key}: {first['msg'].lower()}") from None


def _yaml_value(text: str) -> Any:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return _number(value)


def _number(value: Any) -> Any:
    """Read `1e-4` as the number that it is to everybody but YAML 1.1."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read recipe {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsError(
            f"{path}: a recipe is a mapping of settings, not a {type(values).__name__}"
        )
    return {key: _number(value) for key, value in values.items()}


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write the settings as a YAML file that `read_recipe` reads back."""
    text = yaml.safe_dump(recipe.model_dump(), sort_keys=False, allow_unicode=True)
    write_whole(path, f"# t2s train --recipe {path.name}\n{text}")
