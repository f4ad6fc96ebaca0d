"""How fast this machine trains, and what it is compared with: `python -m model.bench`."""
