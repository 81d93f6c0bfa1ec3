"""How a scene is written: a file per format, each with `render(scene)`."""
