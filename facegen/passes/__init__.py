"""Passes over the solved mouth: a table of rows in order, each one a layer of its own."""
