import re

import pytest

from analysis import methods as command
from analysis.page.methods import by_sweep
from analysis.stats.choices import DEFAULT, Choices, Margin
from analysis.study import read
from analysis.words.citations import WORKS
from analysis.words.training import PROTOCOL
from model.norm_table import GROUPED, NORMS
from model.spec import DATASETS, MODELS
from orchestrator.grid.trial import PROTOCOL as TRAINED
from orchestrator.results.store import Store
from tests.helpers.synthetic import block, declare_facts


def of(*sources, choices=DEFAULT):
    return list(by_sweep(read(sources, choices)).values())


def two_norms(**more):
    sizes = {"batch_size": [32, 2], "seeds": 3, "epochs": 100, **more}
    return block(**sizes) + block(norm="gn", groups=8, **sizes)


def change(url, which, **facts):
    """Write other provenance into the results of the trials that `which` picks by id."""
    store = Store(url)
    for trial_id, state in store.scan().items():
        if which(trial_id):
            result = {**state.result, "provenance": {**state.result["provenance"], **facts}}
            store.files.write_json(f"trials/{trial_id}/result.json", result)


def test_the_protocol_described_is_the_one_that_is_trained():
    assert PROTOCOL == TRAINED, "say in analysis/words/training.py how the new protocol starts and augments"


def test_a_sweep_of_figure_1(sweep):
    url = sweep(two_norms(), epochs=6)
    image = {"image": [3, 32, 32], "fingerprint": "f00d", "train_size": 50_000, "test_size": 10_000}
    declare_facts(url, data={"cifar10": image})
    change(url, lambda i: True, threads="4", precision="fp32", processor="EPYC")
    (own,) = of(url)
    trained, data, recipe, machines, statistics, results = own.paragraphs
    assert trained == (
        "ResNet-20 (He et al. 2015a) with projection shortcuts was trained with batch normalisation (BN; Ioffe & "
        "Szegedy 2015) and group normalisation (GN, G = 8; Wu & He 2018), each at batch sizes 32 and 2. With 3 seeds "
        "(1 to 3), 12 trials have a result. The seed determines the initial weights and the order and crops of the "
        "images, identically for every norm."
    )
    assert data == (
        "Data: CIFAR-10 (Krizhevsky 2009), 50,000 training and 10,000 test images (fingerprint f00d). Training "
        "images were padded with zeros by 4 pixels on each side, cropped at random to their size, and mirrored at "
        "random; pixels were standardised by channel with the mean and standard deviation of the training images. "
        "Error is measured on the test images."
    )
    assert recipe == (
        "Training follows Wu & He 2018, section 4.1: stochastic gradient descent with momentum 0.9 and weight decay "
        "0.0001 on all parameters, γ and β included. For batch size B the learning rate starts at 0.1 · B/32 (linear "
        "scaling, Goyal et al. 2017): 0.1 at batch size 32 and 0.00625 at batch size 2; it is divided by 10 after "
        "30%, 60% and 90% of the steps. Convolutions have no bias and start from a normal distribution with mean 0 "
        "and standard deviation √(2 / fan-in) (He et al. 2015b), the classifier from one with standard deviation 0.01 "
        "(Goyal et al. 2017) and with bias 0; γ = 1 and β = 0, but γ = 0 in the last norm of each residual block. "
        "Training takes 100 epochs."
    )
    assert machines == (
        "Seeds of one norm and batch size were trained together, as one network with a replica axis, in packs "
        "of 3. Hardware: CPU; processor EPYC; 4 threads of the CPU for each pack; arithmetic in float32. Software: "
        "normsweep 0.1.0, its commit 0123456789ab, PyTorch (Paszke et al. 2019) 2.11.0, Ray (Moritz et al. 2018) "
        "2.60.0, Python 3.11.2."
    )
    assert "paired t tests within each seed" in statistics
    assert re.fullmatch(r"SHA-256 of the results: [0-9a-f]{64}\. .*", results)


