"""A sweep in a browser while it is made: read from its folder alone, served to this machine alone."""
