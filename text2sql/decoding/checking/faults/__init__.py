"""Say what is wrong with a text, as a person would: the first fault, where it is, what was meant.

    >>> explain(checker, "SELECT nme FROM customers").message
    "no column 'nme' in customers (did you mean 'name'?)"

The text is read again, a lexeme at a time, until one is refused. Either the grammar has no place
for it there, or an action refused it, which `refusals` finds out; each of `sources`, `columns`,
`calls` and `clauses` has a table with words for some actions. `explaining` joins them.

Covered: names of tables, aliases, columns, functions; widths; aggregates, windows; order of
clauses; what was expected.
Not covered: a second fault; faults that the checker does not see, such as types when they are off.
"""

from text2sql.decoding.checking.faults.explaining import explain
from text2sql.decoding.checking.faults.wording import Fault

__all__ = ["Fault", "explain"]
