"""The country in a cell: by its ISO code or any of its names, or refused with what it may have been meant to be."""

from functools import lru_cache

import pycountry

from services.intake import places
from services.intake.fields import near


@lru_cache(maxsize=4096)
def country(name: str) -> str:
    """The ISO 3166-1 alpha-2 code of a country, or a territory of one such as ES-CE as it is. Raises ValueError."""
    found = places.country(name)
    if found is not None:
        return found
    above, dash, below = name.partition("-")
    if dash and below.isalnum() and len(above) == 2 and above.isupper() and places.country(above) == above:
        return name
    meant = near(name, [one.name for one in pycountry.countries]) if len(name) > 3 else ""
    raise ValueError(f"expected a country by its ISO code or name{meant}")
