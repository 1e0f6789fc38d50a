"""The recipes that come with the kit: one folder for each base in `adapters/`.

    >>> shipped_recipe(find_base("codellama-7b"))
    PosixPath('.../adapters/codellama-7b/recipe.yaml')

A base without a folder takes that of one with the same architecture (another fine-tuning of the
same weights, a copy on this machine); where there is none, the defaults of `Recipe` are its recipe.
"""

from pathlib import Path

from text2sql.bases import BASES, Base, find_base
from text2sql.training.recipe import Recipe, read_recipe

_PACKAGE = Path(__file__).parents[1]
# inside the wheel the folder lies in the package, in a checkout beside it
PLACES = (_PACKAGE / "adapters", _PACKAGE.parent / "adapters")
FILE = "recipe.yaml"
# settings that differ from run to run, and those that a run fills in
_OF_A_RUN = {"base", "data", "split", "limit", "output_dir", "seed", "stages"}
_FILLED_IN = {"today", "style", "max_length", "target_modules"}


def shipped_recipe(base: Base) -> Path | None:
    """Return the recipe file for a base; None where the defaults are its recipe."""
    folder = next((place for place in PLACES if place.is_dir()), None)
    if folder is None:
        return None
    named = [name for name in (base.name, _catalogued(base)) if name is not None]
    alike = [
        b.name for b in BASES.values() if b.architecture and b.architecture == base.architecture
    ]
    found = (folder / name / FILE for name in (*named, *alike))
    return next((path for path in found if path.exists()), None)


def compare_with_shipped(recipe: Recipe) -> str:
    """Say in one line how a recipe stands to the one that comes with the kit; empty without one."""
    path = shipped_recipe(find_base(recipe.base))
    if path is None:
        return ""
    given, shipped = recipe.model_dump(), read_recipe(path).model_dump()
    own = [key for key in given.keys() - _OF_A_RUN - _FILLED_IN if given[key] != shipped[key]]
    changed = ", ".join(f"{key} {given[key]}" for key in given if key in own)
    name = f"adapters/{path.parent.name}"
    return f"recipe: {name}, but {changed}" if changed else f"recipe: {name}"


def _catalogued(base: Base) -> str | None:
    """Return the catalogue's name of a base that is a folder or a twin on the hub."""
    hubs = (b.name for b in BASES.values() if b.hub_id is not None and b.hub_id == base.hub_id)
    return next(hubs, None)
