"""What the benchmarks of the checker share: the oracle, statements, mutants, schemas to walk."""
