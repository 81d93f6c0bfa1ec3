"""Sheets with answers, in the forms in which people hand them in: tables, YAML, JSON, words, workbooks."""
