"""Who may see what: a policy decides it before a model reads anything, and again in the SQL's tree.

policy        the YAML file: tables, columns, rows and masks by role
attributes    what is known of a user, bound into a row filter as values
guards        a table as one user may see it, as a query
definitions   the queries behind views, so that a guard reaches into them
views         a schema as one user sees it, with the guards of its tables
allowed       the kinds of nodes that a statement may have under a policy
replacing     guards in the place of a query's tables
rewriting     a statement as it runs under a policy, and the proof of it
costs         what an engine thinks that a statement costs
doors         an executor that runs nothing that has not been rewritten
"""

from typing import TYPE_CHECKING

from text2sql.exports import late

if TYPE_CHECKING:
    from text2sql.access.doors import Door, open_door
    from text2sql.access.policy import Policy, load_policy
    from text2sql.access.rewriting import Rewritten, rewrite
    from text2sql.access.views import View, see

__all__ = ["Door", "Policy", "Rewritten", "View", "load_policy", "open_door", "rewrite", "see"]

_HOMES = {
    "Door": "doors",
    "Policy": "policy",
    "Rewritten": "rewriting",
    "View": "views",
    "load_policy": "policy",
    "open_door": "doors",
    "rewrite": "rewriting",
    "see": "views",
}

__getattr__ = late(__name__, _HOMES)
