"""What a sweep declares: trials, blocks of axes, and what the command line changes in them."""
