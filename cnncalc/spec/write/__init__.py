"""How steps are written: one line for what one line can say. For `format`, `convert` and hints alike."""
