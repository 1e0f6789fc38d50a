"""The predictor where people ask.

feedback        what people say about answers, kept on disk
feedback_pairs  training pairs from that
display         an answer as a notebook shows it
jupyter         %t2s and %%t2s
"""
