"""Neighbours of a database: copies with other rows, on which a lucky answer is found out.

profiles      what the original holds          queries      gold SQL, its tree, its choices
demands       what gold asks of columns        values, rows other cells and rows
witnesses     rows that gold finds             copies       databases of other rows
determinacy   has every gold one answer?       repair       change rows until it has
mutants       near misses of gold              rewritings   other spellings of gold
distilling    the few that tell most           making       a whole data set, in files
"""

from text2sql.data.neighbours.distilling import Settings
from text2sql.data.neighbours.making import make_neighbours, summarise

__all__ = ["Settings", "make_neighbours", "summarise"]
