"""Python as text: names in scopes, bodies of functions and classes, lines that are laid out."""
