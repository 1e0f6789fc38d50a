"""A model that answers from a script: what is around a model is tested without one."""

from collections.abc import Callable, Sequence
from pathlib import Path

from text2sql.decoding.generation import Generation
from text2sql.models import Model


class Scripted:
    """A backend that answers every prompt with the texts that a function has for it."""

    tokenizer = None

    def __init__(self, base, answer: Callable[[str], Sequence[str]]) -> None:
        self.base, self.answer = base, answer
        self.asked: list[str] = []
        self.given: list[dict] = []  # schema and values of each call

    def generate(self, prompts, decoding, *, schema=None, values=None, listen=None):
        self.asked += [prompt.text for prompt in prompts]
        tokens = decoding.max_new_tokens
        self.given.append(
            {"schema": schema, "values": values, "prompts": len(prompts), "tokens": tokens}
        )
        for place, prompt in enumerate(prompts) if listen else ():
            text = self.answer(prompt.text)[0]
            for end in range(4, len(text) + 4, 4):
                listen(place, 0, text[:end])
        return [[Generation(text, 1) for text in self.answer(prompt.text)] for prompt in prompts]

    def close(self) -> None: ...


def scripted_model(answer: Callable[[str], Sequence[str]]) -> Model:
    """Return a model of the base `generic`, whose answers are plain SQL."""
    from text2sql.bases import find_base

    base = find_base("generic")
    described = {"base": "scripted", "revision": None, "adapter": None}
    return Model(Scripted(base, answer), base, "ddl", "en", 8192, described)


def scripted_data(samples: Path, folder: Path, count: int = 4):
    """Return a data set of a few questions on the bundled shop."""
    import json

    from text2sql.data.catalog import find_dataset

    records = map(json.loads, (samples / "train.jsonl").read_text().splitlines())
    chosen = [record for record in records if record["db_id"] == "shop"][-count:]
    database = str(samples / "database" / "shop" / "shop.sqlite")
    lines = [json.dumps(record | {"database": database}) for record in chosen]
    (folder / "mine.jsonl").write_text("\n".join(lines) + "\n")
    return find_dataset(str(folder / "mine.jsonl"), split="train")


def scripted_answers(dataset, *texts: Callable[[str], str]) -> Callable[[str], list[str]]:
    """Return the function that answers a prompt by what each of `texts` makes of the gold SQL."""

    def answer(prompt: str) -> list[str]:
        gold = next(e.query for e in dataset.examples if e.question in prompt)
        return [text(gold) for text in texts]

    return answer
