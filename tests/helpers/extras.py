"""Marks of tests that need what the core install lacks."""

from importlib.util import find_spec

import pytest

needs_usd = pytest.mark.skipif(find_spec("pxr") is None, reason='no usd-core: pip install "facegen[usd]"')
USD = [pytest.param(suffix, marks=needs_usd) for suffix in (".usda", ".usdc", ".usdz")]
