"""A policy: which tables, columns and rows the users of each role may see.

    tables:                     # for everybody, where no role of theirs names the table
      products: {}
    roles:
      seller:
        tables:
          orders:
            rows: tenant_id IN {{ user.tenants }}
            hide: [margin]
            mask: {email: null, phone: "'***'"}
        limit: 1000

    >>> policy = load_policy("policy.yaml")
    >>> policy.rules_for({"role": "seller", "tenants": [3]}, orders)[0].hide
    ('margin',)

What no rule names is hidden, unless `default: allow`. Where two roles of a user name the same
table, the rows of both are seen, and of those only the columns that both show: no cell is seen that
neither role shows.

Covered: patterns as in fnmatch, an exact name before them; a misspelt key is named with its line.
Not covered: whether tables and columns exist: `views.see` asks the schema.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from text2sql.access.attributes import User
from text2sql.errors import PolicyError, hint
from text2sql.schema.model import Table
from text2sql.settings import Settings, SettingsError, read_settings

EVERYTHING = ("all", "none")  # what `rows` may say besides a clause


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _spelt_out(value: Any) -> Any:
    """Read `orders: all` and an empty entry as a rule without restrictions."""
    return {} if value in (None, "all") else value


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rule(_Strict):
    """What may be seen of a table."""

    rows: str | None = None  # a condition, "all" or "none"; None: all of a table, see `views`
    columns: Names | None = None  # only these; None: all
    hide: Names = ()
    mask: Mapping[str, str | None] = Field(default_factory=dict)  # column -> expression, None: NULL


Rules = dict[str, Annotated[Rule, BeforeValidator(_spelt_out)]]


class Role(_Strict):
    """What the users of a role may see, and how much of it at once."""

    tables: Rules = Field(default_factory=dict)
    limit: int | None = Field(default=None, ge=1)
    max_cost: float | None = Field(default=None, gt=0)
    database_role: str | None = None  # of PostgreSQL, for SET LOCAL ROLE


class Policy(_Strict):
    """A policy as its file says it; an object of Python is made with the same names."""

    default: Literal["deny", "allow"] = "deny"  # of tables that no rule names
    tables: Rules = Field(default_factory=dict)
    roles: dict[str, Role] = Field(default_factory=dict)
    limit: int | None = Field(default=None, ge=1)  # rows of a result
    max_cost: float | None = Field(default=None, gt=0)  # see `costs`
    functions: Names = ()  # of the database's own, which may be called as well
    database_role: str | None = None

    def roles_of(self, user: User) -> list[Role]:
        """Return the roles of a user.

        Raises:
            PolicyError: one of them is unknown or no name, or the policy has roles and the user
                none.
        """
        named = _listed(user.get("roles") or user.get("role") or ())
        # an object's keys are no roles: {"auditor": False} would be one
        if not isinstance(named, Sequence | Set) or not all(isinstance(n, str) for n in named):
            raise PolicyError("the user's role is neither a name nor a list of names")
        unknown = [name for name in named if name not in self.roles]
        if unknown:
            raise PolicyError(f"the policy has no role {str(unknown[0])!r}")
        if self.roles and not named and not self.tables:
            raise PolicyError("the user has no role of the policy")
        return [self.roles[name] for name in dict.fromkeys(named)]

    def rules_for(self, user: User, table: Table) -> list[Rule]:
        """Return the rules that hold for a table together; none: it is hidden."""
        by_role = [find_rule(role.tables, table) for role in self.roles_of(user)]
        found = [rule for rule in by_role if rule is not None]
        if not found and (everyones := find_rule(self.tables, table)) is not None:
            found = [everyones]
        return found or ([Rule()] if self.default == "allow" else [])

    def names(self, user: User, table: Table) -> bool:
        """Tell whether the rules that hold for a table say its name, and not only a pattern."""
        rules = [role.tables for role in self.roles_of(user)] + [self.tables]
        known = {key.casefold() for own in rules for key in own}
        return not known.isdisjoint(_names(table))

    def least(self, user: User, name: Literal["limit", "max_cost"]) -> Any:
        """Return the smallest of the policy's and the roles' figures; None where there is none."""
        figures = [getattr(owner, name) for owner in (self, *self.roles_of(user))]
        return min((figure for figure in figures if figure is not None), default=None)

    def database_role_of(self, user: User) -> str | None:
        """Return the role that the database gives to this user's statements.

        Raises:
            PolicyError: the user's roles name different ones.
        """
        roles = self.roles_of(user)
        named = {role.database_role for role in roles if role.database_role is not None}
        if len(named) > 1:
            raise PolicyError(f"the user's roles name several database roles: {sorted(named)}")
        return next(iter(named), self.database_role)

    def parts(self) -> Iterator[tuple[str, Rules]]:
        """Yield every set of rules with the words that name it."""
        yield "tables", self.tables
        for name, role in self.roles.items():
            yield f"role {name!r}", role.tables


def find_rule(rules: Mapping[str, Rule], table: Table) -> Rule | None:
    """Return the rule of a table: that of its name, else of the first pattern that fits."""
    for pattern, rule in rules.items():
        if pattern.casefold() in _names(table):
            return rule
    for pattern, rule in rules.items():
        if fnmatchcase(table.full_name.casefold(), pattern.casefold()):
            return rule
    return None


def _names(table: Table) -> set[str]:
    return {table.full_name.casefold()}


def load_policy(policy: "str | Path | Mapping[str, Any] | Policy") -> Policy:
    """Return a policy.

    Args:
        policy: the path of a YAML file, its content as a mapping, or a policy.

    Raises:
        PolicyError: the file is missing or not YAML, or has a wrong key or value: with its line.
    """
    if isinstance(policy, Policy):
        return policy
    if isinstance(policy, Mapping):
        return _validated(Settings(Path("policy"), dict(policy), {}))
    try:
        settings = read_settings(Path(policy))
    except SettingsError as error:
        raise PolicyError(str(error)) from None
    if not settings.content:
        raise PolicyError(f"{policy}: is empty: a policy names tables or roles")
    return _validated(settings)


def _validated(settings: Settings) -> Policy:
    try:
        return Policy.model_validate(settings.content)
    except ValidationError as error:
        raise PolicyError(_complaint(error, settings)) from None


def _complaint(error: ValidationError, settings: Settings) -> str:
    errors = error.errors(include_url=False, include_context=False)
    first = min(errors, key=lambda e: e["type"] != "extra_forbidden")
    path: Sequence[str | int] = first["loc"]
    where, key = settings.where(path), ".".join(map(str, path))
    if first["type"] == "extra_forbidden":
        return f"{where}: unknown key {key!r} ({hint(str(path[-1]), _known_keys(path))})"
    return f"{where}: {key!r} {first['msg'].removeprefix('Input ')}"


def _known_keys(path: Sequence[str | int]) -> list[str]:
    """Return the keys that may stand where the last one of a path stands."""
    if len(path) == 1:
        return list(Policy.model_fields)
    return list((Role if path[0] == "roles" and len(path) == 3 else Rule).model_fields)
