"""PyTorch: modules are read by one forward pass on shapes alone, and written as text."""
