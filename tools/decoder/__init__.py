"""Training of the learned decoder: what tools/cache_lips.py and tools/train_decoder.py share."""
