"""What a blocked line loses, term by term."""

from tests.domain.blocked import base, bought, fact, line, loss, signed, three

DAMAGES = {"liquidated_damages": {"rate_per_day": "0.005", "cap": "0.05"}}


def worked_example(*more, **terms):
    """The example that opens the module, in thousands: 1,000 kits at 1 each."""
    return [
        signed(
            line(unit_price="1", cost_to_go="0.15"),
            terms={"advance": "300", "liquidated_damages": {"cap": "0.05"}, **terms},
        ),
        bought("stock", unit_cost="0.35", salvage_unit_price="0.14"),
        bought("order", ordered=True, component="tube", unit_cost="0.12", cancellation_fee="40",
               salvage_unit_price="0.05"),
        fact("loss.stated", exporter="acme", contract="C1", term="storage", amount="5", currency="EUR",
             at="2020-04-01T10:00+00:00"),
        *more,
    ]  # fmt: skip


def test_the_worked_example_of_the_module_comes_out_figure_by_figure():
    found = loss(worked_example())
    names = ("blocked_value", "stock_write_down", "commitment_loss", "penalty", "other", "out_of_pocket", "lost_margin",
             "expectation_loss", "accounting_charge", "cash_call")  # fmt: skip
    assert base(found, *names) == ["1000", "210", "40", "50", "5", "305", "380", "685", "305", "390"]
