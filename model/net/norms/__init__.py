"""Normalisation layers with a replica axis: a file for each family, `registry` that knows them all."""
