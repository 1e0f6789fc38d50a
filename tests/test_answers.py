"""Answers as programs read them: types, records, Arrow and pandas."""

from datetime import date
from decimal import Decimal

import pytest

from text2sql.answers import Answer, column_type


def answer(columns: list[str], rows: list[tuple]) -> Answer:
    return Answer("?", "SELECT 1", columns, rows, False, None, None, [], ())


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "integer"),
        ([1, None, 2.5], "number"),
        ([1, Decimal("2.5")], "decimal"),
        ([True, None], "boolean"),
        ([True, 1], "any"),
        ([date(2026, 5, 1)], "date"),
        ([None], "any"),
        ([b"x"], "bytes"),
        (["a", 1], "any"),
    ],
)
def test_a_column_has_the_type_of_its_values(values, kind):
    assert column_type(values) == kind


def test_arrow_keeps_types_and_takes_columns_of_several():
    pytest.importorskip("pyarrow")
    table = answer(["n", "x", "y"], [(1, 1, "a"), (None, 2.5, 7)]).to_arrow()
    assert table.column_names == ["n", "x", "y"]
    assert table.to_pylist() == [{"n": 1, "x": 1.0, "y": "a"}, {"n": None, "x": 2.5, "y": "7"}]
    assert answer(["n"], []).to_arrow().num_rows == 0


def test_pandas_gets_the_columns_also_without_rows():
    pytest.importorskip("pandas")
    frame = answer(["a", "a"], [(1, 2)]).to_pandas()
    assert list(frame.columns) == ["a", "a"] and frame.shape == (1, 2)
    assert list(answer(["a", "b"], []).to_pandas().columns) == ["a", "b"]


def test_a_record_is_plain():
    record = answer(["n"], [(1,)]).record()
    assert record["types"] == ("integer",) and record["abstained"] is None
    assert record["columns"] == ["n"] and record["candidates"] == []
