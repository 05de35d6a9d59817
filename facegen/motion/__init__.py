"""Takes, and what makes their layers: lip sync and passes."""
