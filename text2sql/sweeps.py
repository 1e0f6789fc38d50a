"""Evaluate several decoding settings on one loaded model, and compare them.

    >>> settings = read_sweep(Path("sweep.yaml"))
    >>> list(settings)
    ['greedy', 'num_samples=5,selection=vote']
    >>> sweep(dataset, model, "runs/sweep", settings)["runs"][1]["against_first"]["difference"]
    0.021

The file is a list of settings; `name` is optional, all other keys are those of `Decoding`:

    - {name: greedy}
    - {num_samples: 5, selection: vote}

Each setting is an evaluation of its own in OUTPUT/<name>/; OUTPUT/sweep.json has what comes out.

Covered: a sweep that was killed continues as a whole; each setting beside the first one, example by
example, p-values corrected after Holm (`scoring.comparison`).
Not covered: settings of the prompt or of the model.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from text2sql import scoring
from text2sql.data.catalog import DataSet
from text2sql.decoding.generation import Decoding
from text2sql.decoding.selection import check_selection
from text2sql.errors import SettingsError, hint
from text2sql.evaluation import Evaluation, evaluate
from text2sql.models import Model
from text2sql.outputs import owned, write_whole
from text2sql.scoring.comparison.significance import holm

SWEEP = "sweep.json"
KEYS = tuple(field.name for field in fields(Decoding))
_NAME = re.compile(r"[\w][\w.,=+-]{0,99}")


def read_sweep(
    path: Path, *, default: Decoding | None = None, abstain_below: float | None = None
) -> dict[str, Decoding]:
    """Read a file of settings.

    Args:
        path: a YAML list of mappings.
        default: has the settings that an entry does not name.
        abstain_below: the threshold that will hold for all of them.

    Returns:
        Settings by name, in the order of the file.

    Raises:
        SettingsError: no such file, no list, an unknown key, a value that means nothing, two
            entries of one name.
        UnknownName: a selection that does not exist.
    """
    said = asdict(default or Decoding())
    found: dict[str, Decoding] = {}
    for number, entry in enumerate(_read_list(path), start=1):
        where = f"{path}: setting {number}"
        name, values = _named(entry, where)
        if name in found:
            raise SettingsError(f"{where} has the name {name!r} of another one: give it a `name`")
        found[name] = _decoding(said | values, where)
        check_selection(found[name], abstain_below)
    return found


def _read_list(path: Path) -> list[Any]:
    import yaml

    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read sweep {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(entries, list) or not entries:
        raise SettingsError(f"{path}: a sweep is a list of settings (`- num_samples: 5`)")
    return entries


def _named(entry: Any, where: str) -> tuple[str, dict[str, Any]]:
    """Return the name of a setting, made of its values where it has none, and the values."""
    if not isinstance(entry, dict):
        raise SettingsError(f"{where} is no mapping of keys to values: {entry!r}")
    unknown = [key for key in entry if key not in ("name", *KEYS)]
    if unknown:
        known = hint(str(unknown[0]), ("name", *KEYS))
        raise SettingsError(f"{where}: no setting {unknown[0]!r} of decoding ({known})")
    values = {key: value for key, value in entry.items() if key != "name"}
    name = str(entry.get("name") or ",".join(f"{k}={v}" for k, v in values.items()) or "default")
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{where}: {name!r} is no name for a folder: letters, digits, ._-=+,")
    return name, values


def _decoding(values: Mapping[str, Any], where: str) -> Decoding:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Decoding).validate_python(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise SettingsError(f"{where}: {key}: {first['msg'].lower()}") from None
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}") from None


def sweep(
    dataset: DataSet,
    model: Model,
    output: str | Path,
    settings: Mapping[str, Decoding],
    *,
    resume: bool = False,
    overwrite: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Evaluate each setting into a folder of its own, and write sweep.json beside them.

    Args:
        dataset: examples with their databases.
        model: an open model.
        output: folder of the sweep.
        settings: decoding settings by name.
        resume: continue a sweep; what is predicted already stays.
        overwrite: empty the folder first.
        **options: what else `evaluate` takes: metrics, abstain_below, today, skip_bad_gold,
            workers, progress.

    Returns:
        What sweep.json holds: the metric, and for each run its folder, settings, accuracy, validity
        and its difference to the first.

    Raises:
        Text2SQLError: as `evaluate`.
    """
    with owned(output, resume=resume, overwrite=overwrite) as folder:
        runs = {
            name: evaluate(dataset, model, folder / name, decoding=decoding, resume=True, **options)
            for name, decoding in settings.items()
        }
        record = _record(runs, settings)
        write_whole(folder / SWEEP, json.dumps(record, ensure_ascii=False, indent=2) + "\n")
    return record


def _record(runs: Mapping[str, Evaluation], settings: Mapping[str, Decoding]) -> dict[str, Any]:
    first, *others = runs.values()
    contrasts = [_contrast(first, other) for other in others]
    corrected = iter(holm([contrast["p"] for contrast in contrasts if contrast]))
    for contrast in filter(None, contrasts):
        contrast["p_holm"] = next(corrected)
    metric, manifest = first.scores.metrics[0], first.scorecard["manifest"]
    return {
        "data": manifest["data"],
        "split": manifest["split"],
        "base": manifest["base"],
        "adapter": manifest["adapter"],
        "metric": metric,
        "runs": [
            _run(name, run, settings[name], contrast, metric)
            for (name, run), contrast in zip(runs.items(), [None, *contrasts], strict=True)
        ],
    }


def _run(
    name: str,
    run: Evaluation,
    decoding: Decoding,
    contrast: dict[str, Any] | None,
    metric: str,
) -> dict[str, Any]:
    card = run.scorecard
    return {
        "name": name,
        "folder": str(run.folder),
        "decoding": decoding.record(),
        "accuracy": card["metrics"][metric]["all"],
        "samples": card.get("samples", {}),
        "aurc": card.get("risk_coverage", {}).get("aurc"),
        "run": card["run"],
        "against_first": contrast,
    }


def _contrast(first: Evaluation, other: Evaluation) -> dict[str, Any] | None:
    """Compare a setting with the first; None where they differ in nothing but the seed."""
    found = scoring.compare([first.folder, other.folder], examples=0).contrasts
    if not found:
        return None
    keys = ("n", "wins", "losses", "difference", "low", "high", "test", "p")
    turned = asdict(found[0])
    # the first run is A there; here a gain over it is positive
    turned |= {"wins": turned["losses"], "losses": turned["wins"]}
    turned |= {"difference": -turned["difference"]}
    turned |= {"low": -turned["high"], "high": -turned["low"]}
    return {key: turned[key] for key in keys}
