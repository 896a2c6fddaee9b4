"""What a party is called here: its official identifier where a source gives one, else its name as spelled, made plain.

Nothing is guessed: two spellings are two parties until somebody decides that they are one.
"""

import re
import unicodedata

_APART = re.compile(r"[\W_]+")
_MOST = 100


def party(name: str, identifier: str | None = None, scheme: str | None = None) -> str:
    """The id of a party: ``scheme:identifier`` where both are given, else the name in small letters, digits and dashes.

    Raises ValueError where there is nothing to name it by.
    """
    if identifier and identifier.strip():
        code = re.sub(r"\s+", "", identifier).replace("/", "-")  # a slash parts exporter, contract and line
        return f"{scheme.strip().lower()}:{code}" if scheme and scheme.strip() else code
    plain = "".join(
        letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter)
    )
    made = _APART.sub("-", plain.casefold()).strip("-")
    if not made:
        raise ValueError("expected a party's name or identifier")
    return made[:_MOST].rstrip("-")
