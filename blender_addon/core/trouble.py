"""The one way in which the add-on fails: a sentence with its remedy."""


class Trouble(Exception):
    """What went wrong and what to do about it."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        self.reason, self.remedy = reason.rstrip(". "), remedy
        super().__init__(f"{self.reason}; {remedy}" if remedy else self.reason)
