"""What the command line takes: each module declares a few commands and their options, and says who does the work."""
