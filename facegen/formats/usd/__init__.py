"""USD (UsdSkel): heads, rigs and animations, read and written."""
