"""Spider's official rules for texts and trees, quirks included; its parser's subset of SQL.

words, lexer        how the official programs split SQL
text                what is done to SQL before it runs
structure, parser   a query as the official parser sees it
levels              hardness
exact_match, component_scores   clause by clause
plugging            the gold query's values in a prediction
"""
