"""Show what was measured: plain tables for the terminal, one HTML page for a run.

>>> from text2sql import reporting
>>> print(reporting.report(scores))
"""

from typing import TYPE_CHECKING

from text2sql.exports import late

if TYPE_CHECKING:
    from text2sql.reporting.care import (
        deduplicated_record,
        deduplicated_table,
        overlaps_record,
        overlaps_table,
    )
    from text2sql.reporting.comparisons import comparison_table
    from text2sql.reporting.histograms import draw_histograms
    from text2sql.reporting.html import html_report, write_report
    from text2sql.reporting.listings import (
        bases_table,
        decoding_summary,
        gold_check,
        mapping_table,
        names,
        printable,
        rows_table,
    )
    from text2sql.reporting.plans import plan_table
    from text2sql.reporting.selections import selection_table, sweep_table
    from text2sql.reporting.tables import report, text_table

__all__ = [
    "bases_table",
    "comparison_table",
    "decoding_summary",
    "deduplicated_record",
    "deduplicated_table",
    "draw_histograms",
    "gold_check",
    "html_report",
    "mapping_table",
    "names",
    "overlaps_record",
    "overlaps_table",
    "plan_table",
    "printable",
    "report",
    "rows_table",
    "selection_table",
    "sweep_table",
    "text_table",
    "write_report",
]

_HOMES = {
    "bases_table": "listings",
    "comparison_table": "comparisons",
    "decoding_summary": "listings",
    "deduplicated_record": "care",
    "deduplicated_table": "care",
    "draw_histograms": "histograms",
    "gold_check": "listings",
    "html_report": "html",
    "mapping_table": "listings",
    "names": "listings",
    "overlaps_record": "care",
    "overlaps_table": "care",
    "plan_table": "plans",
    "printable": "listings",
    "report": "tables",
    "rows_table": "listings",
    "selection_table": "selections",
    "sweep_table": "selections",
    "text_table": "tables",
    "write_report": "html",
}

__getattr__ = late(__name__, _HOMES)
