"""Training of the phone encoder."""
