"""A session as people and programs read it: pure functions from stored events to documents, text and playback."""
