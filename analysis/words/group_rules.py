"""Which rule for G carries over between widths, in words."""

from analysis.stats.group_rules import Comparison, Kind, Rule
from analysis.stats.group_surface import Surface
from analysis.stats.intervals import CI
from analysis.stats.lowest import LowestDifference
from analysis.words.headline import Headline
from analysis.words.numbers import (
    count_in_words,
    decimals,
    listed,
    n_words,
    seeds_words,
    signed,
    signed_interval,
    too_few_words,
)

#: What stays constant, in words.
KIND_WORDS: dict[Kind, str] = {"groups": "G", "channels": "number of channels per group"}


def rules_headline(surface: Surface, found: Comparison | None) -> Headline:
    """Which of the two is better over these widths, as far as the interval says, and the rule that
    follows."""
    who = surface.line.short
    if found is None:
        title = f"Which rule for the G of {who} carries over between {_widths(surface)} cannot be determined."
        return Headline(title, "", (_wanting(surface), *_barred(surface)))
    facts = (
        _rule_sentence(found),
        *_transfer_sentence(found),
        *_scope(surface, found),
        *_barred(surface),
        *_unfinished(surface),
    )
    best = _better(found)
    if best is None:
        return Headline(_open_title(surface, found), _evidence(found), facts)
    other = found.rules["channels" if best.kind == "groups" else "groups"]
    points = abs(found.difference.mean)
    title = (
        f"With {who} a constant {KIND_WORDS[best.kind]} carries over better between {_widths(surface)}: "
        f"{rule_name(best)} everywhere has a validation error {points:.{_digits(found)}f} points lower than "
        f"{rule_name(other)} everywhere."
    )
    low, high = sorted(map(abs, (found.difference.interval.low, found.difference.interval.high)))
    digits = _digits(found)
    return Headline(title, f"{CI} {low:.{digits}f} to {high:.{digits}f}, {_n(found.difference)}", facts)


def rule_name(rule: Rule) -> str:
    """“G = 8”, “4 channels per group”."""
    if rule.kind == "groups":
        return f"G = {rule.value}"
    return f"{rule.value} channel{'' if rule.value == 1 else 's'} per group"


def _better(found: Comparison) -> Rule | None:
    """The rule with less error, where the interval says which."""
    interval = found.difference.interval
    if not interval.known or interval.low <= 0 <= interval.high:
        return None
    return found.rules["channels" if interval.low > 0 else "groups"]


def _open_title(surface: Surface, found: Comparison) -> str:
    seeds = min(found.difference.n)
    with_what = f"with {surface.line.short} a constant {KIND_WORDS['groups']} or a constant"
    by = "one seed" if seeds == 1 else f"{seeds} seeds"
    return (
        f"Whether {with_what} {KIND_WORDS['channels']} carries over better between {_widths(surface)} is not "
        f"resolved by {by}."
    )


def _evidence(found: Comparison) -> str:
    groups, channels = (rule_name(rule) for rule in found.rules.values())
    digits, difference = _digits(found), found.difference
    words = f"{groups} minus {channels}, everywhere: {signed(difference.mean, digits)} points"
    if not difference.interval.known:
        return f"{words}, {too_few_words(min(difference.n))}"
    return f"{words}, {CI} {signed_interval(difference.interval, digits)}, {_n(difference)}"


def _rule_sentence(found: Comparison) -> str:
    """What to do, and how sure that is."""
    best = _better(found)
    if best is not None:
        at = ", ".join(f"G = {g} at width {w}" for w, g in best.groups.items())
        rule = f"G = {best.value} at every width" if best.kind == "groups" else f"G = C/{best.value} ({at})"
        sure = (
            ""
            if best.chance is None
            else f"; of {count_in_words(best.tried)} values it is the best in {best.chance:.0%} of bootstrap "
            "resamples of the seeds"
        )
        return f"The rule that follows is {rule}{sure}."
    interval = found.difference.interval
    if not interval.known:
        return "No rule follows: an interval needs three seeds or more."
    most = max(abs(interval.low), abs(interval.high))
    return (
        "No rule follows. According to the same interval, either constant costs at most "
        f"{most:.{_digits(found)}f} points more than the other, on average over these widths."
    )


