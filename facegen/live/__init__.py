"""Live: sound to frames as it comes, in memory that does not grow, and out to programs that play them."""

from facegen.live.engine import Engine, Plan

__all__ = ["Engine", "Plan"]
