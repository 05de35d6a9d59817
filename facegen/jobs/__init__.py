"""Jobs that read and write files: a command, a row of a batch and a request to the service run the same ones."""

from facegen.jobs.job import Job, JobResult, Progress, load_job

__all__ = ["Job", "JobResult", "Progress", "load_job"]
