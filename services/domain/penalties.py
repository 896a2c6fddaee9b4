"""What delay costs: agreed damages from the deadline to the release, unless force majeure exempts.

Low takes the earliest release and the exemption wherever it is still possible; base takes it where notice was given in
time, for as long as force majeure runs; high never takes it. A contract signed after the rule was published is not
exempt.
"""

from datetime import timedelta
from functools import cache

import polars as pl

from services.domain.columns import FINE
from services.domain.figures import figure
from services.domain.forecast import CASES
from services.domain.money import NOTHING, digits

_SIGNED_LATE = pl.lit("signed after the rule was published: not exempt")
_NO_TIME = pl.lit(timedelta(0))
_DEADLINE, _BLOCKED = pl.col("deadline"), pl.col("blocked_since")


def terms(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with ``penalty`` and ``onerous_provision`` (the same, unless stated)."""
    for columns in _one_after_another():
        frame = frame.with_columns(columns)
    return frame


@cache
def _one_after_another() -> list[list[pl.Expr]]:
    late = [_late(case).alias(f"late_{case}") for case in CASES]
    endless = [_endless(case).alias(f"endless_{case}") for case in CASES]
    due = [_due(case).alias(f"due_{case}") for case in CASES]
    return [_exemptions(), late + endless, due, _penalty(), _onerous()]


def _penalty() -> list[pl.Expr]:
    due = {case: pl.col(f"due_{case}") for case in CASES}
    lacks = pl.col("said_liquidated_damages_cap_lacks")
    reason = lacks.fill_null("damages for delay have no cap, and nothing says when the line may go")
    return figure("penalty", due, reason=reason, steps=_steps())


def _onerous() -> list[pl.Expr]:
    onerous = {case: pl.col(f"penalty_{case}").cast(FINE) for case in CASES}
    told = pl.concat_list(pl.lit("= penalty: on what may not be exported, fulfilling is no option"))
    return figure("onerous_provision", onerous, currency=pl.col("penalty_currency"),
                  reason=pl.col("penalty_reason"), steps=told)  # fmt: skip


def _exemptions() -> list[pl.Expr]:
    """Whether force majeure may exempt (low) or does (base), and until when it runs."""
    notified = pl.col("notified_at")
    signed_before = pl.col("signed_at") <= pl.col("rule_published")
    possible = (pl.col("clause_of_force_majeure") | notified.is_not_null()) & signed_before
    limit = _BLOCKED + pl.duration(days=pl.col("notice_days"))
    in_time = notified.is_not_null() & (limit.is_null() | (notified <= limit))
    late = notified.is_not_null() & ~in_time
    ends = pl.min_horizontal(_BLOCKED + pl.duration(days=pl.col("ends_after")), "notified_until")
    return [
        (possible & ~late).fill_null(False).alias("exempt_low"),
        (possible & in_time).fill_null(False).alias("exempt_base"),
        pl.lit(False).alias("exempt_high"),
        ends.alias("exempt_until"),
    ]


def _endless(case: str) -> pl.Expr:
    """Whether nothing bounds the delay: no release is in sight and nothing exempts."""
    return _DEADLINE.is_not_null() & pl.col(f"release_{case}").is_null() & ~pl.col(f"exempt_{case}")


def _late(case: str) -> pl.Expr:
    """Whole days late that are not exempt; null where the delay is endless."""
    release, exempt = pl.col(f"release_{case}"), pl.col(f"exempt_{case}")
    whole = pl.when(release.is_not_null()).then(pl.max_horizontal(release - _DEADLINE, _NO_TIME))
    before = pl.max_horizontal(_BLOCKED - _DEADLINE, _NO_TIME)  # late already when it became blocked
    after = pl.max_horizontal(release - pl.max_horizontal(_DEADLINE, "exempt_until"), _NO_TIME)
    after = (
        pl.when(pl.col("exempt_until").is_not_null() & pl.lit(case == "base")).then(after).otherwise(_NO_TIME)
    )
    excused = before + pl.when(release.is_not_null()).then(after).otherwise(_NO_TIME)
    late = pl.when(exempt).then(pl.min_horizontal(excused, whole)).otherwise(whole)
    return pl.when(_DEADLINE.is_null()).then(0).otherwise(late.dt.total_days()).cast(pl.Int64)


def _due(case: str) -> pl.Expr:
    """min(rate · days, cap) · late value, and at most the cap stated as a sum."""
    days, endless = pl.col(f"late_{case}"), pl.col(f"endless_{case}")
    rate, cap, sum_cap = pl.col("ld_rate"), pl.col("ld_cap"), pl.col("said_liquidated_damages_cap")
    by_day = rate * days.cast(FINE)
    share = pl.when(endless | rate.is_null()).then(cap).otherwise(pl.min_horizontal(by_day, cap))
    amount = share * pl.col("late_value")
    amount = pl.min_horizontal(amount, sum_cap)
    none_agreed = rate.is_null() & cap.is_null() & sum_cap.is_null()
    lacks = pl.col("said_liquidated_damages_cap_lacks").is_not_null()
    on_time = ~endless & (days == 0)
    return (
        pl.when(on_time | (none_agreed & ~lacks)).then(NOTHING)
        .when(~lacks).then(amount)
    )  # fmt: skip


def _steps() -> pl.Expr:
    day = "%Y-%m-%d"
    agreed = pl.concat_str(
        pl.lit("damages for delay: "),
        pl.format("{} a day", digits(pl.col("ld_rate"))).fill_null("no daily rate"),
        pl.format(", at most {}", digits(pl.col("ld_cap"))).fill_null(", no cap"),
        pl.format(" of {} {}", digits(pl.col("late_value")), "currency"),
        pl.format(
            ", at most {} {} stated", digits(pl.col("said_liquidated_damages_cap")), "currency"
        ).fill_null(""),
    )
    deadline = pl.format("deadline {}", _DEADLINE.dt.strftime(day)).fill_null("no deadline, so no penalty")
    days = pl.format(
        "days late, not exempt: {} / {} / {}",
        *(pl.col(f"late_{case}").cast(pl.String).fill_null("without end") for case in CASES),
    )
    excuse = (
        pl.when("exempt_base").then(pl.concat_str(
            pl.format("force majeure notified {}", pl.col("notified_at").dt.strftime(day)),
            pl.format(", runs until {}", pl.col("exempt_until").dt.strftime(day)).fill_null("")))
        .when("exempt_low").then(pl.lit("force majeure: exempt in low only, no notice on file"))
        .when(pl.col("signed_at") > pl.col("rule_published")).then(_SIGNED_LATE)
        .otherwise(pl.lit("not exempt"))
    )  # fmt: skip
    release = pl.concat_str(pl.lit("release: "), "release_told")
    return pl.concat_list(agreed, deadline, release, days, excuse)
