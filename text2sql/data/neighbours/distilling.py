"""Choose the few copies of a database that tell its gold queries from most near misses.

    >>> with Executor() as executor:
    ...     suite = distil(source, executor, folder, settings=Settings(k=8, seed=0))
    >>> len(suite.copies), suite.told_by_original, suite.told
    (5, 6441, 7532)

Round by round a few candidates are drawn towards what no copy tells apart yet; the one that tells
most becomes a neighbour. Fuzzing and distilling are those of Zhong, Yu and Klein 2020,
arXiv:2010.02840, section 4; planted rows and the demand for determined gold are ours.

A candidate is dropped if a gold fails on it, if a gold's answer depends on the order of a scan, or
if a spelling of gold that means the same gets another answer. Predictions are never looked at.

Covered: results are compared by Spider's rule with DISTINCT kept.
Not covered: mutants that do not run on the original, or not within their seconds.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from text2sql.data.neighbours.copies import settle, write_copy
from text2sql.data.neighbours.demands import Demands, read_demands
from text2sql.data.neighbours.determinacy import Orders
from text2sql.data.neighbours.mutants import Mutant, draw_mutants
from text2sql.data.neighbours.profiles import Content, Profile, Row
from text2sql.data.neighbours.queries import Query
from text2sql.data.neighbours.repair import repair
from text2sql.data.neighbours.rewritings import rewrite
from text2sql.data.neighbours.rows import draw_content
from text2sql.data.neighbours.witnesses import plant
from text2sql.errors import Interrupted
from text2sql.execution import Executor
from text2sql.schema.model import Schema
from text2sql.scoring.results import same_rows

_BARREN = 2  # rounds without news, then it is over
_MUTANT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What decides which neighbours come out."""

    k: int = 8  # neighbours at most
    seed: int = 0
    breadth: int = 4  # candidates a round
    mutants: int = 24  # a gold query
    timeout: float = 5.0  # seconds for gold


@dataclass(frozen=True, slots=True)
class Source:
    """One database with the gold queries that run on it."""

    db_id: str
    path: Path
    profile: Profile
    schema: Schema
    queries: tuple[Query, ...]


@dataclass(slots=True)
class Suite:
    """What distilling one database came to."""

    copies: list[Content] = field(default_factory=list)
    told_after: list[int] = field(default_factory=list)  # mutants told, copy by copy
    mutants: int = 0
    told_by_original: int = 0
    candidates: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    empty_on_original: int = 0  # gold queries without rows
    empty_on_all: int = 0
    empty_answers: int = 0  # pairs of a gold and a copy

    @property
    def told(self) -> int:
        """Mutants that the original or a copy tells apart."""
        return self.told_after[-1] if self.told_after else self.told_by_original


@dataclass(frozen=True, slots=True)
class _Candidate:
    content: Content
    told: frozenset[int]
    filled: frozenset[int]  # golds that return rows


def distil(
    source: Source,
    executor: Executor,
    folder: Path,
    *,
    settings: Settings,
    stopped: Callable[[], bool] = lambda: False,
) -> Suite:
    """Make the neighbours of one database.

    Args:
        source: the original.
        executor: runs gold and mutants.
        folder: for databases that are tried; nothing is left in it.
        settings: how many, and from which seed.
        stopped: asked now and then.

    Raises:
        Interrupted: `stopped` says so.
    """
    return _Distiller(source, executor, folder, settings, stopped).suite()


