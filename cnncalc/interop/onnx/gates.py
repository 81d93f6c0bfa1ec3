"""The order in which ONNX's recurrent operators stack their gates, for those who read and those who write them."""

# ONNX calls them i, o, f, c of an LSTM and z, r, h of a GRU: the last is the candidate.
GATES = {"rnn": "c", "gru": "zrc", "lstm": "iofg"}
