"""What is missing, in which packs and on which machines, and how long it will take."""
