"""Data sets: what is known of one without decoding it, its images, and what an epoch sees of them."""