class _Distiller:
    """Distils one database."""

    def __init__(
        self,
        source: Source,
        executor: Executor,
        folder: Path,
        settings: Settings,
        stopped: Callable[[], bool],
    ) -> None:
        self.source, self.executor, self.settings = source, executor, settings
        self.folder, self.stopped = folder, stopped
        self.demands: Demands = read_demands(source.queries, source.profile)
        self.spellings = {
            query.sql: tuple(rewrite(query.sql, source.schema).values()) for query in source.queries
        }
        self.result = Suite()
        self.number = 0
        self.mutants = list(self._mutants())
        self.untold = self._on_original()
        self.unfilled = self._unfilled_on_original()

    def suite(self) -> Suite:
        """Draw, choose, and count."""
        found, told = self.result, len(self.mutants) - len(self.untold)
        found.mutants, found.told_by_original = len(self.mutants), told
        found.empty_on_original = len(self.unfilled)
        pool: list[_Candidate] = []
        barren = 0
        while len(found.copies) < self.settings.k and barren < _BARREN and self._missing():
            pool += self._round()
            best = self._best(pool)
            if best is None:
                barren += 1
                continue
            barren = 0
            pool.remove(best)
            self.untold -= best.told
            self.unfilled -= best.filled
            found.copies.append(best.content)
            found.told_after.append(len(self.mutants) - len(self.untold))
            found.empty_answers += len(self.source.queries) - len(best.filled)
        found.empty_on_all = len(self.unfilled)
        return found

    def _missing(self) -> bool:
        return bool(self.untold or self.unfilled)

    def _mutants(self) -> Iterator[tuple[int, Mutant]]:
        for number, query in enumerate(self.source.queries):
            random = Random(f"{self.settings.seed} mutants {query.sql}")
            count = self.settings.mutants
            for mutant in draw_mutants(query, self.source.profile, count=count, random=random):
                yield number, mutant

    def _on_original(self) -> set[int]:
        """Drop mutants that do not run on the original; return those that it does not tell."""
        original = str(self.source.path)
        gold = [self._rows(query.sql, original) for query in self.source.queries]
        kept: list[tuple[int, Mutant]] = []
        untold: set[int] = set()
        for number, mutant in self.mutants:
            self._stop_if_asked()
            run = self.executor.execute(mutant.sql, original, timeout=_MUTANT_SECONDS)
            if run.error is not None:
                continue
            rows, expected = run.rows, gold[number]
            alike = expected is not None and same_rows(
                expected, rows, ordered=self.source.queries[number].ordered
            )
            if alike:
                untold.add(len(kept))
            kept.append((number, mutant))
        self.mutants = kept
        return untold

    def _unfilled_on_original(self) -> set[int]:
        queries = enumerate(self.source.queries)
        return {n for n, query in queries if not self._rows(query.sql, str(self.source.path))}

    def _rows(self, sql: str, database: str) -> Sequence[Row] | None:
        run = self.executor.execute(sql, database, timeout=self.settings.timeout)
        return None if run.error is not None else run.rows

    def _round(self) -> Iterator[_Candidate]:
        for _ in range(self.settings.breadth):
            self._stop_if_asked()
            self.number += 1
            self.result.candidates += 1
            random = Random(f"{self.settings.seed} {self.source.db_id} {self.number}")
            content = self._draw(random)
            found = None if content is None else self._try(content)
            if found is not None:
                yield found

    def _draw(self, random: Random) -> Content | None:
        """Draw one candidate, with rows for gold that comes back empty or is not told yet."""
        profile, queries = self.source.profile, self.source.queries
        content = settle(profile, draw_content(profile, self.demands, random))
        with Orders(profile, content, shuffles=0) as orders:
            wanted = [n for n, query in enumerate(queries) if not orders.rows(query.sql)]
        open_golds = sorted({self.mutants[place][0] for place in self.untold})
        wanted += random.sample(open_golds, min(len(open_golds), random.randrange(8)))
        for number in dict.fromkeys(wanted):
            tree = queries[number].tree
            for spoil in (False, False, True):
                if tree is None:
                    break
                content = plant(tree, content, profile, random, spoil=spoil)
        content = settle(profile, content)
        repaired = repair(profile, content, queries, self.demands, random)
        if repaired is None:
            self.result.dropped["undetermined"] += 1
        return repaired

    def _try(self, content: Content) -> _Candidate | None:
        """Run gold, its spellings, and the mutants that nothing tells apart yet."""
        path = self.folder / f".candidate-{self.number}.sqlite"
        write_copy(self.source.profile, content, path)
        try:
            golds = self._golds(str(path))
            if golds is None:
                return None
            told = frozenset(n for n in sorted(self.untold) if self._tells(n, str(path), golds))
            filled = frozenset(number for number, rows in enumerate(golds) if rows)
            return _Candidate(content, told, filled)
        finally:
            path.unlink()

    def _golds(self, path: str) -> list[Sequence[Row]] | None:
        """Return gold's answers; None if one fails, or has another answer when spelt otherwise."""
        found: list[Sequence[Row]] = []
        for query in self.source.queries:
            rows = self._rows(query.sql, path)
            if rows is None:
                self.result.dropped["gold fails"] += 1
                return None
            if not self._spelt_alike(query, path, rows):
                self.result.dropped["another spelling differs"] += 1
                return None
            found.append(rows)
        return found

    def _spelt_alike(self, query: Query, path: str, gold: Sequence[Row]) -> bool:
        """Tell whether every equivalent spelling gets gold's answer."""
        for sql in self.spellings[query.sql]:
            rows = self._rows(sql, path)
            if rows is not None and not same_rows(gold, rows, ordered=query.ordered):
                return False
        return True

    def _tells(self, place: int, path: str, golds: Sequence[Sequence[Row]]) -> bool:
        number, mutant = self.mutants[place]
        rows = self._rows(mutant.sql, path)
        ordered = self.source.queries[number].ordered
        return rows is None or not same_rows(golds[number], rows, ordered=ordered)

    def _best(self, pool: list[_Candidate]) -> _Candidate | None:
        """Return the candidate with most news; among equals, the one that fills most golds."""
        scored = [
            (len(c.told & self.untold) + len(c.filled & self.unfilled), len(c.filled), -place)
            for place, c in enumerate(pool)
        ]
        best = max(scored, default=(0, 0, 0))
        return pool[-best[2]] if best[0] > 0 else None

    def _stop_if_asked(self) -> None:
        if self.stopped():
            raise Interrupted("stopped")
