"""How good the shipped models are, measured and drawn."""
