"""What decoding is asked for and what it gives: settings, texts, and prompts put into batches.

    >>> Decoding(num_samples=5).effective_temperature
    0.8
    >>> batches([5, 3, 9], ["shop", "shop", "bank"], size=2)
    [[1, 0], [2]]

`batches` is a function of the prompts alone, so that a run that was interrupted continues with the
same batches. The loop that writes the texts is in `decoding.loop`, which needs torch.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from text2sql.errors import SettingsError

# of the prompt's place, the sample, the text so far; raises Stopped when nobody listens any more
Listen = Callable[[int, int, str], None]

CONSTRAINTS = ("none", "schema", "types", "values")  # what decides which tokens are legal


class Stopped(Exception):
    """Nobody wants the rest of a text."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """How text is drawn from a model. Temperature 0 is greedy."""

    num_samples: int = 1
    temperature: float | None = None  # None: 0 for one sample, 0.8 for several
    top_p: float = 1.0
    seed: int = 0
    max_new_tokens: int = 256
    batch_size: int = 16
    constraint: str = "schema"  # one of CONSTRAINTS
    selection: str = "first"  # a name in decoding.selection
    num_beams: int = 1

    def __post_init__(self) -> None:
        """Refuse settings that mean nothing.

        Raises:
            SettingsError: with the name of the setting.
        """
        counts = (self.num_samples, self.max_new_tokens, self.batch_size, self.num_beams)
        if min(counts) < 1:
            raise SettingsError(
                "num_samples, max_new_tokens, batch_size and num_beams must be at least 1"
            )
        if self.constraint not in CONSTRAINTS:
            raise SettingsError(
                f"constraint must be one of {', '.join(CONSTRAINTS)}: {self.constraint}"
            )
        if self.num_beams > 1 and (self.temperature or 0) > 0:
            raise SettingsError("beam search takes no temperature")
        if not 0 < self.top_p <= 1:
            raise SettingsError(f"top_p must be above 0 and at most 1, not {self.top_p}")
        if self.temperature is not None and self.temperature < 0:
            raise SettingsError(f"temperature must not be negative: {self.temperature}")
        if self.num_samples > self.num_beams > 1:
            raise SettingsError(
                f"{self.num_beams} beams are at most {self.num_beams} texts: num_samples is"
                f" {self.num_samples}"
            )
        if self.num_samples > 1 and self.temperature == 0 and self.num_beams == 1:
            raise SettingsError(
                "temperature 0 gives the same text every time: num_samples must be 1"
            )

    @property
    def effective_temperature(self) -> float:
        """The temperature used: the one given, else greedy for one sample, 0.8 for several.

        Beam search draws nothing: its samples are its best beams.
        """
        if self.temperature is not None:
            return self.temperature
        return 0.0 if self.num_samples == 1 or self.num_beams > 1 else 0.8

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
