"""Tokens as sqlparse finds them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text2sql.scoring.spider.lexer import TEXT, all_tokens, first_statement


@pytest.mark.parametrize(
    ("sql", "tokens"),
    [
        ("a.b", ["a", ".", "b"]),
        ("t1.c>=2.5", ["t1", ".", "c", ">=", "2.5"]),
        ("a-1", ["a", "-1"]),
        ("count(*)", ["count", "(", "*", ")"]),
        ("'it''s'||\"x\"", ["'it''s'", "||", '"x"']),
        ("a/*b;*/c", ["a", "/*b;*/", "c"]),
        ("a--b\nc", ["a", "--b\n", "c"]),
        ("`a b`c[d e]", ["`a b`", "c", "[", "d", " ", "e", "]"]),
        (" [c d]", [" ", "[c d]"]),
        ("$$a b$$", ["$$a b$$"]),
        ("12a", ["1", "2a"]),
        ("1e5 0xF .5", ["1e5", " ", "0xF", " ", ".5"]),
        ("'open", ["'", "open"]),
    ],
)
def test_tokens_end_where_sqlparse_ends_them(sql: str, tokens: list[str]) -> None:
    assert [token.text for token in all_tokens(sql)] == tokens


@given(st.text("aT1.'\"`-/*#$[]();,\\ \n\r=<>!é", max_size=40))
def test_the_tokens_are_the_text(sql: str) -> None:
    assert "".join(token.text for token in all_tokens(sql)) == sql


def test_quoted_text_is_told_from_quoted_names() -> None:
    kinds = [token.kind for token in all_tokens("'a'\"b\"`c`")]
    assert [kind == TEXT for kind in kinds] == [True, True, False]


@pytest.mark.parametrize(
    ("sql", "first"),
    [
        ("SELECT 1", "SELECT 1"),
        ("SELECT 1; -- more\n SELECT 2", "SELECT 1; -- more\n "),
        ("SELECT 1;\nSELECT 2", "SELECT 1;"),
        ("SELECT (1;2); 3", "SELECT (1;2); "),
        ("SELECT ';' ; 3", "SELECT ';' ; "),
        ("CASE (a END; 3", "CASE (a END; "),
        ("SELECT a GO b", "SELECT a GO "),
        ("SELECT a go b", "SELECT a go b"),
    ],
)
def test_a_statement_ends_at_a_semicolon_outside_brackets_or_after_go(sql: str, first: str) -> None:
    assert "".join(token.text for token in first_statement(sql)) == first
