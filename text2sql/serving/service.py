"""Models and databases by name, opened once and shared by every request.

    >>> service = Service.of(predictor)
    >>> service.find(database="shop").predict("How many orders?")

Covered: a server that listens before its model is there (`ready`).
"""

from collections.abc import Sequence

from text2sql.access.attributes import User
from text2sql.errors import PolicyError, UnknownName
from text2sql.predictor import Predictor
from text2sql.serving.limits import Limits
from text2sql.serving.problems import Problem


class Service:
    """What is asked; made by `of` or from settings."""

    def __init__(self, *, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.models: Sequence[str] = ()
        self.databases: Sequence[str] = ()
        self._predictors: dict[tuple[str, str], Predictor] = {}

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
        service._predictors = {(model, database): predictor}
        return service

    @property
    def ready(self) -> bool:
        """Whether a question can be answered."""
        return bool(self._predictors)

    def check_ready(self) -> None:
        """Make sure that a question can be answered.

        Raises:
            Problem: 503, the model is loading.
        """
        if not self.ready:
            message = "the model is loading: try again soon"
            raise Problem(503, message, kind="loading", retry_after=5)

    def find(
        self, model: str | None = None, database: str | None = None, *, user: User | None = None
    ) -> Predictor:
        """Return the predictor of a model and a database; None means the first of each.

        Raises:
            Problem: 503, still loading.
            UnknownName: no such model, or no such database that this user sees.
        """
        self.check_ready()
        model, database = model or self.models[0], database or self.databases[0]
        if model not in self.models:
            raise UnknownName("model", model, self.models)
        if database not in self.databases:
            raise UnknownName("database", database, self.seen(user))
        return self._predictors[model, database]

    def seen(self, user: User | None) -> list[str]:
        """Return the databases of which a user sees something."""
        return [name for name in self.databases if _sees(self.find(database=name), user)]


def _sees(predictor: Predictor, user: User | None) -> bool:
    try:
        predictor.view(user)
    except PolicyError:
        return False
    return True


def model_name(predictor: Predictor) -> str:
    """Return what a model is called: its adapter's folder, else its base."""
    described = predictor.model.described
    said = str(described.get("adapter") or described.get("base") or "model")
    return said.rstrip("/").rsplit("/", 1)[-1]
