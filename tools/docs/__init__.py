"""Builds the documentation: ``python -m tools.docs build`` writes the site into ``build/site``."""
