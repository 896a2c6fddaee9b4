"""The user's own figures beside what is reckoned: they replace it, whatever else is known."""

import polars as pl

from services.domain.claims import TERMS
from services.domain.forecast import CASES
from services.domain.leadtimes import PROBABILITY
from services.domain.money import Rates, converted, day_of, digits

_NO_TEXT = pl.lit(None, pl.String)
_INPUTS = ("advance", "guarantee", "cost_to_go", "liquidated_damages_cap")


def with_stated(frame: pl.DataFrame, figures: pl.DataFrame, rates: Rates) -> pl.DataFrame:
    """The frame with ``said_TERM`` and its currency ``said_TERM_of``; of inputs in contract currency, or ``_lacks``.

    A stated number of days until the release replaces the forecast.
    """
    names = (*TERMS, *_INPUTS, "nrv")
    columns = [
        pl.col(column).filter(pl.col("term") == name).first().alias(alias)
        for name in (*names, "release_days")
        for column, alias in (("amount", f"said_{name}"), ("of", f"said_{name}_of"))
    ]
    frame = frame.join(figures.group_by("n").agg(columns), on="n", how="left", maintain_order="left")
    frame = frame.rename({"said_release_days": "release_days"}).drop("said_release_days_of")
    frame = frame.with_columns(_NO_TEXT.alias(f"said_{name}_lacks") for name in _INPUTS)
    for name in _INPUTS:
        said, source = f"said_{name}", f"said_{name}_of"
        if frame[source].null_count() < frame.height:
            day = day_of(pl.col("blocked_since"))
            moved = converted(
                frame.drop(f"{said}_lacks"), rates, [said], source=source, target="currency", day=day
            )
            frame = moved.drop("rate").rename({"lacks": f"{said}_lacks"})
    frame = _released_as_stated(frame)
    return _over_when_cancelled(frame) if "ended_at" in frame.columns else frame


def _released_as_stated(frame: pl.DataFrame) -> pl.DataFrame:
    """Days until the release as the user states them, counted from the block."""
    said = pl.col("release_days").is_not_null()
    at = pl.col("blocked_since") + pl.duration(days=pl.col("release_days").cast(pl.Int64))
    in_time = pl.when(at <= pl.col("deadline")).then(pl.lit(1)).when(at > pl.col("deadline")).then(pl.lit(0))
    told = pl.format("stated: {} days after the block", digits(pl.col("release_days")))
    return frame.with_columns(
        *(pl.when(said).then(at).otherwise(f"release_{case}").alias(f"release_{case}") for case in CASES),
        probability=pl.when(said).then(in_time.cast(PROBABILITY)).otherwise("probability"),
        release_tag=pl.when(said).then(pl.lit("given")).otherwise("release_tag"),
        release_told=pl.when(said).then(told).otherwise("release_told"),
    )


def _over_when_cancelled(frame: pl.DataFrame) -> pl.DataFrame:
    """A contract that was cancelled is late no longer, and nothing of it will be exported any more."""
    told = pl.format("cancelled on {}: delay ends there", pl.col("ended_at").dt.strftime("%Y-%m-%d"))
    return frame.with_columns(
        *(pl.col("ended_at").alias(f"release_{case}") for case in CASES),
        probability=pl.lit(0).cast(PROBABILITY), release_tag=pl.lit("given"), release_told=told,
    )  # fmt: skip
