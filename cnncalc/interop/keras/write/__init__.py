"""A graph as the text of a model of Keras."""
