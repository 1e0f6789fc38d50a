"""Fine-tune one LoRA adapter with TRL's SFTTrainer and PEFT.

    >>> train(read_recipe(None, base="mini", data="samples", output_dir="runs/first"))
    Run(folder=PosixPath('runs/first'), steps=36, loss=0.41, ...)

The rows are made by `records`, token by token as evaluation and serving make them; TRL gets them
tokenised and neither cuts nor templates anything. The folder loads with plain
`PeftModel.from_pretrained`.

Of several processes (`training.launching`, torchrun) each trains its share and the main one writes.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from text2sql.bases import Base, find_base, load_model, load_tokenizer
from text2sql.bases.loading import quiet
from text2sql.data.catalog import DataSet
from text2sql.errors import OutputError, need
from text2sql.outputs import full_disk, owned
from text2sql.prompting import write_card
from text2sql.training.difficulty import find_difficulties
from text2sql.training.exercises import settle_skips
from text2sql.training.history import Accuracy, Measure
from text2sql.training.lora import (
    keep_beginning,
    lora_config,
    save_lora,
    vllm_refusals,
    whole_weights,
)
from text2sql.training.material import read_material, world_size
from text2sql.training.model_card import write_model_card
from text2sql.training.processes import is_main, join, on_main, tell, wait_for_all
from text2sql.training.recipe import Recipe, read_recipe, write_recipe
from text2sql.training.records import Encoded, encode_examples
from text2sql.training.shipped import compare_with_shipped
from text2sql.training.trainers import arguments, measure_at, run_trainer, with_recipe

PACKAGES = ("torch", "transformers", "peft", "datasets", "trl")
Source = Mapping[str, Any]  # `revision` and `trust_remote_code`, as `load_model` takes them


@dataclass(frozen=True, slots=True)
class Run:
    """What a training run left behind."""

    folder: Path
    steps: int
    loss: float | None  # mean over this run's steps; None when there was nothing left to do
    examples: int
    skipped: int
    tokens: int  # in one epoch
    seconds: float
    published: Accuracy | None = None  # of the adapter on the dev sample, where it was measured

    def record(self) -> dict[str, Any]:
        """Return the run for JSON."""
        published = self.published.record() if self.published else None
        return asdict(self) | {"folder": str(self.folder), "published": published}


def train(
    recipe: Recipe,
    dataset: DataSet,
    *,
    measure: Measure | None = None,
    resume: bool = False,
    overwrite: bool = False,
    revision: str | None = None,
    trust_remote_code: bool | None = None,
) -> Run:
    """Train the adapter that a recipe describes.

    Args:
        recipe: settings; `output_dir` must be set.
        dataset: what to learn from.
        measure: execution accuracy on a dev sample, where the recipe has `eval_steps`.
        resume: continue from the last complete checkpoint in `output_dir`.
        overwrite: empty `output_dir` first.
        revision: of the base on the hub.
        trust_remote_code: let the base's repository run its own code; None refuses.

    Raises:
        OutputError: the folder exists, is in use, or the disk is full (the last checkpoint stays).
        DataError: examples do not fit and `allow_skips` is off, or none is left.
        SettingsError: the recipe has `eval_steps` and there is no `measure`.
        TrainingError: the loss is not a number, or what is measured with is gone.
        Interrupted: Ctrl-C or SIGTERM; a checkpoint was saved.
    """
    source = {"revision": revision, "trust_remote_code": trust_remote_code}
    with training_folder(recipe, resume=resume, overwrite=overwrite) as folder:
        recipe = settle(recipe, find_base(recipe.base), folder, resume)
        run = train_in(folder, recipe, dataset, measure=measure, resume=resume, source=source)
        base = find_base(recipe.base)
        on_main(is_main(), lambda: write_model_card(folder, recipe, base, [dataset], run))
        return run


@contextmanager
def training_folder(recipe: Recipe, *, resume: bool, overwrite: bool) -> Iterator[Path]:
    """Hold the recipe's output folder while a training writes into it; see `train`."""
    need("train", *PACKAGES)
    assert recipe.output_dir is not None  # start() sets it
    kept = "the last complete checkpoint is kept, continue with --resume"
    join()
    place = owned(recipe.output_dir, resume=resume, overwrite=overwrite)
    with ExitStack() as held:
        folder = on_main(is_main(), lambda: held.enter_context(place))
        with full_disk(folder, kept=kept), _quiet():
            yield folder
        wait_for_all()  # the main process holds the folder until all have ended


def train_in(
    folder: Path,
    recipe: Recipe,
    dataset: DataSet,
    *,
    parent: Path | None = None,
    measure: Measure | None = None,
    resume: bool = False,
    source: Source,
) -> Run:
    """Train in a folder that is held already.

    Args:
        folder: of the recipe, the checkpoints and the adapter.
        recipe: settled.
        dataset: what to learn from.
        parent: the adapter to go on from; None begins a new one on the base.
        measure: as `train`.
        resume: continue from the last complete checkpoint in the folder.
        source: where the base comes from, as `load_model` takes it.

    Raises:
        DataError, Interrupted: as `train`.
    """
    base = find_base(recipe.base)
    started = time.monotonic()
    tokenizer = load_tokenizer(base, **source)
    if said := compare_with_shipped(recipe):
        tell(said)
    encoded = _encode(recipe, dataset, base, tokenizer)
    on_main(is_main(), lambda: write_recipe(recipe, folder / "recipe.yaml"))
    model = load_trainable(base, recipe, parent, source)
    encoded.difficulties = find_difficulties(recipe, dataset, encoded, model)
    trainer, computed = _trainer(model, tokenizer, recipe, encoded, folder)
    ended = run_trainer(
        trainer,
        folder,
        recipe,
        examples=len(encoded.rows),
        tokens=encoded.tokens,
        computed=computed,
        measure=measure_at(measure, tokenizer, base, recipe, folder),
        resume=resume,
    )
    weights = whole_weights(trainer)
    save_adapter(trainer.model, folder, base, tokenizer, recipe, weights=weights)
    return Run(
        folder,
        ended.steps,
        ended.loss,
        len(encoded.rows),
        len(encoded.skips),
        encoded.tokens,
        time.monotonic() - started,
        ended.published,
    )


