"""Networks with a replica axis: R seeds of a cell as one wider network."""
