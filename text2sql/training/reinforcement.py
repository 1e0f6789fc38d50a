"""Group relative policy optimisation: sample, run, prefer what answers as gold.

    >>> fit_policy(policy, recipe, settings, prompts, folder)

trl's GRPOTrainer samples and learns; the prompts are our token ids, the rewards are those of
`rewards`, by execution on the database and its neighbours. PPO left trl in 1.16; this is what it
has in its place, without a value model.

Shao et al. 2024, "DeepSeekMath", arXiv:2402.03300. Covered: a run that was killed draws the same
prompts and texts again.
Not covered: sampling under a constraint; sharing of the schema among the texts of a group; vLLM.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from text2sql.bases import Base
from text2sql.data.catalog import DataSet
from text2sql.decoding.binding import Binding, bind_prompt
from text2sql.decoding.candidates import read_sql
from text2sql.errors import DataError, SettingsError
from text2sql.prompting import stop_ids
from text2sql.training.exercises import REFUSALS, Skip, pose
from text2sql.training.history import MeasureAt
from text2sql.training.recipe import Recipe
from text2sql.training.rewards import Reward, execution_reward, format_reward, validity_reward
from text2sql.training.sft import new_adapter
from text2sql.training.stage_settings import Grpo
from text2sql.training.trainers import arguments, run_trainer, with_recipe
from text2sql.training.verdicts import Judge

if TYPE_CHECKING:
    from text2sql.training.following import Outcome

_SAME_NAME = (
    *("num_generations", "max_completion_length", "temperature", "top_p", "beta", "epsilon"),
    *("num_iterations", "loss_type", "scale_rewards", "mask_truncated_completions"),
)


@dataclass(slots=True)
class Prompts:
    """Questions as the trainer takes them: `prompt`, `db_id`, `queries`; the ids by prompt.

    What the pointers of a prompt stand for is known by database and prompt: two databases may be
    described in the same words.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    ids: dict[str, list[int]] = field(default_factory=dict)
    bindings: dict[tuple[str, str], Binding] = field(default_factory=dict)
    skips: list[Skip] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        """Tokens of all prompts."""
        return sum(len(self.ids[row["prompt"]]) for row in self.rows)

    def spelled(
        self,
        rows: Sequence[Mapping[str, Any]],
        texts: Sequence[str],
        ids: Sequence[Sequence[int]],
    ) -> list[str]:
        """Return completions with names in the place of pointers.

        Args:
            rows: of each completion.
            texts: as the tokenizer reads them, without pointers: these are special tokens.
            ids: of each completion.
        """
        bindings = [self.bindings.get((row["db_id"], row["prompt"])) for row in rows]
        return [
            text if binding is None else binding.text_of(tokens)
            for binding, text, tokens in zip(bindings, texts, ids, strict=True)
        ]


def encode_prompts(
    dataset: DataSet, base: Base, tokenizer: Any, recipe: Recipe, settings: Grpo
) -> Prompts:
    """Encode the questions; one that leaves no room for an answer is left out and named.

    Args:
        dataset: the questions with their gold.
        base: says the format.
        tokenizer: the base's.
        recipe: settled.
        settings: how long an answer may be.
    """
    prompts, room = Prompts(), settings.max_completion_length
    for example in dataset.examples:
        try:
            exercise = pose(example, [], dataset, base, tokenizer, recipe, room=room)
        except REFUSALS as error:
            prompts.skips.append(Skip.of(example, error))
            continue
        prompt = exercise.fitted.prompt
        prompts.ids[prompt.text] = exercise.prompt.ids
        if prompt.pointers is not None:
            prompts.bindings[example.db_id, prompt.text] = bind_prompt(prompt, tokenizer)
        gold = {"db_id": example.db_id, "queries": list(example.queries)}
        prompts.rows.append({"prompt": prompt.text} | gold)
    return prompts


def reader(dataset: DataSet, base: Base) -> Callable[[str, str], str]:
    """Return the function that finds the SQL in a completion, as prediction does it."""

    def read(text: str, db_id: str) -> str:
        return read_sql(text, base=base, schema=dataset.schema(db_id))

    return read


def rewards(
    judge: Judge, dataset: DataSet, base: Base, weights: Mapping[str, float]
) -> list[Reward]:
    """Return the rewards that a recipe gives a weight, in its order."""
    read = reader(dataset, base)
    known = {
        "execution": execution_reward(judge, read=read),
        "validity": validity_reward(judge, read=read),
        "format": format_reward(base.answer_format, stop=base.stop),
    }
    return [known[name] for name in weights]