@pytest.mark.parametrize(
    ("dataset", "facts", "said"),
    [
        ("svhn", {}, "Street View House Numbers (Netzer et al. 2011)"),
        ("svhn", {"image": [3, 32, 32]}, "by 4 pixels on each side, cropped at random to their size, and not mirrored;"),
        ("fashionmnist", {"image": [1, 28, 28]}, "by 3 pixels on each side, cropped at random to their size, and mirrored at random;"),
        ("npz", {"flip": False, "border": 2}, "arrays from an .npz file"),
        ("npz", {"flip": False, "border": 2}, "by 2 pixels on each side, cropped at random to their size, and not mirrored;"),
        ("npz", {"flip": True, "border": 0}, "Training images were not cropped, and mirrored at random;"),
        ("imagefolder", {"image": [3, 8, 8]}, "by 1 pixel on each side, cropped at random to their size, and mirrored at random;"),
        ("digits", {"flip": "no", "border": "?"}, "by an eighth of their height on each side, cropped at random to their size, and not mirrored;"),
    ],
)  # fmt: skip
def test_what_was_done_to_images_is_what_the_sweep_says_of_its_data(sweep, dataset, facts, said):
    url = sweep(block(dataset=dataset, batch_size=32, seeds=2, epochs=4))
    declare_facts(url, data={dataset: {"fingerprint": "f00d", "train_size": 50, "test_size": 10, **facts}})
    assert said in of(url)[0].text


def test_the_optimiser_and_what_is_clipped_are_named(sweep):
    """With their papers; in a sweep of two optimisers, of how many trials each is."""
    sizes = {"batch_size": 32, "seeds": 2, "epochs": 4}
    (own,) = of(sweep(block(optimizer="adamw", grad_clip="norm", decay_norm=False, **sizes)))
    assert (
        "Set otherwise than there: learning rate 0.001, weight decay 0.01, AdamW as the optimiser (Loshchilov & Hutter "
        "2019; β1 is the momentum, β2 = 0.999, ε = 1e-8, and the learning rate multiplies the decoupled weight decay), "
        "no weight decay of γ, β and other parameters of the norms, each network’s gradients clipped by their norm "
        "(Pascanu et al. 2013) and clipping threshold 1." in own.text
    )
    assert "loshchilov2019decoupled" in own.bibtex
    assert "pascanu2013difficulty" in own.bibtex
    (both,) = of(sweep(block(**sizes) + block(grad_clip="agc", **sizes), folder="both"))
    assert (
        "Set otherwise than there: adaptive gradient clipping, unit by unit, of all layers but the classifier (Brock et "
        "al. 2021) (2 trials) and clipping threshold 0.01 (2 trials)." in both.text
    )
    assert "brock2021high" in both.bibtex


def test_the_recipe_of_he_et_al_has_its_own_words(sweep):
    (own,) = of(sweep(block(recipe="he2015", batch_size=128, epochs=None, iterations=64_000), epochs=4))
    assert "He et al. 2015a, section 4.2" in own.text
    assert "The learning rate starts at 0.1, whatever the batch size" in own.text
    assert "after 50% and 75% of the steps" in own.text
    assert "γ = 1 and β = 0. Training takes 64,000 steps." in own.text
    assert "Goyal et al. 2017) and with bias 0" in own.text


def test_mixtures_are_named(sweep):
    trials = two_norms()
    url = sweep(trials, epochs=6)
    change(url, lambda i: "-b2-" in i and "-s1-" in i, torch="9.9.9", commit="abc+")
    assert "PyTorch (Paszke et al. 2019) 2.11.0 (10 trials) and 9.9.9 (2 trials)" in of(url)[0].text
    assert "abc with changes (2 trials)" in of(url)[0].text
    assert (
        "The trials are a mixture: they differ in the commit and the version of PyTorch." in of(url)[0].text
    )
    store = Store(url)
    for state in list(store.scan(history=True).values())[:4]:
        alone = {**state.result, "pack": [state.trial_id]}
        store.files.write_json(f"trials/{state.trial_id}/result.json", alone)
        entries = state.history["epochs"]
        entries[-1] = {**entries[-1], "device": "NVIDIA H100"}
        store.write_history(state.trial_id, {**state.history, "epochs": entries})
    text = of(url)[0].text
    assert "in packs of 3 (8 trials) and 1 (4 trials)" in text
    assert "Hardware: CPU (8 trials) and CPU then NVIDIA H100 (4 trials)" in text
    assert "the device and the size of the packs." in text


