"""What of its data sets a study used: images held out, how many were trained on, labels made wrong."""

from analysis.sources.setup import Counts, Setup
from analysis.words.mixtures import trials_words
from analysis.words.numbers import listed


def used(setup: Setup) -> list[str]:
    """A sentence each for the images trained on where not all were, for wrong labels, and for the images that
    judge, where the source names a data set."""
    return [
        *_sizes(setup.axes["train_size"], setup.trials),
        *_noise(setup.axes["label_noise"], setup.trials),
        *(_judges(setup.axes["holdout"]) if setup.axes["dataset"] else ()),
    ]


def _sizes(sizes: Counts, trials: int) -> list[str]:
    if not sizes:
        return []
    return [
        f"Training used {_each(sizes, trials, '{:,}')} of the training images, stratified by "
        "class, the same ones for every seed and norm; smaller subsets are contained in larger ones."
    ]


def _noise(shares: Counts, trials: int) -> list[str]:
    noisy = {share: n for share, n in shares.items() if share}
    if not noisy:
        return []
    return [
        f"A share of {_each(noisy, trials, '{:.4g}')} of the training labels was replaced, identically for "
        "every seed and norm, each by one of the other classes with equal probability (symmetric noise; "
        "Han et al. 2018). Training losses and errors are measured against these labels; no other label was "
        "changed."
    ]


def _each(counts: Counts, trials: int, form: str) -> str:
    """“500 (6 trials) and 2,000 (6 trials)”; the value alone where all trials have it."""
    return listed(
        [
            form.format(value) + ("" if n == trials else f" ({trials_words(n)})")
            for value, n in sorted(counts.items())
        ]
    )


def _judges(held: Counts) -> list[str]:
    sentences = []
    for images, trials in held.items():
        where = f"In {trials_words(trials)} error" if len(held) > 1 else "Error"
        if images:
            sentences.append(
                f"{where} is measured on {images:,} held-out training images, the same ones for every "
                "seed; the test images were not used."
            )
        else:
            sentences.append(f"{where} is measured on the test images.")
    return sentences
