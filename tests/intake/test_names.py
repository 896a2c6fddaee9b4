"""What a party is called here: by its number, else by its name made plain; a name that says nothing is refused."""

import pytest

from services.intake.names import party


@pytest.mark.parametrize(
    ("told", "called"),
    [
        (("Hôpital Saint-Louis, S.A.", None, None), "hopital-saint-louis-s-a"),
        (("  ACME   Ltd ", None, None), "acme-ltd"),
        (("武汉 医疗", None, None), "武汉-医疗"),
        (("ACME Ltd", "GB 123", "EORI"), "eori:GB123"),
        (("ACME Ltd", "12/345", None), "12-345"),
        (("ACME Ltd", " ", "EORI"), "acme-ltd"),
        (("x" * 300, None, None), "x" * 100),
    ],
)
def test_a_party_is_called_by_its_number_else_by_its_name(
    told: tuple[str, str | None, str | None], called: str
) -> None:
    assert party(*told) == called
    assert "/" not in called


@pytest.mark.parametrize("name", ["", " ", "?!", "///"])
def test_a_name_that_says_nothing_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name or identifier"):
        party(name)
