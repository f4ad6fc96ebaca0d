"""What choosing the best of several does to its number."""

from analysis.stats.best_groups import BestGroups
from analysis.words.numbers import count_in_words


def selection_sentences(best: BestGroups, tried: int, norm: str) -> tuple[str, ...]:
    """How far the winner of `tried` flatters itself, and who else was searched for; none with one. `norm`:
    whose G it is, in short."""
    if tried < 2:
        return ()
    size = ""
    if best.optimism is not None:
        size = (
            f", by about {best.optimism:.2f} points in the same resamples" if best.optimism >= 0.005 else ""
        )
    tries = count_in_words(tried)
    return (
        f"The winner’s validation error is the lowest of {tries} and so too good on average{size}; a test "
        "error that follows, on images that took no part, is not.",
        f"{norm} had {tries} tries and batch norm, which has no G, had one: a comparison with BN sets a norm "
        "that was tuned against one that was not.",
    )
