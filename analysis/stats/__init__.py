"""Statistics of cells and of their differences, from arrays and frames alone."""
