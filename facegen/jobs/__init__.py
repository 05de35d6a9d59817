"""Jobs that read and write files: a command, a row of a batch and a request to the service run the same ones."""

from facegen.jobs.job import Done, Job, Progress, load_job

__all__ = ["Done", "Job", "Progress", "load_job"]
