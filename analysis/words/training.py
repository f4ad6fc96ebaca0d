"""How a sweep's trials were trained, in the sentences of a methods section: data, recipe, start, machines.

A recipe's numbers follow from its name, which the trials record. What the code does under every recipe (how
weights start, how images are cropped) is known where the trials declare the protocol that this module
describes, and left out where they do not.
"""

import re
from collections.abc import Mapping

from analysis.sources.setup import Setup
from analysis.words.data_used import used
from analysis.words.mixtures import said, trials_words
from analysis.words.numbers import listed
from analysis.words.settings import settings
from model.data.dataset import padding
from model.data.registry import flips
from model.own import is_own
from model.recipe import RECIPES, Recipe
from model.spec import DATASETS

#: The training protocol (orchestrator.grid.trial) whose initialisation and augmentation are described here.
PROTOCOL = 1

_DATASETS = {
    "cifar10": "CIFAR-10 (Krizhevsky 2009)",
    "cifar100": "CIFAR-100 (Krizhevsky 2009)",
    "digits": "scikit-learn’s handwritten digits (Alpaydin & Kaynak 1998)",
    "svhn": "Street View House Numbers (Netzer et al. 2011), its training and test part",
    "fashionmnist": "Fashion-MNIST (Xiao et al. 2017)",
    "imagefolder": "a folder of images",
    "npz": "arrays from an .npz file",
}
_RECIPES = {"wu2018": "Wu & He 2018, section 4.1", "he2015": "He et al. 2015a, section 4.2"}
_PRECISIONS = {
    "fp32": "float32",
    "tf32": "float32 with TF32 products",
    "bf16": "float32 with products of factors rounded to bfloat16",
}
_SOFTWARE = {
    "product": "normsweep",
    "commit": "its commit",
    "code": "digest of the training source",
    "torch": "PyTorch (Paszke et al. 2019)",
    "ray": "Ray (Moritz et al. 2018)",
    "cuda": "CUDA",
    "python": "Python",
}


def described(setup: Setup) -> bool:
    """Whether every trial declares the protocol that this module describes."""
    return setup.protocols == {PROTOCOL: setup.trials}


# -- data --------------------------------------------------------------------------------------------


def data(setup: Setup) -> str:
    """The data sets with their fingerprints, augmentation, and what error is judged on."""
    sentences = []
    for name in map(str, setup.axes["dataset"]):
        facts = setup.data.get(name, {})
        sentences.append(f"Data: {_named(name)}{_size(facts)}.")
        known = name in DATASETS or is_own(name)
        sentences += [_augmentation(name, facts)] if described(setup) and known else []
    return " ".join([*sentences, *used(setup)])


def _named(dataset: str) -> str:
    """A data set in words; of a function of one's own its path, and the digest of its source."""
    if not is_own(dataset):
        return _DATASETS.get(dataset, dataset)
    path, _, digest = dataset.partition("@")
    return f"{path}, a function of the authors’ own{f' (digest of its source {digest})' if digest else ''}"


def _size(facts: Mapping[str, object]) -> str:
    train, test, mark = (facts.get(key) for key in ("train_size", "test_size", "fingerprint"))
    if not (isinstance(train, int) and isinstance(test, int)):
        return ""
    return f", {train:,} training and {test:,} test images (fingerprint {mark})"


def _augmentation(dataset: str, facts: Mapping[str, object]) -> str:
    image = facts.get("image")
    height = image[1] if isinstance(image, list) and len(image) == 3 else None
    pixels, flip = facts.get("border"), facts.get("flip")
    if not isinstance(pixels, int):
        pixels = padding(height) if isinstance(height, int) else None
    border = "an eighth of their height" if pixels is None else f"{pixels} pixel{'' if pixels == 1 else 's'}"
    moved = f"padded with zeros by {border} on each side, cropped at random to their size"
    flip = flip if isinstance(flip, bool) else flips(dataset)
    mirrored = "mirrored at random" if flip else "not mirrored"
    return (
        f"Training images were {'not cropped' if pixels == 0 else moved}, and {mirrored}; pixels were "
        "standardised by "
        "channel with the mean and standard deviation of the training images."
    )


# -- recipe ------------------------------------------------------------------------------------------


