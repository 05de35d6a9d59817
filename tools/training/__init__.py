"""Training of all that is learned, and the corpora that it learns from."""
