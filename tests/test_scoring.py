"""From files to verdicts: alignment, errors, metrics, gold that fails."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from text2sql import scoring
from text2sql.databases import locate
from text2sql.errors import DataError, GoldError, OutputError, UnknownName
from text2sql.examples import Example
from text2sql.execution.frames import Reply, encode
from text2sql.scoring.inputs import read_gold, read_predictions
from text2sql.scoring.shared_results import Results

GOLD = [
    "SELECT name FROM member",
    "SELECT count(*) FROM club WHERE city = 'Ulm'",
    "SELECT name FROM guest",
    "SELECT title FROM club ORDER BY title",
]
EXAMPLES = [Example(i, f"question {i}", (sql,), "clubs") for i, sql in enumerate(GOLD)]


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("database")
    (folder / "clubs").mkdir()
    with sqlite3.connect(folder / "clubs" / "clubs.sqlite") as connection:
        connection.executescript((Path(__file__).parent / "data" / "clubs.sql").read_text())
    connection.close()
    return folder


def values(scores: scoring.Scores, metric: str = "execution_accuracy") -> list[float | None]:
    return [verdict.values[metric] for verdict in scores.verdicts]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_gold_against_itself_is_right(databases: Path) -> None:
    scores = scoring.score(GOLD, EXAMPLES, databases)
    assert values(scores) == [1, 1, 1, 1]
    assert [verdict.empty_gold for verdict in scores.verdicts] == [False, False, True, False]
    assert scores.records()[1] == {
        "index": 1,
        "db_id": "clubs",
        "hardness": "easy",
        "execution_accuracy": 1,
        "strict_execution_accuracy": 1,
        "error": None,
        "empty_gold": False,
        "gold": GOLD[1],
        "sql": GOLD[1],
    }


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_blank_line_fails_alone(databases: Path, tmp_path: Path, end: str) -> None:
    lines = [GOLD[0], "", "   ", GOLD[3]]
    scores = scoring.score(write(tmp_path / "p.sql", end.join([*lines, ""])), EXAMPLES, databases)
    assert values(scores) == [1, 0, 0, 1]
    assert [verdict.error for verdict in scores.verdicts] == [
        None,
        *["the prediction is empty"] * 2,
        None,
    ]


def test_odd_line_separators_do_not_shift_the_alignment(tmp_path: Path) -> None:
    lines = ["SELECT 'a\u2028b\x0b\x0c\x85'", "SELECT 2\tclubs", "", "SELECT 4"]
    found = read_predictions(write(tmp_path / "p.sql", "\n".join(lines)), EXAMPLES)
    assert found == [lines[0], "SELECT 2", "", "SELECT 4"]


def test_a_blank_last_prediction_is_kept_and_blank_lines_after_it_are_not(tmp_path: Path) -> None:
    for text in ("a\nb\nc\n\n", "a\nb\nc\n", "a\nb\nc\n\n\n\n"):
        if text.count("\n") > 3:
            assert read_predictions(write(tmp_path / "p.sql", text), EXAMPLES) == [
                "a",
                "b",
                "c",
                "",
            ]
        else:
            with pytest.raises(DataError, match="3 predictions for 4 gold"):
                read_predictions(write(tmp_path / "p.sql", text), EXAMPLES)


def test_a_wrong_count_names_both_counts(databases: Path) -> None:
    with pytest.raises(DataError, match="2 predictions for 4 gold queries"):
        scoring.score(GOLD[:2], EXAMPLES, databases)


def test_json_lines_are_aligned_by_index_where_it_is_the_examples(tmp_path: Path) -> None:
    records = [{"index": i, "sql": f"SELECT {i}"} for i in (3, 1, 0)] + [{"index": 2, "sql": None}]
    text = "\n".join(json.dumps(record) for record in records)
    assert read_predictions(write(tmp_path / "p.jsonl", text), EXAMPLES) == [
        "SELECT 0",
        "SELECT 1",
        "",
        "SELECT 3",
    ]


@pytest.mark.parametrize("indices", [(9, 9, 9, 9), (4, 5, 6, 7), (0, 1, 2, 2)])
def test_json_lines_for_other_examples_are_refused(
    tmp_path: Path, indices: tuple[int, ...]
) -> None:
    lines = (json.dumps({"index": i, "sql": "SELECT 1"}) + "\n" for i in indices)
    with pytest.raises(DataError, match="has index"):
        read_predictions(write(tmp_path / "p.jsonl", "".join(lines)), EXAMPLES)


def test_json_lines_without_index_are_aligned_by_line(tmp_path: Path) -> None:
    text = "".join(json.dumps({"sql": f"SELECT\n{i}"}) + "\n" for i in range(3)) + "\n\n"
    found = read_predictions(write(tmp_path / "p.jsonl", text), EXAMPLES)
    assert found == ["SELECT\n0", "SELECT\n1", "SELECT\n2", ""]


@pytest.mark.parametrize(
    "line", ['{"sql": ', "SELECT 1", "[1]", '{"query": "SELECT 1"}', '{"sql": 1}']
)
def test_a_malformed_json_line_is_named(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "p.jsonl", '{"sql": "SELECT 1"}\n' + line + "\n")
    with pytest.raises(DataError, match=r"p\.jsonl:2: ") as caught:
        read_predictions(path, EXAMPLES)
    assert caught.value.line == 2


def test_text_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "p.sql"
    path.write_bytes(b"SELECT 1\nSELECT '\xe9'\n")
    with pytest.raises(DataError, match=r"p\.sql:2: not UTF-8"):
        read_predictions(path, EXAMPLES)


@pytest.mark.parametrize(
    "prediction",
    [
        "SELECT '\0'",
        "SELECT 1 -- " + "x" * 400_000,
        "DROP TABLE member",
        "((((",
        "SELECT 'é' ; SELECT 2",
        "DISTINCT",
    ],
)
def test_a_hostile_prediction_fails_and_changes_nothing(databases: Path, prediction: str) -> None:
    before = (databases / "clubs" / "clubs.sqlite").read_bytes()
    scores = scoring.score([prediction, *GOLD[1:]], EXAMPLES, databases)
    assert values(scores) == [0, 1, 1, 1]
    assert (databases / "clubs" / "clubs.sqlite").read_bytes() == before


def test_gold_is_read_from_every_form(tmp_path: Path) -> None:
    records = [{"question": "q", "query": sql, "db_id": "clubs"} for sql in GOLD]
    forms = {
        "gold.txt": "".join(f"{sql}\tclubs\n" for sql in GOLD),
        "gold.json": json.dumps(records, indent=1),
        "gold.jsonl": "\n".join(map(json.dumps, records)),
    }
    for name, text in forms.items():
        found = read_gold(write(tmp_path / name, text))
        assert [(e.index, e.query, e.db_id) for e in found] == [
            (i, sql, "clubs") for i, sql in enumerate(GOLD)
        ]


def test_gold_without_sql_or_without_examples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="example 0 has no gold SQL"):
        read_gold([Example(0, "q", (), "clubs")])
    with pytest.raises(DataError):
        read_gold([])
    with pytest.raises(DataError, match="no such file"):
        read_gold(tmp_path / "nothing.sql")


def test_gold_that_fails_raises_with_its_example(databases: Path) -> None:
    broken = [EXAMPLES[0], Example(7, "q", ("SELECT nme FROM member",), "clubs")]
    with pytest.raises(GoldError, match="example 7") as caught:
        scoring.score(GOLD[:2], broken, databases)
    assert (caught.value.index, caught.value.db_id) == (7, "clubs")


def test_gold_that_fails_is_counted_when_asked(databases: Path) -> None:
    broken = [EXAMPLES[0], Example(7, "q", ("SELECT nme FROM member",), "clubs")]
    scores = scoring.score(GOLD[:2], broken, databases, skip_bad_gold=True)
    assert values(scores) == [1, None]
    assert "nme" in (scores.verdicts[1].error or "")
    card = scores.scorecard
    assert (card["n"], card["bad_gold"], card["metrics"]["execution_accuracy"]["all"]["n"]) == (
        2,
        1,
        1,
    )


def test_any_of_several_golds_is_accepted(databases: Path) -> None:
    example = Example(0, "q", ("SELECT name FROM member", "SELECT id FROM member"), "clubs")
    predictions = ["SELECT id FROM member", "SELECT name FROM member", "SELECT age FROM member"]
    scores = scoring.score(predictions, [example] * 3, databases)
    assert values(scores) == [1, 1, 0]


def test_unknown_names_come_with_the_nearest(databases: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'execution_accuracy'"):
        scoring.score(GOLD, EXAMPLES, databases, metrics=["execution_acuracy"])
    with pytest.raises(UnknownName, match="did you mean 'strict'"):
        scoring.score(GOLD, EXAMPLES, databases, rule="strikt")
    with pytest.raises(UnknownName, match=r"no database 'club' .*did you mean 'clubs'"):
        scoring.score(["SELECT 1"], [Example(0, "q", ("SELECT 1",), "club")], databases)


def test_the_strict_rule_comes_first(databases: Path) -> None:
    swapped = ["SELECT name, age FROM member"]
    gold = [Example(0, "q", ("SELECT age, name FROM member",), "clubs")]
    scores = scoring.score(swapped, gold, databases, rule="strict")
    assert scores.metrics == ("strict_execution_accuracy", "execution_accuracy")
    assert [v.values for v in scores.verdicts] == [
        {"strict_execution_accuracy": 0, "execution_accuracy": 1}
    ]


def test_a_metric_of_ones_own_is_passed_in(databases: Path) -> None:
    def length_ratio(pair: scoring.Pair) -> float:
        return len(pair.predicted) / len(pair.gold)

    scores = scoring.score(
        [sql + " " * len(sql) for sql in GOLD], EXAMPLES, databases, metrics=[length_ratio]
    )
    assert values(scores, "length_ratio") == [2.0] * 4
    assert scores.scorecard["metrics"]["length_ratio"]["all"]["low"] is None


def test_databases_may_be_one_file_or_a_function(databases: Path) -> None:
    file = databases / "clubs" / "clubs.sqlite"
    for given in (
        file,
        str(file),
        locate(file),
        lambda db_id: locate(databases / db_id / f"{db_id}.sqlite"),
    ):
        assert values(scoring.score(GOLD, EXAMPLES, given)) == [1, 1, 1, 1]


def test_tables_json_gives_the_names_for_hardness(databases: Path, tmp_path: Path) -> None:
    entry = {
        "db_id": "clubs",
        "table_names_original": ["member"],
        "table_names": ["member"],
        "column_names_original": [[-1, "*"], [0, "name"]],
        "column_names": [[-1, "*"], [0, "name"]],
        "column_types": ["text", "text"],
        "primary_keys": [],
        "foreign_keys": [],
    }
    tables = write(tmp_path / "tables.json", json.dumps([entry]))
    assert (
        scoring.score(GOLD[:1], EXAMPLES[:1], databases, tables=tables).verdicts[0].hardness
        == "easy"
    )
    other = write(tmp_path / "other.json", json.dumps([entry | {"db_id": "club"}]))
    with pytest.raises(UnknownName, match="did you mean 'club'"):
        scoring.score(GOLD[:1], EXAMPLES[:1], databases, tables=other)


def test_a_query_is_run_once_whoever_asks(databases: Path) -> None:
    ran: list[str] = []

    def run(sql: str, database):
        ran.append(sql)
        with sqlite3.connect(database.path) as connection:
            rows = connection.execute(sql).fetchall()
        connection.close()
        return scoring.shared_results.Nothing(rows, error=None)

    timing = {"ves", "r_ves"}
    metrics = [name for name in scoring.METRICS if name not in timing]
    scoring.score(GOLD[:2] * 3, EXAMPLES[:2] * 3, databases, metrics=metrics, workers=1, run=run)
    assert sorted(ran) == sorted(GOLD[:2])


def test_results_beyond_the_memory_limit_are_dropped_oldest_first(
    databases: Path, monkeypatch
) -> None:
    monkeypatch.setattr(scoring.shared_results, "CACHED_BYTES", 500)
    ran: list[str] = []

    def fetch(statements: list[str], database, size: int) -> list[Reply]:
        ran.extend(statements)
        return [Reply(pages=[encode([(sql,)])]) for sql in statements]

    results, database = (
        Results(fetch),
        locate(databases / "clubs" / "clubs.sqlite"),
    )
    for sql in ("a", "b", "a", "c", "a", "b"):
        assert results.get(sql, database).rows == [(sql,)]
    assert ran == ["a", "b", "c", "b"]


def test_a_result_too_large_to_keep_is_run_once_for_all_metrics(databases: Path, monkeypatch):
    monkeypatch.setattr(scoring.shared_results, "LARGEST_CACHED", 10)
    ran: list[tuple[str, int]] = []

    def fetch(statements: list[str], database, size: int) -> list[Reply]:
        ran.extend((sql, size) for sql in statements)
        pages = [encode([("x" * 300,)])]
        return [Reply(truncated=size < 300, pages=pages if size > 300 else []) for _ in statements]

    judge = scoring.judging.Judge(
        scoring.scores.find_metrics(["execution_accuracy", "bird_execution_accuracy"]),
        lambda db_id: locate(databases / "clubs" / "clubs.sqlite"),
        scoring.runners.names_finder(lambda db_id: databases / "clubs" / "clubs.sqlite", None),
        Results(fetch),
    )
    assert set(judge.verdict(EXAMPLES[0], GOLD[0]).values.values()) == {1}
    assert [size for _, size in ran] == [10, 10, scoring.shared_results.MAX_BYTES]


def test_equal_results_are_one_object(databases: Path) -> None:
    fetch = lambda statements, database, size: [Reply(pages=[encode([(1, "a")])])] * len(statements)  # noqa: E731
    results, database = (
        Results(fetch),
        locate(databases / "clubs" / "clubs.sqlite"),
    )
    assert results.get("a", database).rows is results.get("b", database).rows


def test_both_rules_are_reported_with_the_examples_on_which_they_differ(databases: Path) -> None:
    gold = [Example(0, "q", ("SELECT age, name FROM member",), "clubs"), EXAMPLES[1]]
    card = scoring.score(["SELECT name, age FROM member", GOLD[1]], gold, databases).scorecard
    assert list(card["metrics"]) == ["execution_accuracy", "strict_execution_accuracy"]
    none = {"n": 0, "examples": []}
    assert card["differ"] == {"official_only": {"n": 1, "examples": [0]}, "strict_only": none}


def test_keep_distinct_changes_the_headline(databases: Path) -> None:
    gold = [Example(0, "q", ("SELECT DISTINCT name FROM member",), "clubs")]
    scores = scoring.score(["SELECT name FROM member"], gold, databases, keep_distinct=True)
    assert scores.metrics[0] == "execution_accuracy_keep_distinct"
    plain = scoring.score(["SELECT name FROM member"], gold, databases)
    assert values(plain) == [1]
    assert values(scores, "execution_accuracy_keep_distinct") == [0]
    assert scores.manifest["scoring"]["keep_distinct"] is True


def test_a_suite_fails_a_prediction_that_is_right_by_chance(
    databases: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "database" / "clubs"
    shutil.copytree(databases / "clubs", folder)
    neighbour = folder / "clubs_neighbour_01.sqlite"
    shutil.copy(folder / "clubs.sqlite", neighbour)
    with sqlite3.connect(neighbour) as connection:
        connection.execute("INSERT INTO guest (name) VALUES ('Eve')")
    connection.close()
    metrics = ["test_suite_accuracy", "execution_accuracy"]
    predicted = ["SELECT name FROM guest WHERE name = 'Bob'", "SELECT name FROM guest"]
    scores = scoring.score(predicted, [EXAMPLES[2]] * 2, tmp_path / "database", metrics=metrics)
    assert values(scores) == [1, 1]
    assert values(scores, "test_suite_accuracy") == [0, 1]


def test_one_database_changed_in_a_suite_changes_the_manifest(databases: Path, tmp_path: Path):
    folder = tmp_path / "database" / "clubs"
    shutil.copytree(databases / "clubs", folder)
    asked = {"metrics": ["test_suite_accuracy"]}
    before = scoring.score(GOLD, EXAMPLES, tmp_path / "database", **asked).manifest
    shutil.copy(folder / "clubs.sqlite", folder / "clubs_2.sqlite")
    after = scoring.score(GOLD, EXAMPLES, tmp_path / "database", **asked).manifest
    assert before["database_set"] != after["database_set"]


def test_a_moment_stands_for_the_clock_in_gold_and_predictions(databases: Path) -> None:
    gold = [Example(0, "q", ("SELECT date('now')",), "clubs")]
    predicted = ["SELECT '2024-02-29'"]
    assert values(scoring.score(predicted, gold, databases)) == [0]
    assert values(scoring.score(predicted, gold, databases, as_of="2024-02-29")) == [1]


def test_exact_set_match_needs_gold_that_the_official_parser_reads(databases: Path) -> None:
    gold = [Example(0, "q", ("SELECT CASE WHEN 1 THEN 2 END",), "clubs"), EXAMPLES[0]]
    predicted, metrics = [gold[0].query, GOLD[0]], ["execution_accuracy", "exact_set_match"]
    with pytest.raises(GoldError, match="Spider's parser cannot read it"):
        scoring.score(predicted, gold, databases, metrics=metrics)
    scores = scoring.score(predicted, gold, databases, metrics=metrics, skip_bad_gold=True)
    assert values(scores) == [1, 1]
    assert values(scores, "exact_set_match") == [None, 1]
    assert scores.scorecard["metrics"]["exact_set_match"]["all"]["n"] == 1


def test_wrong_predictions_get_classes_of_error(databases: Path) -> None:
    predicted = ["SELECT name FROM guest", GOLD[1], "SELECT nonsense FROM guest", GOLD[3]]
    verdicts = scoring.score(predicted, EXAMPLES, databases).verdicts
    assert [bool(verdict.error_classes) for verdict in verdicts] == [True, False, True, False]
    assert "wrong table" in verdicts[0].error_classes


def test_progress_counts_to_the_end(databases: Path) -> None:
    seen: list[tuple[int, int]] = []
    scoring.score(GOLD, EXAMPLES, databases, workers=3, progress=lambda *now: seen.append(now))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_verdicts_are_written_one_a_line_with_the_scorecard_beside(
    databases: Path, tmp_path: Path
) -> None:
    path = tmp_path / "v.jsonl"
    scores = scoring.score(GOLD, EXAMPLES, databases, output=path)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == scores.records()
    card = json.loads((tmp_path / "v.scorecard.json").read_text(encoding="utf-8"))
    assert card["manifest"] == json.loads(json.dumps(scores.manifest))
    with pytest.raises(OutputError, match="cannot write"):
        scoring.write_verdicts(scores, tmp_path / "no" / "v.jsonl")


def test_a_resumable_run_leaves_its_verdicts_in_the_file_alone(
    databases: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(scoring.scores, "journals_folder", lambda: tmp_path / "journals")
    plain = scoring.score(GOLD, EXAMPLES, databases)
    path = tmp_path / "v.jsonl"
    scores = scoring.score(GOLD, EXAMPLES, databases, output=path, resumable=True)
    assert [json.loads(line) for line in path.read_text().splitlines()] == plain.records()
    assert scores.verdicts == () and scores.card.rows == plain.card.rows
    assert list((tmp_path / "journals").iterdir()) == []


def test_a_run_that_was_cut_goes_on_from_its_verdicts(
    databases: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(scoring.scores, "BATCH", 1)
    monkeypatch.setattr(scoring.scores, "journals_folder", lambda: tmp_path / "journals")
    ran: list[str] = []

    def run(sql: str, database):
        if len(ran) == 2 and sql == GOLD[2]:
            raise KeyboardInterrupt
        ran.append(sql)
        with sqlite3.connect(database.path) as connection:
            rows = connection.execute(sql).fetchall()
        connection.close()
        return scoring.shared_results.Nothing(rows, error=None)

    asked = {"run": run, "workers": 1, "resumable": True, "output": tmp_path / "v.jsonl"}
    with pytest.raises(KeyboardInterrupt):
        scoring.score(GOLD, EXAMPLES, databases, **asked)
    assert not (tmp_path / "v.jsonl").exists()
    ran.append("again")
    scores = scoring.score(GOLD, EXAMPLES, databases, **asked)
    assert ran[ran.index("again") + 1 :] == GOLD[2:]
    assert scores.card.rows == scoring.score(GOLD, EXAMPLES, databases).card.rows


def test_statements_that_differ_in_case_and_spacing_alone_share_a_result(databases: Path) -> None:
    ran: list[str] = []

    def fetch(statements: list[str], database, size: int) -> list[Reply]:
        ran.extend(statements)
        return [Reply(pages=[encode([(sql,)])]) for sql in statements]

    results, database = (
        Results(fetch),
        locate(databases / "clubs" / "clubs.sqlite"),
    )
    same = ["SELECT name  FROM member", "select NAME from\nmember"]
    other = ["SELECT 'A'", "SELECT 'a'", 'SELECT "A"', "SELECT 1 -- A", "SELECT 1 -- a"]
    for sql in [*same, *other]:
        results.get(sql, database)
    assert ran == [same[0], *other]
