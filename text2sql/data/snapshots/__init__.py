"""A small, closed, masked copy of a database: what synthesis and tests work on.

masking   which columns are hidden, and behind what        staging   rows, and those they refer to
taking    what callers use: the whole way to a file
"""