def recipes(setup: Setup) -> str:
    """Optimiser, schedule, length and initialisation of every recipe that was used."""
    counts = setup.axes["recipe"]
    several = len(counts) > 1
    sentences = [
        _recipe(RECIPES[str(name)], setup, f"In {trials_words(n)} training" if several else "Training")
        for name, n in counts.items()
        if name in RECIPES
    ]
    return " ".join(part for part in (*sentences, settings(setup), _length(setup)) if part)


def _recipe(recipe: Recipe, setup: Setup, training: str) -> str:
    on_all = " on all parameters, γ and β included" if described(setup) else ""
    milestones = listed([f"{float(m):.0%}" for m in recipe.milestones])
    text = (
        f"{training} follows {_RECIPES.get(recipe.name, recipe.source)}: stochastic gradient descent "
        "with momentum "
        f"{recipe.momentum:g} and weight decay {recipe.weight_decay:g}{on_all}. {_rate(recipe, setup)}; "
        "it is "
        f"divided by 10 after {milestones} of the steps."
    )
    if described(setup):
        zero = ", but γ = 0 in the last norm of each residual block" if recipe.zero_gamma else ""
        text += (
            " Convolutions have no bias and start from a normal distribution with mean 0 and standard "
            "deviation "
            "√(2 / fan-in) (He et al. 2015b), the classifier from one with standard deviation 0.01 "
            "(Goyal et al. "
            f"2017) and with bias 0; γ = 1 and β = 0{zero}."
        )
    return text


def _rate(recipe: Recipe, setup: Setup) -> str:
    if recipe.lr_scaling == "none":
        return f"The learning rate starts at {recipe.lr:g}, whatever the batch size"
    sizes = sorted({b for own in setup.lines.values() for b in own}, reverse=True)
    rates = listed([f"{recipe.learning_rate(0, 1_000, b):g} at batch size {b}" for b in sizes])
    return (
        f"For batch size B the learning rate starts at {recipe.lr:g} · B/{recipe.base_batch_size} "
        "(linear "
        f"scaling, Goyal et al. 2017): {rates}"
    )


def _length(setup: Setup) -> str:
    lengths = [f"{n:,} epoch{'' if n == 1 else 's'}" for n in setup.axes["epochs"]]
    lengths += [f"{n:,} steps" for n in setup.axes["iterations"]]
    return f"Training takes {listed(lengths, 'or')}." if lengths else ""


# -- machines ----------------------------------------------------------------------------------------


def machines(setup: Setup) -> str:
    """Packs, devices, threads, precision and software."""
    sentences = [_packs(setup), _hardware(setup)]
    software = [
        f"{name} {words}"
        for key, name in _SOFTWARE.items()
        if (words := said(setup, setup.facts[key], _version))
    ]
    sentences.append(f"Software: {', '.join(software)}." if software else "")
    return " ".join(sentence for sentence in sentences if sentence)


def _version(value: str) -> str:
    """A commit that ends in + had files that differ from it."""
    return f"{value[:-1]} with changes" if value.endswith("+") else value


def _packs(setup: Setup) -> str:
    if not setup.packs:
        return ""
    if set(setup.packs) == {1} and not setup.unrecorded(setup.packs):
        return "Every trial was trained by itself."
    return (
        "Seeds of one norm and batch size were trained together, as one network with a replica axis, in "
        "packs "
        f"of {said(setup, setup.packs)}."
    )


def _hardware(setup: Setup) -> str:
    devices = said(setup, setup.devices, lambda name: re.sub(r"\bcpu\b", "CPU", name))
    threads = said(setup, setup.facts["threads"], lambda n: f"{n} thread{'' if n == '1' else 's'}")
    precision = said(setup, setup.facts["precision"], lambda p: _PRECISIONS.get(p, p))
    processor = said(setup, setup.facts["processor"])
    parts = [
        devices,
        f"processor {processor}" if processor else "",
        f"{len(setup.facts['host'])} hosts" if len(setup.facts["host"]) > 1 else "",
        f"{threads} of the CPU for each pack" if threads else "",
        f"arithmetic in {precision}" if precision else "",
    ]
    known = "; ".join(part for part in parts if part)
    return f"Hardware: {known}." if known else ""
