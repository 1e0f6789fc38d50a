"""Questions as ids, with answers as a base writes them; what cannot be used is named."""

from dataclasses import replace

import pytest

from text2sql.bases import find_base, load_tokenizer
from text2sql.data.catalog import find_dataset
from text2sql.decoding.binding import bind_prompt
from text2sql.decoding.candidates import read_sql
from text2sql.errors import DataError, PromptError, Unsayable
from text2sql.execution import Executor
from text2sql.scoring.results import same_rows
from text2sql.training.exercises import Skip, pose, report_skips, settle_skips
from text2sql.training.recipe import read_recipe

TWICE = "SELECT a.name FROM customers AS a JOIN customers AS b ON a.customer_id < b.customer_id"
TOO_LONG = Skip(4, "shop", "the SQL alone needs 900 tokens of 20")
UNSAYABLE = Skip(7, "shop", "pointers cannot say it", sayable=False)


class Class:
    """A base with what all its questions have in common."""

    def __init__(self, folder, **settings) -> None:
        made = {"today": "2026-01-01", "max_length": 4096} | settings
        self.recipe = read_recipe(None, base=str(folder), data="samples", **made)
        self.base = find_base(folder)
        self.tokenizer = load_tokenizer(self.base)
        self.dataset = find_dataset("samples", split="train", limit=12)

    def pose(self, example, answers, **options):
        asked = self.dataset, self.base, self.tokenizer, self.recipe
        return pose(example, answers, *asked, **options)

    def read(self, exercise, ids) -> str:
        text = bind_prompt(exercise.fitted.prompt, self.tokenizer).text_of(ids)
        return read_sql(text, base=self.base, schema=exercise.fitted.schema)


def test_a_base_that_points_learns_sql_that_finds_what_gold_finds(tiny_pointing):
    room = Class(tiny_pointing)
    with Executor() as executor:
        for example in room.dataset.examples:
            exercise = room.pose(example, [example.query])
            (answer,) = exercise.answers
            sql = room.read(exercise, answer)
            database = room.dataset.database(example.db_id)
            gold, found = (executor.execute(text, database) for text in (example.query, sql))
            assert found.error is None and answer[-1] == room.tokenizer.eos_token_id
            assert same_rows(gold.rows, found.rows, ordered=False), (example.query, sql)


def test_answers_point_at_the_names_of_their_own_prompt(tiny_pointing):
    room = Class(tiny_pointing)
    example = room.dataset.examples[0]
    exercise = room.pose(example, ["SELECT name FROM customers", "SELECT phone FROM customers"])
    pointers = exercise.fitted.prompt.pointers
    spoken = [room.tokenizer.convert_ids_to_tokens(answer) for answer in exercise.answers]

    for tokens, column in zip(spoken, ("name", "phone"), strict=True):
        assert pointers.of_table("customers") in tokens
        assert pointers.of_column("customers", column) in tokens


def test_what_pointers_cannot_say_is_unsayable_in_every_place(tiny_pointing):
    room = Class(tiny_pointing)
    example = room.dataset.examples[0]
    for answers in ([TWICE], [example.query, TWICE], [example.query, "SELECT nme FROM nowhere"]):
        with pytest.raises(Unsayable, match="pointers cannot say it"):
            room.pose(example, answers)


def test_what_is_too_long_once_it_is_written_is_refused(tiny_pointing):
    whole = Class(tiny_pointing)
    example = whole.dataset.examples[0]
    exercise = whole.pose(example, [example.query])
    needed = len(exercise.prompt.ids) + len(exercise.answers[0])

    assert len(Class(tiny_pointing, max_length=needed + 400).pose(example, []).answers) == 0
    with pytest.raises(PromptError, match="the SQL alone needs 400 tokens of 300"):
        Class(tiny_pointing, max_length=300).pose(example, [], room=400)


def test_a_wrong_answer_in_the_evidence_points_at_names_too(tiny_pointing):
    room = Class(tiny_pointing)
    example = replace(
        room.dataset.examples[0], question="How many?", evidence="A wrong answer: SELECT city"
    )
    exercise = room.pose(example, [])
    pointers = exercise.fitted.prompt.pointers
    tokens = f"{pointers.of_table('addresses')} {pointers.of_column('addresses', 'city')}"

    assert f"city {tokens}" in exercise.fitted.prompt.own_text
    assert exercise.fitted.prompt.own_text.endswith(" ; How many?\n")
    assert room.tokenizer.convert_tokens_to_ids(tokens.split()[1]) in exercise.prompt.own_ids


def test_what_does_not_fit_is_left_out_only_on_request_and_what_is_unsayable_always(capsys):
    with pytest.raises(DataError, match=r"^1 of 9 examples do not fit; .*example 4 \(shop\)"):
        settle_skips([TOO_LONG, UNSAYABLE], 9, allowed=False)
    settle_skips([TOO_LONG, UNSAYABLE], 9, allowed=True)
    settle_skips([UNSAYABLE], 9, allowed=False)
    with pytest.raises(DataError, match="no example is left to train on: example 7"):
        settle_skips([UNSAYABLE], 1, allowed=False)

    assert capsys.readouterr().err.count("1 left out because the base's answers") == 2


def test_skips_are_named_a_few_and_counted_all(capsys):
    report_skips([replace(UNSAYABLE, index=place) for place in range(40)])

    said = capsys.readouterr().err
    assert said.count("left out: example") == 5 and "40 left out because" in said
