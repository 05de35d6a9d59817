"""What makes, measures and packs facegen; run as ``python -m tools.…`` from a checkout."""
