"""The GLSL programs of the raster renderer."""

from importlib.resources import files


def shader(name: str, flags: tuple[str, ...] = ()) -> str:
    """The source of the shader file ``name``, with ``flags`` defined."""
    version, _, rest = files(__name__).joinpath(name).read_text(encoding="utf-8").partition("\n")
    return "\n".join([version, *(f"#define {flag}" for flag in flags), rest])
