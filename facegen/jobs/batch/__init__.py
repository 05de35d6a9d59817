"""Many jobs in one run: which, how far they are, and what became of each."""
