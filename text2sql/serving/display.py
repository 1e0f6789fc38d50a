"""An answer as a notebook shows it: the SQL, a table, and what has to be known of both.

    >>> Shown(predictor.predict("customers per tier?"))     # as the last line of a cell

Covered: everything that comes from a question, a model or a database is escaped, and is no formula
for MathJax either; long results and long cells are cut, and say so; a terminal shows plain text.
Not covered: charts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

from text2sql.answers import Answer
from text2sql.reporting.listings import printable, rows_table
from text2sql.reporting.tables import one_line

ROWS_SHOWN = 50
CELL_SHOWN = 200  # characters

_NUMBERS = ("integer", "number", "decimal")
_CELL = "padding:2px 10px;text-align:{};white-space:pre"


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    """An answer that shows itself."""

    answer: Answer

    def __repr__(self) -> str:
        """Return the SQL, the rows and the remarks as plain text."""
        found = self.answer
        parts = [printable(found.sql)]
        if found.columns:
            parts.append(rows_table(found.columns, found.rows, truncated=found.truncated))
        return "\n".join([*parts, *map(one_line, self.remarks())])

    def _repr_html_(self) -> str:
        """Return the same as HTML; it loads nothing and runs nothing."""
        parts = [f"<pre>{escape(self.answer.sql)}</pre>"]
        if self.answer.rewritten is not None:
            parts.append(_folded("as it ran under the policy", self.answer.rewritten))
        if self.answer.columns:
            parts.append("".join(self._table()))
        parts += [f"<div>{escape(remark)}</div>" for remark in self.remarks()]
        # both classes keep MathJax away: a cell may hold dollar signs
        return f'<div class="tex2jax_ignore mathjax_ignore">{"".join(parts)}</div>'

    def _table(self) -> Iterator[str]:
        aligned = ["right" if kind in _NUMBERS else "left" for kind in self.answer.types]
        heads = zip(self.answer.columns, aligned, strict=True)
        yield "<table><thead><tr>"
        yield from (_cell("th", name, side) for name, side in heads)
        yield "</tr></thead><tbody>"
        for row in self.answer.rows[:ROWS_SHOWN]:
            cells = (_cell("td", *pair) for pair in zip(row, aligned, strict=True))
            yield f"<tr>{''.join(cells)}</tr>"
        yield "</tbody></table>"

    def remarks(self) -> list[str]:
        """Return what is said below: the reason of no rows, what is missing, how sure it is."""
        found = self.answer
        said = [f"error: {found.error}"] if found.error else []
        if found.columns:
            said.append(self._count())
        if found.confidence is not None:
            said.append(f"{found.confidence:.0%} of {len(found.candidates)} samples agree")
        if found.kept_back:
            said.append(f"kept back: {'; '.join(found.kept_back)}")
        if found.left_out:
            said.append(f"not in the prompt for want of room: {', '.join(found.left_out)}")
        return said

    def _count(self) -> str:
        rows = len(self.answer.rows)
        cut = ", cut at the row cap" if self.answer.truncated else ""
        first = f", the first {ROWS_SHOWN} are shown" if rows > ROWS_SHOWN else ""
        return f"{rows:,} {'row' if rows == 1 else 'rows'}{cut}{first}"


def _cell(tag: str, value: Any, side: str) -> str:
    text = "NULL" if value is None else one_line(value)
    if len(text) > CELL_SHOWN:
        text = text[:CELL_SHOWN] + "…"
    style = _CELL.format(side) + (";opacity:0.5" if value is None else "")
    return f'<{tag} style="{style}">{escape(text)}</{tag}>'


def _folded(summary: str, text: str) -> str:
    return f"<details><summary>{summary}</summary><pre>{escape(text)}</pre></details>"
