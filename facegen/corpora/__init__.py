"""Readers of public speech corpora: one module a corpus, each an iterator of `Sample`."""

from facegen.corpora.sample import Sample, data_folder, read_jsonl

__all__ = ["Sample", "data_folder", "read_jsonl"]