def test_kernels_are_a_mixture_within_a_cell_alone(sweep):
    url = sweep(two_norms(), epochs=6)
    change(url, lambda i: "-b2-" in i, kernels="nchw, triton")
    change(url, lambda i: "-b32-" in i, kernels="nhwc, grouped")
    assert "mixture" not in of(url)[0].text
    change(url, lambda i: "-b2-" in i and "-s1-" in i, kernels="nhwc, grouped")
    assert "The trials are a mixture: they differ in the kernels." in of(url)[0].text


def test_what_only_some_trials_record_is_not_said_of_all(sweep):
    url = sweep(two_norms(), epochs=6)
    change(url, lambda i: "-bn-" in i, threads="2")
    assert "2 threads (6 trials) and unknown (6 trials) of the CPU" in of(url)[0].text
    assert (
        "Not recorded in these results: the processor and the precision of the arithmetic." in of(url)[0].text
    )


def test_a_study_in_a_csv_says_nothing_of_how_it_was_made(tmp_path):
    path = tmp_path / "study.csv"
    path.write_text(
        "seed,batch_size,norm,accuracy\n"
        + "\n".join(f"{s},{b},{n},0.{80 + s}" for s in (1, 2, 4) for b in (32, 2) for n in ("bn", "gn"))
    )
    (own,) = of(str(path))
    for word in (
        "ResNet",
        "momentum",
        "learning rate",
        "PyTorch",
        "CPU",
        "trained",
        "fp32",
        "fan-in",
        "pack",
    ):
        assert word not in own.text.replace("PyTorch, the", "").replace("the packs", "").rsplit("Not rec")[0]
    assert "With 3 seeds (1, 2 and 4)" in own.text
    assert "Not recorded in these results: G of group normalisation, the data set, the network" in own.text


def test_the_methods_of_a_csv_name_the_comparison_that_was_made(tmp_path):
    path = tmp_path / "study.csv"
    rows = [
        f"{s},{b},{n},{0.8 + s * b / 4000 + len(n) * (s % 3) / 900}"
        for s in (1, 2, 4)
        for b in (32, 2)
        for n in ("bn", "FRN")
    ]
    path.write_text("seed,batch_size,norm,accuracy\n" + "\n".join(rows))
    (apart,), (paired,) = (
        of(str(path)),
        of(str(path), choices=Choices(paired=True, margin=Margin(0.5, chosen=True))),
    )
    assert "Norms are compared with BN by Welch’s t tests (Welch 1947)" in apart.text
    assert "within ±1 point, a default fixed before the data were seen" in apart.text
    assert "by paired t tests within each seed" in paired.text
    assert "within ±0.5 points." in paired.text
    for own in (apart, paired):
        assert "Error is 100% minus the accuracy in the file" in own.text
        assert "last epoch" not in own.text


def test_another_protocol_is_not_described_as_ours(sweep, monkeypatch):
    url = sweep(two_norms(), epochs=6)
    sweep_json = Store(url).files.read_json("sweep.json")
    trials = {i: {**t, "protocol": 99} for i, t in sweep_json["trials"].items()}
    declare_facts(url, trials=trials)
    text = of(url)[0].text
    assert "fan-in" not in text
    assert "cropped" not in text
    assert "the initialisation and the augmentation." in text
    assert "momentum 0.9" in text  # the recipe, by its name


