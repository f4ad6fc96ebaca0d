"""Packs trained: on Ray Tune or in this process, by one worker's code."""
