"""Training of the learned decoder: what tools/training/cache_lips.py and tools/training/train_lip_decoder.py share."""
