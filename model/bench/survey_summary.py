"""What the rows of a survey say for a person: the time of fig1, and the fastest choices."""

from collections.abc import Iterator, Mapping, Sequence

from model.bench.survey_rows import SurveyRow
from model.bench.throughput import BATCH_SIZES, FIG1
from model.kernels import WORTH

#: Norm and batch size.
Cell = tuple[str, int]


def summary(rows: Sequence[SurveyRow]) -> Iterator[str]:
    """Lines of a table, of fig1's hours, of the best choices, and how many rows have failed."""
    yield from _fig1(_rates(rows, beside=False), _rates(rows, beside=True))
    yield from _best_side_by_side(rows)
    yield from _fastest_variants(rows)
    failed = [row for row in rows if "error" in row]
    yield f"{len(rows)} rows, {len(failed)} without a measurement"


def _fig1(alone: Mapping[Cell, float], together: Mapping[Cell, float]) -> Iterator[str]:
    """Rates in images a second of a pack with the device to itself, and beside all others."""
    seeds, epochs, train, _ = FIG1
    work = {
        (norm, size): seeds * epochs * (train // size * size) for norm in ("bn", "gn") for size in BATCH_SIZES
    }
    yield "norm  batch  µs a step  images/s alone  images/s beside all"
    for norm, size in work:
        if (norm, size) in alone:
            step = 1e6 * seeds * size / alone[norm, size]
            beside = together.get((norm, size), float("nan"))
            yield f"{norm:4}  {size:5}  {step:9.0f}  {alone[norm, size]:14.0f}  {beside:19.0f}"
    if len(alone) < len(work):
        return
    one = {cell: work[cell] / alone[cell] for cell in work}
    hours = sum(one.values()) / 3600
    yield f"fig1 (50 trials, 100 epochs) without evaluation: {hours:.2f} h one pack at a time"
    if len(together) == len(work):
        last = max(work[cell] / together[cell] for cell in work) / 3600
        gain = sum(together[cell] / alone[cell] for cell in work)
        least = max(*one.values(), sum(one.values()) / gain) / 3600
        yield (
            f"  ten side by side, which gains {gain:.2f}: at least {least:.2f} h (that gain to the end, or "
            f"the longest pack alone), at most {last:.2f} h (each to its end as slow as beside all others)"
        )


def _best_side_by_side(rows: Sequence[SurveyRow]) -> Iterator[str]:
    for name in dict.fromkeys(row["row"] for row in rows if str(row["row"]).startswith("side by side")):
        measured = [row for row in rows if row["row"] == name and "images_per_second" in row]
        if measured:
            best = max(measured, key=lambda row: row["images_per_second"])
            gain = f", {best['gain']:.2f} times one" if "gain" in best else ""
            yield f"best {name}: {best['packs']} packs, {best['images_per_second']:.0f} images/s{gain}"


def _fastest_variants(rows: Sequence[SurveyRow]) -> Iterator[str]:
    timed = [
        row for row in rows if row["row"] in ("pace", "way") and "us_per_step" in row and "beside" not in row
    ]
    for cell in dict.fromkeys((row["norm"], row["batch_size"], row["pack"]) for row in timed):
        ranked = sorted(
            (row for row in timed if (row["norm"], row["batch_size"], row["pack"]) == cell),
            key=lambda row: row["us_per_step"],
        )
        words = [f"{row['way']} {row['us_per_step']:.0f}" for row in ranked[:4]]
        yield f"{cell[0]} batch {cell[1]} pack {cell[2]}, µs a step: {', '.join(words)}"
        yield from _chosen(ranked)


def _chosen(ranked: Sequence[SurveyRow]) -> Iterator[str]:
    """What a sweep takes by itself in each precision, and whether it was the fastest; `ranked`: a cell's."""
    for precision in dict.fromkeys(row["precision"] for row in ranked if "precision" in row):
        own = [row for row in ranked if row.get("precision") == precision]
        usual = next((row for row in own if str(row["way"]) == f"usual {precision}"), None)
        if usual is not None and len(own) > 1:
            best = own[0]
            verdict = (
                "the fastest"
                if best is usual
                else f"but {best['way']} takes {best['us_per_step'] / usual['us_per_step']:.2f} of its time"
            )
            yield f"  a sweep takes {usual['kernels']} in {precision}: {verdict}"
        aside = next((row for row in own if str(row["way"]) == f"usual {precision} aside"), None)
        if usual is not None and aside is not None:
            share = aside["us_per_step"] / usual["us_per_step"]
            won = "won" if share * WORTH <= 1 else "did not win"
            yield f"  weights' gradients on a stream of their own {won}: {share:.2f} of its time"


def _rates(rows: Sequence[SurveyRow], *, beside: bool) -> dict[Cell, float]:
    """By norm and batch size; the last of each cell counts."""
    return {
        (row["norm"], row["batch_size"]): row["images_per_second"]
        for row in rows
        if row["row"] == "pace" and "images_per_second" in row and ("beside" in row) == beside
    }
