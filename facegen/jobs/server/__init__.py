"""A small service: sound in by HTTP, takes and files out, over the same jobs and journal as batches."""