def test_held_out_images_are_named(sweep):
    search = block(norm="gn", groups=[8, 4], holdout=5000)
    (own,) = of(sweep(search, epochs=6))
    assert "(GN, G = 8 and 4; Wu & He 2018)" in own.text
    assert (
        "measured on 5,000 held-out training images, the same ones for every seed; the test images were not used"
        in own.text
    )
    (both,) = of(sweep(search + block(), epochs=6, folder="both"))
    assert "In 6 trials error is measured on 5,000" in both.text
    assert "In 3 trials error is measured on the test images." in both.text


def test_a_part_of_the_images_and_wrong_labels_are_named(sweep):
    (own,) = of(sweep(block(train_size=[500, 2000], label_noise=[0, 0.2]), epochs=6))
    assert (
        "Training used 500 (6 trials) and 2,000 (6 trials) of the training images, stratified by class"
        in own.text
    )
    assert "A share of 0.2 (6 trials) of the training labels was replaced" in own.text
    assert "Training losses and errors are measured against these labels" in own.text
    assert "Set otherwise than there" not in own.text
    assert "han2018coteaching" in own.bibtex
    (all_alike,) = of(sweep(block(train_size=500, label_noise=0.2), epochs=6, folder="alike"))
    assert "Training used 500 of the training images" in all_alike.text
    assert "A share of 0.2 of the training labels was replaced" in all_alike.text


def test_odd_records_are_no_records(sweep):
    url = declare_facts(sweep(two_norms(), epochs=6), data={"cifar10": {"image": 3, "train_size": "x"}})
    change(url, lambda i: True, torch=["<b>"], threads={"a": 1}, ray=None, python="", product=False, cuda=7)
    (own,) = of(url)
    assert "Data: CIFAR-10 (Krizhevsky 2009). " in own.text
    assert "the version of PyTorch, the version of Python, the processor" in own.text


def test_no_result_no_methods(sweep):
    (own,) = of(sweep(block(), status=lambda t: "missing"))
    assert own.text == "No trial has a result yet, so there is nothing to describe.\n"
    assert own.bibtex == ""


@pytest.mark.parametrize("seeds", [1, 3])
def test_what_is_cited_is_listed_and_nothing_else(sweep, seeds):
    sizes = {"batch_size": [32, 2], "seeds": seeds}
    trials = [t for norm in NORMS for t in block(norm=norm, groups=8 if norm in GROUPED else None, **sizes)]
    (own,) = of(sweep(trials, epochs=6))
    cited = set(re.findall(r"[A-Z][\w.]*(?: (?:&|et) [A-Za-z.]+)? (?:19|20)\d\d[ab]?", own.text))
    listed = {work.short for work in WORKS if f"{{{work.key}," in own.bibtex}
    assert cited == listed
    assert ("Holm 1979" in listed) == (seeds > 2)
    assert own.bibtex.count("@") == len(listed)
    assert all(line.count("{") == line.count("}") for line in own.bibtex.splitlines() if "=" in line)


def test_every_data_set_and_network_has_words(sweep):
    for number, (dataset, model) in enumerate(zip(DATASETS, MODELS, strict=False)):
        text = of(sweep(block(dataset=dataset, model=model), folder=str(number)))[0].text
        assert f"{model.replace('resnet', 'ResNet-')} (He et al. 2015a)" in text
        assert f"Data: {dataset}" not in text


def test_the_command(sweep, capsys):
    url = sweep(two_norms(), epochs=6)
    assert command.main([url]) == 0
    assert capsys.readouterr().out == of(url)[0].text
    assert command.main([url, "--bibtex"]) == 0
    assert capsys.readouterr().out == of(url)[0].bibtex
    assert command.main([f"{url}/absent"]) == 2
    assert capsys.readouterr().err.startswith("error: no such folder")


def test_two_sweeps_have_a_text_each(sweep):
    first, second = sweep(two_norms(), folder="a", name="a"), sweep(block(seeds=2), folder="b", name="b")
    ours, theirs = of(first, second)
    assert "12 trials" in ours.text
    assert "3 trials" not in theirs.text
    assert ours.paragraphs[-2].split()[4] != theirs.paragraphs[-2].split()[4]
