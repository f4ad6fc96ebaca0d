"""Declare a sweep, reconcile it with what is done, and run what is missing on Ray Tune."""

from orchestrator.shadowing import refuse_shadowed

refuse_shadowed()