def _transfer_sentence(found: Comparison) -> tuple[str, ...]:
    """What the best G of the narrowest network does in the widest, where both constants can be kept there."""
    narrowest = min(transfer.source for transfer in found.transfers)
    widest = max(transfer.target for transfer in found.transfers)
    up = next(t for t in found.transfers if (t.source, t.target) == (narrowest, widest))
    if (difference := up.difference) is None or not up.exact:
        return ()
    ours = f"G = {up.kept}, the best at width {up.source},"
    theirs = f"G = {up.scaled}, which has the same number of channels per group"
    how = "paired by seed" if difference.paired else "independent runs"
    interval, seeds = difference.interval, f"{how}, {n_words(difference)}"
    if not interval.known:
        evidence = f"{too_few_words(difference.fewest)}, {seeds}"
        return (
            f"At width {up.target} {ours} differs from {theirs}, by {signed(difference.mean, 2)} points "
            f"({evidence}).",
        )
    if interval.low <= 0 <= interval.high:
        evidence = f"{signed(difference.mean, 2)} points, {CI} {signed_interval(interval, 2)}, {seeds}"
        return (
            f"Whether, at width {up.target}, {ours} has a different error from {theirs}, is not resolved by "
            f"{seeds_words(difference)} ({evidence}).",
        )
    word = "more" if interval.low > 0 else "less"
    low, high = sorted(map(abs, (interval.low, interval.high)))
    return (
        f"At width {up.target} {ours} has {abs(difference.mean):.2f} points {word} error than {theirs} "
        f"({CI} {low:.2f} to {high:.2f}, {seeds}).",
    )


def _scope(surface: Surface, found: Comparison) -> tuple[str, ...]:
    """What C is, and what the interval does not speak of."""
    channels = listed([str(c) for c in surface.channels.values()])
    what = (
        f"C is the number of channels of the narrowest layer, {channels} at {_widths(surface)}; G is the "
        "same in every layer."
    )
    if not found.difference.interval.known:
        return (what,)
    return (
        what,
        "The interval is over seeds and allows for both constants having been chosen by their error; it "
        "covers these widths, this network and these images, and no width between or beyond.",
    )


def _wanting(surface: Surface) -> str:
    """Why nothing is compared."""
    if not surface.channels:
        return "The channels of this network are not known here, and so neither are the channels per group."
    if empty := [w for w, own in surface.errors.items() if not own]:
        return f"At width {empty[0]} trials of every G diverged."
    return (
        "This takes a G and a number of channels per group that were tried at every width and did not "
        "diverge, and if runs are pairs, a seed that all of them have."
    )


def _barred(surface: Surface) -> tuple[str, ...]:
    """A sentence for each G that cannot win at some width."""
    return tuple(
        f"G = {groups} at width {width} cannot be chosen: {cell.counts['diverged']} of its trials diverged."
        for width, own in surface.cells.items()
        for groups, cell in own.items()
        if cell.counts.get("diverged")
    )


def _unfinished(surface: Surface) -> tuple[str, ...]:
    if not (left := surface.unfinished):
        return ()
    trials = "trial has" if left == 1 else "trials have"
    kept = " Only seeds that every G has are counted." if surface.paired else ""
    return (f"{left} {trials} no result yet.{kept}",)


def _digits(found: Comparison) -> int:
    return max(2, decimals(found.difference.interval))


def _n(difference: LowestDifference) -> str:
    low, high = min(difference.n), max(difference.n)
    return f"n = {low}" if low == high else f"n = {low} to {high}"


def _widths(surface: Surface) -> str:
    return f"widths {listed([str(width) for width in surface.widths])}"
