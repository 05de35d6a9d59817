"""Rigs of other programs: glTF and VRM, OBJ folders, ICT-FaceKit, USD, FLAME-like files; shapes for meshes without."""
