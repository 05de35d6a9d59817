"""Faces tracked in video: landmarks, head pose and the controls that explain them."""
