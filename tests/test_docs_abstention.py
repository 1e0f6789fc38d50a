"""What docs/abstention.md says of refusals comes out as written."""

import re
from pathlib import Path
from typing import Any, get_args

from text2sql.answers import Abstention

PAGE = (Path(__file__).parent.parent / "docs" / "abstention.md").read_text()


def test_the_example_comes_out_as_written(shop):
    place: dict[str, Any] = {"shop": shop}
    exec(re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)[0], place)

    assert place["missing"].error.partition(" (")[0] in PAGE
    assert f"`{place['ambiguous'].abstention.between}`" in PAGE


def test_every_kind_is_told():
    kinds = get_args(Abstention.__annotations__["kind"])
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.M)) == set(kinds)
