"""Ask a database from a notebook or from IPython: `%load_ext text2sql`, then `%%t2s`.

    %load_ext text2sql
    %t2s -d shop.sqlite --adapter runs/mine          # what the cells after it ask

    %%t2s --name orders
    How many orders were paid in each month?

The cell shows its SQL and a table, and is worth an object whose `answer` is the predictor's; with
`--name` the rows are also a DataFrame of that name. What cannot be done is one line, without a
traceback, and ends the run of the notebook.

Covered: several databases and models in one notebook, each model loaded once, for its first
question; policies; `{name}` and `$name` of Python in every option but `--user`.
Not covered: asking several questions in one cell.
"""

import keyword
import shlex
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import MagicArgumentParser
from IPython.display import display

from text2sql.asking import read_user
from text2sql.errors import Text2SQLError
from text2sql.models import Model, open_model
from text2sql.predictor import Predictor
from text2sql.project import choose_model, find_database
from text2sql.serving.display import Shown

_PLACE = ("database", "base", "adapter", "policy", "user")
_EXPANDED = ("database", "base", "adapter", "policy", "name")  # a user's JSON has braces of its own


def _parser(name: str) -> MagicArgumentParser:
    parser = MagicArgumentParser(prog=name, add_help=False)
    parser.add_argument("-d", "--database", help="URL, path, or a name in text2sql.yaml")
    parser.add_argument("--base", help="a name, hub id, folder, or http://host/v1#model")
    parser.add_argument("--adapter", help="folder of a trained adapter")
    parser.add_argument("--policy", help="who may see what: a YAML file")
    parser.add_argument("--user", help="who asks: JSON, or the name of a variable")
    return parser


def _cell_parser() -> MagicArgumentParser:
    parser = _parser("%%t2s")
    parser.add_argument("--no-run", action="store_true", help="only the SQL")
    parser.add_argument("--name", help="of a variable that gets the rows as a DataFrame")
    return parser


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what a user can act on into an error that IPython shows without a traceback."""
    try:
        yield
    except Text2SQLError as error:
        raise UsageError(" ".join(str(error).split())) from None


@magics_class
class AskingMagics(Magics):
    """`%t2s` and `%%t2s`; predictors and models stay open until the extension is unloaded."""

    shell: InteractiveShell  # never None: `load` gives one

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._said = Namespace(**dict.fromkeys(_PLACE))
        self._predictors: dict[tuple[Any, ...], Predictor] = {}
        self._models: dict[tuple[Any, ...], Model] = {}

    @no_var_expand  # `_read` does it, option by option
    @line_cell_magic
    def t2s(self, line: str, cell: str | None = None) -> Shown | None:
        """Ask the question in the cell: shows the SQL and its rows.

        Options of `%t2s`, which says what the cells after it ask and replaces what an earlier one
        said, and of `%%t2s`, for its cell alone: -d/--database, --base, --adapter, --policy, --user
        (JSON, or the name of a variable). Of `%%t2s`: --no-run for the SQL only; --name NAME for
        the rows as a DataFrame in the variable NAME.
        """
        if cell is not None:
            return self._ask(line, cell)
        self._connect(line)
        return None

    def _connect(self, line: str) -> None:
        said = self._read(_parser("%t2s"), line)
        with one_line_errors():
            predictor = self._predictor(said, again=True)
            tables = predictor.view(self._user(said)).schema.tables
        self._said = said
        database = predictor.database
        names = ", ".join(table.full_name for table in tables)
        print(f"{database.name} ({database.engine}), {len(tables)} tables: {names}")

    def _ask(self, line: str, cell: str) -> Shown:
        said = self._read(_cell_parser(), line)
        _check_name(said)
        place = self._place(said)
        with one_line_errors():
            predictor, user = self._predictor(place), self._user(place)
            answer = predictor.predict(cell.strip(), user=user, run=not said.no_run)
            if said.name and answer.error is not None:
                display(Shown(answer))
                raise UsageError(f"{said.name} is not set: {answer.error}")
            if said.name:
                self.shell.push({said.name: answer.to_pandas()})
        return Shown(answer)

    def _read(self, parser: MagicArgumentParser, line: str) -> Namespace:
        try:
            said = parser.parse_args(shlex.split(line))
        except ValueError as error:  # a quote that is not closed
            raise UsageError(f"{parser.prog}: {error}") from None
        for option in set(_EXPANDED) & vars(said).keys():
            if getattr(said, option):
                setattr(said, option, self.shell.var_expand(getattr(said, option)))
        return said

    def _place(self, said: Namespace) -> Namespace:
        """Fill in what `%t2s` said; a base and its adapter belong together."""
        given = {name: getattr(said, name) or getattr(self._said, name) for name in _PLACE}
        if said.base or said.adapter:
            given |= {"base": said.base, "adapter": said.adapter}
        return Namespace(**given)

    def _user(self, said: Namespace) -> Mapping[str, Any] | None:
        variable = self.shell.user_ns.get(said.user or "")
        return variable if isinstance(variable, Mapping) else read_user(said.user)

    def _predictor(self, said: Namespace, *, again: bool = False) -> Predictor:
        """Return the predictor of a place; `again` opens it anew."""
        database, chosen = find_database(said.database), choose_model(said.base, said.adapter)
        key = (database.name, database.url, said.policy, *chosen.values())
        if again or key not in self._predictors:
            self._predictors[key] = Predictor(self._opener(chosen), database, policy=said.policy)
        return self._predictors[key]

    def _opener(self, chosen: dict[str, Any]) -> Callable[[], Model]:
        def open_it() -> Model:
            key = tuple(chosen.values())
            if key not in self._models:
                self._models[key] = open_model(**chosen)
            return self._models[key]

        return open_it

    def close(self) -> None:
        """Close what is open."""
        for predictor in self._predictors.values():
            predictor.close()
        self._predictors.clear()
        self._models.clear()


def _check_name(said: Namespace) -> None:
    if said.name is None:
        return
    if not said.name.isidentifier() or keyword.iskeyword(said.name):
        raise UsageError(f"--name {said.name}: a Python variable cannot be called that")
    if said.no_run:
        raise UsageError("--name is for the rows, and --no-run gives none: leave one out")


def load(shell: InteractiveShell) -> None:
    """Give a shell the magics."""
    # of tqdm, where ipywidgets is not installed: no bar is shown in either case
    warnings.filterwarnings("ignore", message="IProgress not found")
    shell.register_magics(AskingMagics)


def unload(shell: InteractiveShell) -> None:
    """Close what the magics have opened, and take them away."""
    found = shell.magics_manager.registry.pop(AskingMagics.__name__, None)
    if found is not None:
        found.close()
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("t2s", None)