def load_trainable(base: Base, recipe: Recipe, parent: Path | None, source: Source) -> Any:
    """Load the base, with the adapter to go on from, its weights trainable, if there is one.

    Raises:
        ModelError: the base or the adapter cannot be loaded.
    """
    model = load_model(base, load_in_4bit=recipe.load_in_4bit, **source)
    if parent is None:
        return model
    from peft import PeftModel

    return PeftModel.from_pretrained(model, str(parent), is_trainable=True)


def new_adapter(model: Any, recipe: Recipe) -> Any:
    """Return the configuration of the adapter that a trainer puts on a model; None if it has one.

    A trainer that is given both would put a second adapter on top.
    """
    from peft import PeftModel
    from transformers import set_seed

    if isinstance(model, PeftModel):
        return None
    set_seed(recipe.seed)  # PEFT draws the first weights before the trainer sets its seed
    return lora_config(recipe)


def settle(recipe: Recipe, base: Base, folder: Path, resume: bool) -> Recipe:
    """Fill in what the recipe leaves open, so that a resumed run reads the same values back."""
    settled = recipe.model_copy(
        update={
            "today": recipe.today or date.today().isoformat(),
            "style": recipe.style or base.style,
            "max_length": recipe.max_length or base.context_length or 2048,
            "target_modules": recipe.target_modules or list(base.lora_targets) or None,
        }
    )
    written = folder / "recipe.yaml"
    if resume and written.exists():
        _refuse_other_settings(read_recipe(written), recipe, written)
        return read_recipe(written)
    return settled


def _refuse_other_settings(before: Recipe, now: Recipe, path: Path) -> None:
    settled_later = ("style", "today", "max_length", "target_modules")
    for key, value in now.model_dump().items():
        if key in settled_later and value is None:
            continue
        started = getattr(before, key)
        if key != "output_dir" and started != value:
            raise OutputError(
                f"cannot resume: {key} is {value!r}, but {path} was started with {started!r}"
            )


def _encode(recipe: Recipe, dataset: DataSet, base: Base, tokenizer: Any) -> Encoded:
    assert recipe.max_length is not None and recipe.today is not None
    encoded = encode_examples(
        dataset,
        base,
        tokenizer,
        recipe,
        max_length=recipe.max_length,
        today=date.fromisoformat(recipe.today),
    )
    settle_skips(encoded.skips, len(dataset.examples), allowed=recipe.allow_skips)
    tell(
        f"{len(encoded.rows):,} examples, {encoded.tokens:,} tokens,"
        f" {encoded.labelled:,} with loss; {len(encoded.skips)} left out,"
        f" {encoded.reduced} with a reduced schema"
    )
    return encoded


def _trainer(
    model: Any, tokenizer: Any, recipe: Recipe, encoded: Encoded, folder: Path
) -> tuple[Any, int]:
    """Return the trainer, and the tokens that it computes in an epoch."""
    recipe, material = read_material(model, recipe, encoded)

    args = _config(recipe, folder / "checkpoints")
    assert args.world_size == world_size(), "the batches were made for another number of processes"
    trainer = with_recipe(material.trainer, recipe)(
        model=model,
        args=args,
        processing_class=tokenizer,
        peft_config=new_adapter(model, recipe),
        **material.options,
    )
    on_main(is_main(), lambda: keep_beginning(trainer.model, folder))
    return trainer, material.tokens


def _config(recipe: Recipe, checkpoints: Path) -> Any:
    from trl import SFTConfig

    return SFTConfig(
        **arguments(recipe, checkpoints),
        max_length=recipe.max_length,
        train_sampling_strategy=recipe.train_sampling_strategy,
        packing=recipe.packing_strategy == "bfd",
        packing_strategy="bfd",
        # rows are tokenised, and none is longer than max_length: only packing has work to do
        dataset_kwargs={"skip_prepare_dataset": recipe.packing_strategy != "bfd"},
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the libraries' own bars and their notices to each other: `ShowProgress` reports."""
    import datasets

    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        with quiet():
            yield
    finally:
        if shown:
            datasets.enable_progress_bars()


def save_adapter(
    model: Any, folder: Path, base: Base, tokenizer: Any, recipe: Recipe, *, weights: Any = None
) -> None:
    """Write the adapter with its tokenizer and prompt card; a frozen reference is not written.

    Of several processes the main one writes; `weights` are what `whole_weights` gathered.
    """
    on_main(is_main(), lambda: _write_adapter(model, folder, base, tokenizer, recipe, weights))


def _write_adapter(
    model: Any, folder: Path, base: Base, tokenizer: Any, recipe: Recipe, weights: Any
) -> None:
    save_lora(model, folder, weights)
    for reason in vllm_refusals(folder):
        tell(reason)
    tokenizer.save_pretrained(str(folder))
    style = recipe.style or base.style
    write_card(folder, base=base, tokenizer=tokenizer, style=style, language=recipe.language)
