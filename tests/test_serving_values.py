"""Values in JSON: nothing is lost, every reader agrees, and JSON can always be written."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text2sql import execute
from text2sql.serving.values import encode, encode_rows, iso_duration


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        (True, True),
        (2**53 - 1, 2**53 - 1),
        (2**53, "9007199254740992"),
        (-(2**63), "-9223372036854775808"),
        (0.1, 0.1),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (Decimal("12.50"), "12.50"),
        (Decimal("1E+3"), "1000"),
        (Decimal("NaN"), "NaN"),
        (date(2026, 5, 1), "2026-05-01"),
        (datetime(2026, 5, 1, 9, 30, tzinfo=UTC), "2026-05-01T09:30:00+00:00"),
        (time(9, 30, 0, 500), "09:30:00.000500"),
        (b"\x00\xff", "AP8="),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ("a\ud83db", "a\ufffdb"),
        ([1, {"k": Decimal("1.0")}], [1, {"k": "1.0"}]),
        (timedelta(days=1, hours=2, milliseconds=500), "P1DT2H0.5S"),
        (timedelta(0), "PT0S"),
        (-timedelta(minutes=3), "-PT3M"),
    ],
)
def test_a_value_is_written_as_the_docs_say(value, written):
    assert encode(value) == written


@given(st.timedeltas())
def test_a_duration_adds_up_again(value):
    text = iso_duration(value)
    days, _, clock = text.lstrip("-").removeprefix("P").partition("T")
    seconds = Decimal(days.removesuffix("D") or 0) * 86_400
    for unit, size in (("H", 3600), ("M", 60), ("S", 1)):
        number, found, rest = clock.partition(unit)
        seconds, clock = (seconds + Decimal(number) * size, rest) if found else (seconds, clock)
    micros = int(seconds * 1_000_000) * (-1 if text.startswith("-") else 1)

    assert timedelta(microseconds=micros) == value


@given(st.recursive(st.none() | st.text() | st.integers() | st.floats() | st.binary(), st.lists))
def test_whatever_comes_is_json_that_utf8_can_say(value):
    json.dumps(encode(value), allow_nan=False, ensure_ascii=False).encode()


def test_rows_of_duckdb_come_as_json(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    duckdb.connect(str(tmp_path / "t.duckdb")).close()
    sql = "SELECT 1.50::DECIMAL(9,2), 170141183460469231731687303715884105727::HUGEINT, [1, 2]"
    sql += ", {'a': DATE '2026-05-01'}, '\\xAA'::BLOB, INTERVAL 36 HOUR, 'NaN'::DOUBLE"
    rows = encode_rows(execute(sql, str(tmp_path / "t.duckdb")).rows)

    assert rows[0][:5] == ["1.50", str(2**127 - 1), [1, 2], {"a": "2026-05-01"}, "qg=="]
    assert rows[0][5:] == ["P1DT12H", "NaN"]
