"""What an owner says of a database that it does not declare: an overlay, as text2sql.yaml holds it.

    >>> Overlay(relationships=("orders.customer_id -> customers.id",))

Covered: descriptions, synonyms, meanings of stored values, relationships; misspelt keys are errors.
Not covered: putting them on a schema (`schema.overlays`).
"""

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, coerce_numbers_to_str=True, hide_input_in_errors=True
    )


class ColumnOverlay(_Strict):
    """What the owner says of a column."""

    description: str | None = None
    synonyms: tuple[str, ...] = ()
    values: dict[str, str] = Field(default_factory=dict)  # stored value -> meaning


class TableOverlay(_Strict):
    """What the owner says of a table."""

    description: str | None = None
    synonyms: tuple[str, ...] = ()
    columns: dict[str, ColumnOverlay] = Field(default_factory=dict)


class Overlay(_Strict):
    """Knowledge that the database does not declare: descriptions, synonyms, relationships.

    `relationships` are written `orders.customer_id -> customers.id`, several columns joined by
    commas: `lines.a, lines.b -> heads.a, heads.b`.
    """

    tables: dict[str, TableOverlay] = Field(default_factory=dict)
    relationships: tuple[str, ...] = ()
