"""glTF and VRM: heads, rigs and animations, read and written."""
