"""The ways to constrain decoding that `decoding_overhead.py` compares."""
