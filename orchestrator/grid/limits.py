"""What a grid may ask for at most."""

#: Of a cell. A larger count is one seed that somebody forgot to make a list of.
MOST_SEEDS = 10_000
