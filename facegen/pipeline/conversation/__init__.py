"""Conversations: who speaks when, and one take a speaker over the common time, who listens while others speak."""

from facegen.pipeline.conversation.solve import Conversation, converse
from facegen.pipeline.conversation.turns import Turn, read_turns

__all__ = ["Conversation", "Turn", "converse", "read_turns"]
