"""Any graph as the text of a spec that a person would have written."""
