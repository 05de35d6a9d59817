"""Modules of the procedural head: subdivision surface, fit to measurements, parts, shapes, colours."""
