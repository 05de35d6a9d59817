"""Networks in ONNX files that nobody vouches for, run by ONNX Runtime."""

from __future__ import annotations

from os import PathLike
from typing import Any

from facegen.core.errors import ModelError
from facegen.core.files import read_bytes


class OnnxModel:
    """A network in an ONNX file, run on one thread (see ``facegen.core.threads``) and in flat memory.

    Parameters
    ----------
    path : str or path
        The file.
    limit : int
        Its size in bytes at most.
    kind, remedy : str
        What the error says that is raised for any other file.

    Attributes
    ----------
    inputs, outputs : dict
        Shapes by name.
    metadata : dict of str
        What the file says about itself.

    Raises
    ------
    ModelError
        For a file that is no such network.
    """

    def __init__(self, path: str | PathLike, limit: int, kind: str, remedy: str) -> None:
        import onnxruntime

        raw = read_bytes(path, limit=limit, error=ModelError)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.enable_cpu_mem_arena = False  # the arena never shrinks
        options.log_severity_level = 4
        try:
            session = onnxruntime.InferenceSession(raw, options, providers=["CPUExecutionProvider"])
            self.inputs = {value.name: value.shape for value in session.get_inputs()}
            self.outputs = {value.name: value.shape for value in session.get_outputs()}
            self.metadata: dict[str, str] = dict(session.get_modelmeta().custom_metadata_map)
        except Exception as fault:  # ONNX Runtime has no public base class of its errors
            raise ModelError(
                f"is not a {kind}: it can't be opened ({first_line(fault)})", path=path, remedy=remedy
            ) from fault
        self.run: Any = session.run


def first_line(fault: Exception) -> str:
    """The first line of an error, at most 160 characters."""
    return (str(fault).splitlines() or [type(fault).__name__])[0][:160]
