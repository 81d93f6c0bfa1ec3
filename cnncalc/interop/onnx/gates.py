"""The order in which ONNX's recurrent operators stack their gates, for those who read and those who write them."""

GATES = {"rnn": "c", "gru": "zrc", "lstm": "iofg"}