def check_batches(recipe: Recipe, settings: Grpo, prompts: int | None = None) -> None:
    """Refuse batches that cannot hold whole groups, before a model is loaded.

    Args:
        recipe: says how many texts a step has.
        settings: says how many a group has.
        prompts: how many there are; None where that is not known yet.

    Raises:
        SettingsError: the texts of a step are not a multiple of `num_generations`.
        DataError: there are fewer prompts than a step takes.
    """
    texts = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps
    groups, rest = divmod(texts, settings.num_generations)
    if rest:
        raise SettingsError(
            f"grpo: per_device_train_batch_size x gradient_accumulation_steps is {texts}:"
            f" it must be a multiple of num_generations, {settings.num_generations}"
        )
    if prompts is not None and prompts < groups:
        raise DataError(f"grpo: {prompts} prompts are fewer than the {groups} of one step")


@dataclass(frozen=True, slots=True)
class Policy:
    """Who learns, and from which rewards."""

    model: Any  # with the adapter to go on from, or without one
    tokenizer: Any
    base: Base  # its stop tokens end a text
    rewards: Sequence[Reward]  # one for each weight of the settings


def fit_policy(
    policy: Policy,
    recipe: Recipe,
    settings: Grpo,
    prompts: Prompts,
    folder: Path,
    *,
    measure: MeasureAt | None = None,
) -> "tuple[Any, Outcome, dict[str, float]]":
    """Train on rewards, from the last checkpoint in the folder on.

    Args:
        policy: the model and its rewards.
        recipe: the stage's.
        settings: of the sampling and the loss.
        prompts: from `encode_prompts`.
        folder: of the stage.
        measure: execution accuracy while it trains.

    Returns:
        The trained model, how its training ended, and mean rewards of the first and last report.

    Raises:
        Interrupted, TrainingError: as `run_trainer`.
    """
    from datasets import Dataset
    from trl import GRPOConfig

    policy.model.generation_config.eos_token_id = stop_ids(policy.base, policy.tokenizer)
    own = {key: getattr(settings, key) for key in _SAME_NAME}
    trainer = _trainer_class(recipe, prompts)(
        model=policy.model,
        reward_funcs=list(policy.rewards),
        args=GRPOConfig(
            **arguments(recipe, folder / "checkpoints"),
            **own,
            reward_weights=list(settings.reward_weights.values()),
        ),
        train_dataset=Dataset.from_list(prompts.rows),
        processing_class=policy.tokenizer,
        peft_config=new_adapter(policy.model, recipe),
    )
    size = {"examples": len(prompts.rows), "tokens": prompts.tokens}
    ended = run_trainer(trainer, folder, recipe, **size, measure=measure, resume=True)
    return trainer.model, ended, _reward_figures(trainer.state.log_history)


def _trainer_class(recipe: Recipe, known: Prompts) -> Any:
    from trl import GRPOTrainer
    from trl.trainer.utils import RepeatSampler

    class Sampler(RepeatSampler):
        """Draws each epoch's order from the seed and its number, so that a resumed one agrees."""

        def set_epoch(self, epoch: int) -> None:
            self.generator.manual_seed(self.seed + epoch)

    class Trainer(with_recipe(GRPOTrainer, recipe)):  # type: ignore[misc]
        def _tokenize_prompts(self, prompts: list[str]) -> Any:
            return [known.ids[prompt] for prompt in prompts], None, {}

        def _calculate_rewards(
            self, inputs: Any, prompts: list[str], completions: list[str], ids: list[list[int]]
        ) -> Any:
            texts = known.spelled(inputs, completions, ids)
            return super()._calculate_rewards(inputs, prompts, texts, ids)

        def _get_train_sampler(self, dataset: Any = None) -> Any:
            return Sampler(
                dataset or self.train_dataset,
                mini_repeat_count=self.num_generations,
                batch_size=self.args.generation_batch_size // self.num_generations,
                repeat_count=self.num_iterations * self.args.steps_per_generation,
                seed=self.args.seed,
            )

    return Trainer


def _reward_figures(history: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    reports = [entry for entry in history if "reward" in entry]
    if not reports:
        return {}
    first, last = reports[0], reports[-1]
    figures = {"reward_first": first["reward"], "reward_last": last["reward"]}
    without = last.get("frac_reward_zero_std")
    return figures | ({"groups_without_difference": without} if without is not None else {})
