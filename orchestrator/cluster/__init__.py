"""A Ray cluster: started or joined, and its nodes asked before anything trains on them."""
