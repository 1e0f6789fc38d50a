"""The functions of each engine, one table a module; `functions` reads them.

`FORMS` has a text for each sort of function: "aggregate", "window" and "scalar". A line of it is a
form, that is, one way to call a function:

    substr(text, integer, [integer]) text
    json_object([text any ...]) json primary operand

The kinds of its arguments stand in parentheses: [..] may be absent, `a ...` repeats, `a b ...` in
pairs; `a|b` is either, "any" anything, "same" the kind of the first argument, and groups such as
"number" are in `functions.GROUPS`. Then comes the kind of the result. Words after it say how
sqlglot or the engine reads the arguments (`functions.Function.reads`), or "plain": no DISTINCT,
"unfiltered": no FILTER.

Covered: what both the engine and sqlglot accept; found by trying each call.
Not covered: what has its own syntax (CAST, EXTRACT, POSITION, TRIM FROM, WITHIN GROUP); values that
a function refuses only when it runs.
"""
