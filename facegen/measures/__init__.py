"""Measures of facial animation: pure functions of curves, vertices and phones, one row of a table each."""
