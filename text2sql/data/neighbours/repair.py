"""Change the rows of a copy until every gold query has one answer.

    >>> content = repair(profile, content, queries, demands, random)    # None: not within its steps

A step drops or changes rows of a table that an undetermined query reads, and is kept if fewer
queries are undetermined afterwards, or as many; steps grow until tables are small enough for ties
to vanish.

Not covered: queries that no rows determine, such as those that read a random number: None.
"""

from collections.abc import Sequence
from random import Random

from text2sql.data.neighbours.copies import settle
from text2sql.data.neighbours.demands import Demand, Demands
from text2sql.data.neighbours.determinacy import Orders
from text2sql.data.neighbours.profiles import Content, Profile, Row, TableProfile
from text2sql.data.neighbours.queries import Query
from text2sql.data.neighbours.values import Cells

STEPS = 90


def undetermined(profile: Profile, content: Content, queries: Sequence[Query]) -> list[Query]:
    """Return the queries whose answer on these rows depends on the order of a scan."""
    with Orders(profile, content) as orders:
        return [query for query in queries if not orders.determined(query)]


def repair(
    profile: Profile,
    content: Content,
    queries: Sequence[Query],
    demands: Demands,
    random: Random,
    *,
    steps: int = STEPS,
) -> Content | None:
    """Return rows on which every query is determined.

    Args:
        profile: of the original.
        content: settled rows by table.
        queries: the golds of the database.
        demands: what they ask of the columns.
        random: where choices come from.
        steps: to take at most.

    Returns:
        Settled rows, or None where the steps did not suffice.
    """
    bad = undetermined(profile, content, queries)
    for step in range(steps):
        if not bad:
            return content
        query = random.choice(bad)
        proposal = settle(profile, _change(profile, content, query, demands, random, step / steps))
        # The query itself first: most proposals fail there, and cost little.
        if step < steps // 2 and undetermined(profile, proposal, [query]) and len(bad) > 1:
            continue
        left = undetermined(profile, proposal, queries)
        if len(left) <= len(bad):
            content, bad = proposal, left
    return None if bad else content


def _change(
    profile: Profile,
    content: Content,
    query: Query,
    demands: Demands,
    random: Random,
    progress: float,
) -> Content:
    """Return the content with one table that the query reads changed."""
    names = query.tables or profile.order  # all of them for a query that sqlglot cannot read
    found = [table for name in names if (table := profile.find(name)) and content[table.name]]
    if not found:
        return content
    table = random.choice(found)
    rows = content[table.name]
    if random.random() < 0.35 * (1 - progress):
        changed = _recast(table, rows, content, demands, random)
    else:
        most = max(1, round(len(rows) * (0.1 + 0.5 * progress)))
        gone = set(random.sample(range(len(rows)), random.randint(1, most)))
        changed = [row for place, row in enumerate(rows) if place not in gone]
    return content | {table.name: changed}


def _recast(
    table: TableProfile, rows: list[Row], content: Content, demands: Demands, random: Random
) -> list[Row]:
    """Change one cell of one row: a key points elsewhere, a sort key gets a value of its own."""
    number = random.randrange(len(rows))
    row = list(rows[number])
    places = [
        place
        for place, column in enumerate(table.columns)
        if (demand := demands.get((table.name, column.name))) and (demand.sorts or demand.grouped)
    ]
    links = [link for link in table.links if content[link.parent]]
    if links and (not places or random.random() < 0.5):
        link = random.choice(links)
        target = random.choice(content[link.parent])
        for place, referred in zip(link.columns, link.referred, strict=True):
            row[place] = target[referred]
    elif places:
        place = random.choice(places)
        column = table.columns[place]
        demand = demands.get((table.name, column.name), Demand())
        cells = Cells(column, demand, random, edge=0.0, nulls=0.0)
        row[place] = cells.fresh({each[place] for each in rows})
    return [*rows[:number], tuple(row), *rows[number + 1 :]]
