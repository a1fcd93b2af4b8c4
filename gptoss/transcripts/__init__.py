"""A session as people and programs read it: pure functions from events to text."""
