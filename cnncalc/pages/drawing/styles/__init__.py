"""The styles: a file for each, with `scene(report, wish)`."""
