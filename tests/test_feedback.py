"""Samples with their verdicts: counted, grouped by build, kept, chosen and paired."""

import json
from collections.abc import Sequence

from text2sql.examples import Example
from text2sql.training.feedback import (
    VERDICTS,
    Judged,
    Question,
    collect,
    count_samples,
    distinct_builds,
)
from text2sql.training.hindsight import hindsight_examples
from text2sql.training.preference import choose_pairs
from text2sql.training.rejection import choose, diverse
from text2sql.training.stage_settings import Dpo, Reject
from text2sql.training.verdicts import Verdict

GOLD = "SELECT name FROM pets"
BUILDS = ["SELECT name FROM pets", "SELECT p.name FROM pets AS p WHERE p.id > 0"]


def example(index: int, gold: str = GOLD) -> Example:
    return Example(index, f"question {index}", (gold,), "pets", evidence="a hint")


def says(sql: str, correct: bool | None, *, count: int = 1, error: str | None = None) -> Judged:
    return Judged(sql, count, Verdict(True, correct, error, 2))


def question(index: int, *samples: Judged, gold: str = GOLD) -> Question:
    return Question(example(index, gold), samples)


def dialect(db_id: str) -> str:
    return "sqlite"


def judge(sql: str, golds: Sequence[str], db_id: str) -> Verdict:
    return Verdict(sql != "broken", sql in golds, None if sql in golds else "wrong", 1)


def test_equal_samples_are_judged_once_and_counted(tmp_path):
    asked = []

    def counting(sql, golds, db_id):
        asked.append(sql)
        return judge(sql, golds, db_id)

    samples = [[GOLD, "broken", GOLD], [], [GOLD, GOLD, GOLD]]
    found = collect(tmp_path, [example(i) for i in range(3)], counting, samples)

    assert sorted(asked) == sorted([GOLD, "broken", GOLD])
    assert [each.count for each in found[0].samples] == [2, 1]
    assert count_samples(found) == {
        "sampled": 6,
        "valid": 5,
        "correct": 5,
        "undecided": 0,
        "run_away": 0,
        "questions": 3,
        "questions_without_correct": 1,
        "questions_all_correct": 1,
        "most_databases": 1,
    }


def test_verdicts_that_a_killed_run_wrote_are_not_asked_for_again(tmp_path):
    examples, samples = [example(i) for i in range(3)], [[GOLD], ["broken"], [GOLD]]
    whole = collect(tmp_path, examples, judge, samples)
    lines = (tmp_path / VERDICTS).read_text()
    cut = "\n".join(lines.split("\n")[:2]) + '\n{"index": 2, "sam'
    (tmp_path / VERDICTS).write_text(cut)
    asked = []

    def counting(sql, golds, db_id):
        asked.append(sql)
        return judge(sql, golds, db_id)

    assert collect(tmp_path, examples, counting, samples) == whole
    assert asked == [GOLD] and (tmp_path / VERDICTS).read_text() == lines
    assert [json.loads(line)["gold"] for line in lines.splitlines()] == [GOLD] * 3


def test_spelling_and_aliases_make_no_other_build():
    same = ["SELECT name FROM pets", "select p.name from pets as p", "SELECT name  FROM pets;"]
    found = distinct_builds(
        [says(sql, True) for sql in [*same, BUILDS[1], "not SQL (", "'"]], "sqlite"
    )

    assert [(each.sql, each.count) for each in found][:2] == [(same[0], 3), (BUILDS[1], 1)]
    assert len(found) == 4


def test_samples_are_kept_for_being_different():
    near, far = "SELECT name FROM pets LIMIT 9", "SELECT x.n FROM (SELECT name AS n FROM pets) x"
    samples = [says(near, True), says(far, True), says(GOLD, True, count=5)]

    assert [each.sql for each in diverse(samples, 2, "sqlite")] == [GOLD, far]
    assert [each.sql for each in diverse(samples, 9, "sqlite")] == [GOLD, far, near]


def test_gold_fills_its_share_and_the_hardest_questions_come_first():
    solved = [question(i, says(BUILDS[1], True), says("broken", False)) for i in range(6)]
    unsolved = [question(6 + i, says("broken", False)) for i in range(2)]
    chosen = choose([*solved, *unsolved], Reject(gold_share=0.4), seed=1, dialect=dialect)

    assert chosen.counts == {"kept": 6, "gold": 4, "hindsight": 0}
    golds = [e.index for e in chosen.examples if e.query == GOLD]
    assert {6, 7} <= set(golds) and len(golds) == 4
    assert choose(solved, Reject(gold_share=0), seed=1, dialect=dialect).counts["gold"] == 0
    assert not choose(unsolved, Reject(), seed=1, dialect=dialect).examples


def test_a_mistake_becomes_a_row_that_asks_for_gold():
    wrong = says("SELECT nme\nFROM pets", False, count=3, error="no such column: nme")
    asked = question(0, says(GOLD, True), says("SELECT 1", False, error="another"), wrong)
    (row,) = hindsight_examples(asked, 1)

    assert row.query == GOLD and row.evidence is not None
    assert row.evidence.split("\n") == [
        "a hint",
        "A wrong answer: SELECT nme FROM pets",
        "What is wrong with it: no such column: nme",
    ]


def test_what_has_run_away_teaches_nothing_right_or_wrong():
    right = f"SELECT name FROM pets /* {'and so on ' * 40} */"
    wrong = f"SELECT name FROM pets WHERE {' AND '.join(['id = 1'] * 40)}"
    asked = question(0, says(right, True), says(wrong, False))

    assert count_samples([asked])["run_away"] == 2
    assert not choose([asked], Reject(), seed=1, dialect=dialect).examples
    assert not choose_pairs([asked], Dpo(use_gold=True), dialect=dialect)
    assert not hindsight_examples(asked, 3)
    short = question(0, says(GOLD + " /* x */", True), says(GOLD, True), says("SELECT 1", False))
    assert [pair.chosen for pair in choose_pairs([short], Dpo(), dialect=dialect)] == [GOLD]


def test_pairs_are_near_misses_first_and_the_right_ones_take_turns():
    near, far = "SELECT name FROM pets WHERE id = 1", "SELECT count(*) FROM owners JOIN pets"
    right = [says(sql, True) for sql in BUILDS]
    wrong = [says(far, False), says(near, False, error="it gives 1 row instead of 2")]
    pairs = choose_pairs([question(0, *right, *wrong)], Dpo(), dialect=dialect)

    assert [(pair.chosen, pair.rejected) for pair in pairs] == [(GOLD, near), (BUILDS[1], far)]
    assert pairs[0].record()["reason"] == "it gives 1 row instead of 2"
    few = choose_pairs(
        [question(0, *right, *wrong)], Dpo(max_pairs_per_question=1), dialect=dialect
    )
    assert [pair.rejected for pair in few] == [near]


def test_questions_that_are_all_right_or_all_wrong_or_undecided_give_no_pair():
    questions = [
        question(0, says(GOLD, True)),
        question(1, says("broken", False), says("", False)),
        question(2, says(GOLD, None), says("broken", None)),
    ]

    assert choose_pairs(questions, Dpo(), dialect=dialect) == []
    (pair,) = choose_pairs(questions, Dpo(use_gold=True), dialect=dialect)
    assert (pair.chosen, pair.rejected) == (GOLD, "broken")
