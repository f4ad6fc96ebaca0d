"""What several tests are made of."""

from pathlib import Path

#: The checkout.
ROOT = Path(__file__).parents[2]
