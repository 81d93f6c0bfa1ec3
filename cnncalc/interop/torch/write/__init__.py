"""A graph as the text of a PyTorch module."""
