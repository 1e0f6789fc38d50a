"""Read a YAML file that a person wrote, and remember on which line each key stands.

    >>> settings = read_settings(Path("text2sql.yaml"))
    >>> settings.where(("databases", "shop", "ulr"))
    'text2sql.yaml:3'

Every plain value is text, as written: `1`, `no` and `2024-01-01` stay what they look like, and who
validates the content decides what they mean. An empty value is None.

Covered: a key that stands twice is refused.
Not covered: merge keys (`<<`), tags.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from text2sql.errors import SettingsError

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """The content of a settings file: mappings, lists and text."""

    path: Path
    content: dict[str, Any]
    lines: dict[KeyPath, int]  # 1-based line of each key

    def where(self, key: Sequence[str | int]) -> str:
        """Return `file:line` of a key, or of the nearest one around it that the file has."""
        for length in range(len(key), 0, -1):
            if tuple(key[:length]) in self.lines:
                return f"{self.path}:{self.lines[tuple(key[:length])]}"
        return str(self.path)


def read_settings(path: Path, *, said_by: str = "") -> Settings:
    """Read a YAML file whose outermost level is a mapping.

    Args:
        path: the file.
        said_by: begins the message where the file is missing: who asked for it.

    Raises:
        SettingsError: it is missing, is not YAML (with the line), or has a key twice.
    """
    import yaml

    try:
        root = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
        lines: dict[KeyPath, int] = {}
        content = _value(root, path, (), lines) if root is not None else {}
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        reason = "no such file" if missing else error.strerror
        raise SettingsError(f"{said_by}{path}: {reason}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not UTF-8 text") from None
    except yaml.YAMLError as error:
        raise SettingsError(_not_yaml(path, error)) from None
    except RecursionError:
        raise SettingsError(f"{path}: an alias that contains itself") from None
    if content is not None and not isinstance(content, dict):
        raise SettingsError(f"{path}:1: must be a mapping (`key: value` lines)")
    return Settings(path, content or {}, lines)


def _value(node: Any, path: Path, key: KeyPath, lines: dict[KeyPath, int]) -> Any:
    import yaml

    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[*key, index] = item.start_mark.line + 1
        return [_value(item, path, (*key, i), lines) for i, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return {k: _value(v, path, (*key, k), lines) for k, v in _items(node, path, key, lines)}
    is_empty = node.value in ("", "~", "null") and node.style is None
    return None if is_empty else node.value


def _items(node: Any, path: Path, key: KeyPath, lines: dict[KeyPath, int]) -> list[tuple[str, Any]]:
    import yaml

    found = {}
    for name, value in node.value:
        line = name.start_mark.line + 1
        if not isinstance(name, yaml.ScalarNode):
            raise SettingsError(f"{path}:{line}: a key must be plain text")
        if name.value in found:
            raise SettingsError(f"{path}:{line}: key {name.value!r} stands twice")
        lines[*key, name.value] = line
        found[name.value] = value
    return list(found.items())


def _not_yaml(path: Path, error: Any) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"{path}:{mark.line + 1}" if mark else str(path)
    # only what PyYAML says without quoting the file, whose text may be a password
    problem = getattr(error, "problem", None) or "unreadable"
    return f"{where}: not valid YAML: {problem.split(' ' + chr(39))[0]}"
