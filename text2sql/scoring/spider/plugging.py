"""Try the gold query's values in a prediction, for models that do not predict values.

    >>> list(plugged("SELECT name FROM t WHERE age > 1", "SELECT name FROM t WHERE age > 20"))
    ['SELECT name FROM t WHERE age > 1', 'select name from t where age > 20']

Execution accuracy with `--plug_value` is 1 if any of these texts gives the gold result; the first
one is the prediction as it stands, so that plugging never lowers a score.

Covered: the official texts, quirks included. All but the first are in lower case with a space
between tokens; what stands in double quotes is a value, a name included; an alias such as `a1`
passes for a number, `t1` does not; a number that touches a sign or a letter counts only if it is a
token of its own.
Not covered: the official order, which is that of a Python set and changes from run to run (here
values come as they stand in gold); more than `MOST` texts, where the official program would go on
(slots and values multiply: 6 values in 8 slots are 1.7 million texts).

The rules are those of `get_all_preds_for_execution` in parse.py and of `eval_exec_match` in
exec_eval.py (taoyds/test-suite-sql-eval at e97acc5).
"""

import re
from collections.abc import Iterator
from itertools import islice, product

from text2sql.scoring.spider.lexer import SPACE, TEXT, all_tokens
from text2sql.scoring.spider.text import (
    LONGEST,
    fix_current_year,
    join_operators,
    prepare_prediction,
    remove_distinct,
    replace_value,
)

MOST = 10_000  # texts to try for one prediction
_SLOT = "VALUERARE"  # the official mark; a name that contains it would be read as a slot, too

_STAR = re.compile(r"(?:t[123]|T[123])\.\*")
_SPACE_AFTER_ALIAS = re.compile(r"(T\d+\.)\s")
_FLOAT = re.compile(r"[-+]?\d*\.\d+")
_INTEGER = re.compile(r"[^tT]\d+")
_ALIAS = re.compile(r"[Tt]\d+\.")


def plugged(predicted: str, gold: str, *, keep_distinct: bool = False) -> Iterator[str]:
    """Yield the texts to run in the place of a prediction, the prediction itself first.

    Args:
        predicted: as the model wrote it.
        gold: as the data set has it.
        keep_distinct: leave DISTINCT in, as `execution_accuracy_keep_distinct` does.
    """
    yield prepare_prediction(predicted, keep_distinct=keep_distinct)
    predicted, gold = join_operators(replace_value(predicted)), join_operators(gold)
    if max(len(predicted), len(gold)) > LONGEST:
        return
    if not keep_distinct:
        predicted, gold = remove_distinct(predicted), remove_distinct(gold)
    words, _ = _slots_and_values(predicted)
    values = list(dict.fromkeys(_slots_and_values(gold)[1]))
    slots = [place for place, word in enumerate(words) if word == _SLOT.lower()]
    for choice in islice(product(values, repeat=len(slots)), MOST):
        for place, value in zip(slots, choice, strict=True):
            words[place] = value
        yield fix_current_year(" ".join(words))


def _slots_and_values(sql: str) -> tuple[list[str], list[str]]:
    """Return the words in lower case, a mark for each value among them, and the values."""
    sql = _spaced(sql)
    values = [token.text for token in all_tokens(sql) if token.kind == TEXT]
    for value in values:
        sql = sql.replace(value, _SLOT)
    words = sql.split()
    for pattern, text in ((_FLOAT, sql), (_INTEGER, None)):
        numbers = {found.strip() for found in pattern.findall(text or " ".join(words))}
        values += [word for word in words if word in numbers]
        words = [_SLOT if word in numbers else word for word in words]
    return [part for word in words for part in _lower_parts(word)], values


def _spaced(sql: str) -> str:
    sql = sql.strip().replace(";", "").replace("\t", "")
    sql = " ".join(token.text for token in all_tokens(sql) if token.kind != SPACE)
    return _SPACE_AFTER_ALIAS.sub(r"\1", _STAR.sub("*", sql))


def _lower_parts(word: str) -> list[str]:
    """Part an alias from its column."""
    return (word.replace(".", " . ") if _ALIAS.search(word) else word).lower().split()
