"""Sound, and what is said in it: audio, phones and their times."""
