"""Two runs or more, example by example: what must be equal, who wins, and whether by chance.

runs  reading them side by side      significance  tests      contrasts  the comparison itself
"""

from text2sql.scoring.comparison.contrasts import Comparison, compare

__all__ = ["Comparison", "compare"]
