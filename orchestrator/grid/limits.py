"""What may be asked for at most."""

#: Of a cell. A larger count is one seed that somebody forgot to make a list of.
MOST_SEEDS = 10_000
#: Packs side by side on a GPU: torch has so many streams of one (`model.streams`).
MOST_PACKS = 32
