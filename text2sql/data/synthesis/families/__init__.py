"""Families of questions: each draws a query and words it."""
