"""A sweep shown to experiment trackers: a run for each trial, kept level with the results folder."""
