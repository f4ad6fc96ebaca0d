"""The scheduler on paper: `python -m orchestrator.simulate`."""
