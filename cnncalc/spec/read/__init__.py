"""Text to what it says: YAML with positions, the step grammar, hints for what was meant. Nothing is worked out."""
