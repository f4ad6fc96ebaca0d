"""One CPU core, by the table of docs/performance.md: a worker on paper, till another machine was measured."""

from orchestrator.planning.measured import MeasuredThroughput, Rates

#: `python -m model.bench` on one core of an AMD EPYC, torch 2.15.0, ResNet-20 on 32×32 images.
CORE: Rates = {
    (norm, batch_size, replicas): float(rate)
    for norm, rows in {
        "bn": {32: (616, 517), 16: (585, 586), 8: (487, 545), 4: (400, 510), 2: (290, 414)},
        "gn": {32: (591, 521), 16: (525, 517), 8: (548, 566), 4: (442, 511), 2: (306, 402)},
    }.items()
    for batch_size, pair in rows.items()
    for replicas, rate in zip((1, 5), pair, strict=True)
}


def from_the_docs() -> MeasuredThroughput:
    return MeasuredThroughput.of_rates(
        CORE, "the rates of docs/performance.md, one core of an AMD EPYC a worker"
    )
