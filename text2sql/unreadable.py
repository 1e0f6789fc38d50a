"""What sqlglot raises at a text that it cannot read, or at a tree that it cannot qualify.

    >>> try:
    ...     check_joins(sql)
    ...     tree = sqlglot.parse_one(sql)
    ... except UNREADABLE as error:
    ...     print("no SQL:", error)

Beside its own errors: TypeError and ValueError where a token is not what a reader of numbers, types
or dates expects, and which of the two may differ between the plain and the compiled package;
RecursionError where a text is nested too deeply; ValueError of `limits.check_joins`.
"""

from sqlglot.errors import SqlglotError

UNREADABLE = (SqlglotError, TypeError, ValueError, RecursionError)
