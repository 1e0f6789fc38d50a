"""Records from JSON and JSON Lines: what is malformed is named with its line."""

from pathlib import Path

import pytest

from text2sql.errors import DataError
from text2sql.records import read_records

LONG = "9" * 5_000


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1}\n{"a": \n', r"r\.jsonl:2: malformed JSON: "),
        (f'{{"a": 1}}\n{{"a": {LONG}}}\n', r"r\.jsonl:2: malformed JSON: a number is too long"),
        (f'[{{"a": {LONG}}}]', "malformed JSON: a number is too long"),
        ("[" * 100_000, "malformed JSON: nested too deeply"),
        ('{"a": ' * 100_000, "malformed JSON: nested too deeply"),
        ("[1]", "expected an object, found int"),
        ("\n\n", "holds no record"),
    ],
)
def test_what_is_malformed_is_named(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(text)
    with pytest.raises(DataError, match=reason):
        read_records(path)


def test_records_come_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text('\ufeff{"a": 1}\n\n{"a": 2}\n', encoding="utf-8")
    assert read_records(path) == [(1, {"a": 1}), (3, {"a": 2})]
