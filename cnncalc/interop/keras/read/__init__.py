"""A model of Keras as a graph."""
