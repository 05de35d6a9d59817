"""The GLSL programs of portraits."""

from importlib.resources import files


def shader(name: str) -> str:
    """The source of the shader file ``name``."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")
