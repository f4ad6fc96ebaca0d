"""What the orchestrator itself costs: `python -m orchestrator.bench`."""
