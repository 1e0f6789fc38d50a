"""Models and databases by name, opened once, shared by every request, exchanged while it runs.

    >>> service = Service.of(predictor)                      # one model, one database
    >>> service = Service(lambda: read_service(path))        # what a file says
    >>> service.open()                                       # takes as long as loading does
    >>> service.find(database="shop").predict("How many orders?")
    >>> service.reload()                                     # reads the file again

Covered: a server that listens before its model is there (`ready`); a new file that is wrong is
refused and what is served goes on; what a new file leaves as it is stays open, what it drops is
closed when the last question to it has been answered; adapters on one base share its weights.
Not covered: host and port, and where audit and feedback are kept: those need a restart.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from text2sql.access.attributes import User
from text2sql.bases import find_base
from text2sql.bases.sharing import Pool
from text2sql.databases import Database
from text2sql.decoding.selection import check_selection
from text2sql.errors import PolicyError, UnknownName
from text2sql.execution import Executor
from text2sql.models import Model, open_model
from text2sql.predictor import Predictor
from text2sql.prompting import read_card
from text2sql.serving.identity import Way, open_identity
from text2sql.serving.limits import Limits
from text2sql.serving.model_process import ModelProcess
from text2sql.serving.problems import Problem
from text2sql.serving.settings import ModelEntry, ServiceSettings

Stamp = tuple[int, ...]  # of a file: changes when it does


@dataclass(eq=False)
class _Opened:
    """A model that is open or will be, and how many questions are with it."""

    entry: ModelEntry
    stamp: Stamp
    source: Callable[[], Model]
    asked: int = 0
    dropped: bool = False
    _model: Model | None = None
    _opening: threading.Lock = field(default_factory=threading.Lock)

    def model(self) -> Model:
        """Return the model, opened when it is first needed."""
        with self._opening:
            if self._model is None:
                self._model = self.source()
            return self._model

    def close(self) -> None:
        """Close the model if it was opened."""
        with self._opening:
            if self._model is not None:
                self._model.close()


@dataclass(frozen=True, slots=True)
class _Stock:
    """What is served at one time; exchanged as a whole."""

    models: dict[str, _Opened] = field(default_factory=dict)
    predictors: dict[tuple[str, str], Predictor] = field(default_factory=dict)
    made_of: dict[tuple[str, str], Any] = field(default_factory=dict)  # equal: can be kept


class Service:
    """What is asked; see the module's header."""

    def __init__(
        self,
        read: Callable[[], ServiceSettings] | None = None,
        *,
        limits: Limits | None = None,
        apart: bool = False,
    ) -> None:
        """Read the settings; `open` opens what they name.

        Args:
            read: returns the settings.
            limits: in the place of the settings'.
            apart: let models that have no CUDA device run in a process of their own
                (`serving.model_process`), so that all cores are used.

        Raises:
            SettingsError, DatabaseError: they are wrong.
        """
        self._read = read
        self.settings = read() if read is not None else None
        self.limits = limits or (self.settings.limits if self.settings else Limits())
        self.identify: Way | None = None
        self.models: Sequence[str] = ()
        self.databases: Sequence[str] = ()
        self._stock = _Stock()
        self._apart, self._late = ModelProcess() if apart else None, False
        self._pool = Pool()
        self._changing, self._counting = threading.Lock(), threading.Lock()
        if self.settings is not None:
            self.identify = open_identity(self.settings.identity)
            self._name(self.settings)

    @classmethod
    def of(
        cls, predictor: Predictor, *, limits: Limits | None = None, model: str | None = None
    ) -> "Service":
        """Return a service of one predictor, which the caller closes.

        Args:
            predictor: what is asked.
            limits: the usual ones by default.
            model: what the model is called; else the model says it, and has to be open for that.
        """
        service = cls(limits=limits)
        model, database = model or model_name(predictor), predictor.database.name
        service.models, service.databases = (model,), (database,)
        opened = _Opened(ModelEntry(), (), lambda: predictor.model)
        service._stock = _Stock({model: opened}, {(model, database): predictor})
        return service

    def _name(self, settings: ServiceSettings) -> None:
        self.models, self.databases = tuple(settings.models), tuple(settings.databases)

    @property
    def ready(self) -> bool:
        """Whether a question can be answered."""
        return bool(self._stock.predictors)

    def check_ready(self) -> None:
        """Make sure that a question can be answered.

        Raises:
            Problem: 503, the model is loading.
        """
        if not self.ready:
            message = "the model is loading: try again soon"
            raise Problem(503, message, kind="loading", retry_after=5)

    @property
    def model_pid(self) -> int | None:
        """The process that runs the models; None where this one does, or none is open."""
        return self._apart.pid if self._apart is not None else None

    def find(
        self, model: str | None = None, database: str | None = None, *, user: User | None = None
    ) -> Predictor:
        """Return the predictor of a model and a database; None means the first of each.

        Raises:
            Problem: 503, still loading.
            UnknownName: no such model, or no such database that this user sees.
        """
        self.check_ready()
        return self._find(self._stock, model, database, user)

    def _find(
        self, stock: _Stock, model: str | None, database: str | None, user: User | None
    ) -> Predictor:
        first = next(iter(stock.predictors))
        key = (model or first[0], database or first[1])
        if key not in stock.predictors:
            if key[0] not in stock.models:
                raise UnknownName("model", key[0], stock.models)
            raise UnknownName("database", key[1], self.seen(user))
        return stock.predictors[key]

    @contextmanager
    def asking(
        self, model: str | None = None, database: str | None = None, *, user: User | None = None
    ) -> Iterator[Predictor]:
        """Hold a predictor while a question is with it; raises as `find`."""
        self.check_ready()
        with self._counting:
            stock = self._stock
            opened = stock.models.get(model or next(iter(stock.models)))
            if opened is not None:
                opened.asked += 1
        try:
            yield self._find(stock, model, database, user)
        finally:
            if opened is not None:
                self._release(opened)

    def _release(self, opened: _Opened) -> None:
        with self._counting:
            opened.asked -= 1
            close = opened.dropped and not opened.asked
        if close:
            opened.close()

    def seen(self, user: User | None) -> list[str]:
        """Return the databases of which a user sees something."""
        return [name for name in self.databases if _sees(self.find(database=name), user)]

    # Opening and exchanging.

    def check(self) -> None:
        """Open databases and policies of the settings, and close them again: no model is loaded.

        Raises:
            Text2SQLError: what is wrong with them.
        """
        assert self.settings is not None
        for entry in self.settings.models.values():
            check_selection(entry.decoding.decoding(), entry.abstain_below)
            _check_model(entry)
        for database in self.settings.databases.values():
            with Executor(database) as executor:
                Predictor(_no_model, database, executor=executor)

    def open(self, *, late: bool = False) -> None:
        """Open what the settings name.

        Args:
            late: leave each model until it is first asked.

        Raises:
            Text2SQLError: what cannot be opened.
        """
        assert self.settings is not None
        with self._changing:
            self._late = late
            self._stock = self._built(self.settings)

    def reload(self) -> None:
        """Read the settings again, and exchange what has changed.

        Raises:
            Text2SQLError: they are wrong; what was served goes on.
        """
        assert self._read is not None
        with self._changing:
            settings = self._read()
            identify = open_identity(settings.identity)
            if self.identify is not None and identify is None:
                raise PolicyError("identity was taken away: restart the service to do without")
            stock = self._built(settings)
            with self._counting:
                old, self._stock = self._stock, stock
                self.settings, self.limits = settings, settings.limits
                self.identify = identify
                self._name(settings)
        self._drop(set(old.models.values()) - set(stock.models.values()))

    def _drop(self, opened: set[_Opened]) -> None:
        for one in opened:
            with self._counting:
                one.dropped = True
                close = not one.asked
            if close:
                one.close()

    def _built(self, settings: ServiceSettings) -> _Stock:
        """Return what settings name; what has not changed is taken over."""
        old, stock = self._stock, _Stock()
        try:
            for name, entry in settings.models.items():
                stock.models[name] = self._opened(entry, old.models.get(name))
            for database in settings.databases.values():
                self._join(stock, settings, database, old)
        except BaseException:
            self._drop(set(stock.models.values()) - set(old.models.values()))
            raise
        return stock

    def _opened(self, entry: ModelEntry, old: _Opened | None) -> _Opened:
        stamp = _stamp(Path(entry.adapter) / "adapter_model.safetensors") if entry.adapter else ()
        if old is not None and (old.entry, old.stamp) == (entry, stamp):
            return old
        source = partial(self._open_model, entry)
        opened = _Opened(entry, stamp, source)
        if not self._late:
            opened.model()
        return opened

    def _open_model(self, entry: ModelEntry) -> Model:
        if self._apart is None or _has_cuda():
            return open_model(**entry.loading(), load=self._pool.load)
        process = self._apart
        return open_model(**entry.loading(), load=process.load, backend=process.backend)

    def _join(
        self, stock: _Stock, settings: ServiceSettings, database: Database, old: _Stock
    ) -> None:
        """Make the predictors of one database, or take them over."""
        limits = settings.limits
        policy = _stamp(database.policy) if database.policy else ()
        executor: Executor | None = None
        for name, opened in stock.models.items():
            key = (name, database.name)
            made_of = (id(opened), database, policy, limits.query_seconds, limits.workers)
            if old.made_of.get(key) == made_of:
                stock.predictors[key] = old.predictors[key]
            else:
                executor = executor or Executor(database, workers=limits.workers)
                stock.predictors[key] = Predictor(
                    opened.model,
                    database,
                    decoding=opened.entry.decoding.decoding(),
                    abstain_below=opened.entry.abstain_below,
                    timeout=limits.query_seconds,
                    executor=executor,
                )
            stock.made_of[key] = made_of

    def stamp(self) -> tuple[Stamp, ...]:
        """Return what changes when a file that the settings come from does."""
        return tuple(_stamp(path) for path in (self.settings.files if self.settings else ()))

    def close(self) -> None:
        """Close every model that was opened here, when its last question has been answered."""
        with self._changing:
            old, self._stock = self._stock, _Stock()
        if self.settings is not None:
            self._drop(set(old.models.values()))
        if self._apart is not None:
            self._apart.close()


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def _check_model(entry: ModelEntry) -> None:
    """Look whether a model's names exist, without loading it.

    Raises:
        UnknownName, ModelError: they do not.
    """
    base = entry.base
    if entry.adapter is not None:
        base = base or read_card(Path(entry.adapter)).base
    if "://" not in (base or ""):
        find_base(base or "mini")


def _no_model() -> Model:
    raise AssertionError("nothing is asked")


def _sees(predictor: Predictor, user: User | None) -> bool:
    try:
        predictor.view(user)
    except PolicyError:
        return False
    return True


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def model_name(predictor: Predictor) -> str:
    """Return what a model is called: its adapter's folder, else its base."""
    described = predictor.model.described
    said = str(described.get("adapter") or described.get("base") or "model")
    return said.rstrip("/").rsplit("/", 1)[-1]
