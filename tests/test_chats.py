"""Answers as chat messages: whatever a cell holds, it stays text in a table."""

from text2sql.answers import Abstention, Answer
from text2sql.serving import chats


def answer(sql="SELECT 1", columns=("a",), rows=(), **more):
    found = {"truncated": False, "error": None, "confidence": None, "candidates": []}
    return Answer("?", sql, list(columns), list(rows), left_out=(), **{**found, **more})


def test_cells_stay_text_whatever_markdown_they_hold():
    cells = ["![x](http://evil/?q)", "a | b\nc", "<img src=x>", "`code` **bold** ~x~ $y$ &amp;"]
    table = chats.table_of(["a|b"], [(cell,) for cell in cells], truncated=False)
    lines = table.splitlines()

    assert lines[0] == "| a\\|b |" and lines[2] == "| \\!\\[x\\](http://evil/?q) |"
    assert lines[3] == "| a \\| b c |" and lines[4] == "| \\<img src=x\\> |"
    assert lines[5].count("\\") == 11 and len(lines) == 6


def test_a_table_is_bounded_and_says_so():
    rows = [(n, None, "x" * 1000) for n in range(120)]
    lines = chats.table_of(["n", "none", "x"], rows, truncated=False).splitlines()

    assert lines[2].startswith("| 0 |  | xxx") and len(lines[2]) < 230
    assert len(lines) == 2 + chats.MOST_ROWS + 2 and lines[-1] == "The first 50 of 120 rows."
    assert "The first 1 of more rows." in chats.table_of(["n"], [(1,)], truncated=True)


def test_sql_does_not_leave_its_block():
    sql = "SELECT '```\n![x](http://evil)'"
    first = chats.message_of(answer(sql, rows=[(1,)]))[0]

    assert first == f"````sql\n{sql}\n````\n"
    assert chats._SQL.search("".join(chats.message_of(answer(sql, rows=[(1,)]))))[2].strip() == sql


def test_an_abstention_says_why_and_shows_no_sql_that_does_not_hold():
    missing = Abstention("missing", "no valid SQL: no table 'x_y'")
    unsure = Abstention("unsure", "only 2 of 5 samples agree")

    assert chats.message_of(answer(abstention=missing, error="e")) == [
        "No answer: no valid SQL: no table 'x\\_y'\n"
    ]
    said = "".join(chats.message_of(answer(abstention=unsure, error=unsure.message)))
    assert said == "```sql\nSELECT 1\n```\n\nNo rows: only 2 of 5 samples agree\n"


def test_what_is_in_doubt_and_what_is_kept_back_is_said_below_the_rows():
    said = chats.message_of(answer(rows=[(1,)], doubts=("which town?",), kept_back=("no *mail*",)))

    assert said[1:] == [
        "\n| a |\n| --- |\n| 1 |\n",
        "\nIn doubt: which town?\n",
        "\nKept back: no \\*mail\\*\n",
    ]


def test_stops_end_the_message_wherever_they_stand():
    parts = ["one\n", "two three\n"]

    assert chats.cut(parts, None) == parts and chats.cut(parts, []) == parts
    assert chats.cut(parts, "three") == ["one\n", "two "]
    assert chats.cut(parts, ["zz", "e\nt"]) == ["on"] and chats.cut(parts, "one") == []
