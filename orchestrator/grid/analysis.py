"""What a grid says beforehand of its analysis: the `analysis:` part of a YAML file.

It is written into sweep.json, with its SHA-256, before the first trial. What the report shows beside it is
marked as looked for afterwards.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from orchestrator.grid.limits import MOST_SEEDS

_STRICT = ConfigDict(frozen=True, extra="forbid", defer_build=True)  # most grids say nothing of it
#: What may be claimed of a panel: a difference at one x, its change over x, an error that is constant.
Claim = Literal["difference", "change", "constancy"]
_X = int | float | str
Number = Annotated[float, Field(gt=0, lt=1e6, strict=True)]


def _as_text(value: Any) -> Any:
    """0.5 as well as “5%”."""
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else value


def _margin(text: str) -> str:
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        value = 0.0
    if not 0 < value < 100:
        raise ValueError(f"{text!r} is no margin; expected points of error, as 0.5, or percent of it, as 5%")
    return text


def _as_list(value: Any) -> Any:
    return value if value is None or isinstance(value, list | tuple) else [value]


class Stopping(BaseModel):
    """By which rule seeds are added: see docs/sequential-seeds.md."""

    model_config = _STRICT

    until_ci: Annotated[Number | None, Field(description="half width of every interval, in points")] = None
    until_decided: Annotated[bool, Field(strict=True, description="or less than the margin")] = False
    max_seeds: Annotated[int, Field(ge=1, le=MOST_SEEDS, strict=True, description="of a cell")]
    max_hours: Annotated[Number | None, Field(description="of training, all packs together")] = None

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if self.until_ci is None and not self.until_decided:
            raise ValueError("until_decided: give it or until_ci, or leave `stopping` out")
        return self


class Analysis(BaseModel):
    """Measure, comparisons, margin, correction and the rule by which seeds are added."""

    model_config = _STRICT

    measure: Annotated[Literal["last", "median5"], Field(description="as --measure")] = "last"
    comparisons: Annotated[str, Field(description="what the other lines are compared with, as --base")] = ""
    x: Annotated[str, Field(description="the axis that lines run over, as --x")] = ""
    at: Annotated[
        Annotated[tuple[_X, ...], Field(min_length=1)] | None,
        BeforeValidator(_as_list, json_schema_input_type=_X | list[_X] | None),
        Field(description="values of x at which differences are planned; all where it is not said"),
    ] = None
    claims: Annotated[
        Annotated[tuple[Claim, ...], Field(min_length=1)],
        BeforeValidator(_as_list, json_schema_input_type=Claim | list[Claim]),
        Field(description="differences, their change over x, and whether an error is constant"),
    ] = ("difference",)
    margin: Annotated[
        str,
        BeforeValidator(_as_text, json_schema_input_type=float | str),
        AfterValidator(_margin),
        Field(description="within which errors are constant or alike: points, or 5% of the error"),
    ] = "1"
    correction: Annotated[Literal["holm"], Field(description="for several comparisons")] = "holm"
    stopping: Stopping | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.stopping and self.stopping.until_decided and self.margin.endswith("%"):
            raise ValueError(
                "margin: until_decided needs one in points, as 0.5: a share of an error changes with "
                "every seed"
            )
        return self
