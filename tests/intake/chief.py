"""CHIEF messages with invented content, numbered and counted as CHIEF does it."""

from collections.abc import Sequence
from pathlib import Path

EXPORT = (
    "licence\\T1\\insert\\GBSIEL/2031/0000007/P\\SIE\\E\\20310105\\20320104",
    "trader\\\\GB111222333000\\20310105\\20320104\\Kiln Works\\Yard 1\\Leeds\\\\\\\\LS1 1AA",
    "country\\JP\\\\D",
    "foreignTrader\\Ceramics KK\\Dock 2\\\\\\\\\\\\JP",
    "restrictions\\See the licence",
    "line\\1\\6903109000\\\\\\\\Crucibles\\Q\\\\030\\\\10\\\\\\\\\\\\",
    "line\\2\\\\\\\\\\Kiln furniture\\O\\\\\\\\\\\\\\\\\\\\",
)
IMPORT = (
    "licence\\T2\\insert\\GBSAN7000001A\\SAN\\I\\20310105\\20320104",
    "trader\\\\GB444555666000\\\\\\Steel Import\\Quay 3\\\\\\\\\\H1 1AA",
    "country\\TR\\\\O",
    "line\\1\\7214990000\\\\\\\\\\Q\\\\023\\\\500\\\\\\\\\\\\",
)


def draw(number: int, quantity: str, kind: str = "O", day: str = "20310201") -> str:
    return f"usage\\{kind}\\9GB000001-{number}\\A\\{day}\\{quantity}\\0\\\\000262\\\\\\\\"


def used(
    *draws: str, total: str, reference: str = "GBSIEL/2031/0000007/P", status: str = "O\\"
) -> Sequence[str]:
    """A usage transaction of one licence line, without its last ``end``."""
    return (
        f"licenceUsage\\LU00001/00001\\insert\\{reference}\\{status}",
        f"line\\1\\{total}\\0\\",
        *draws,
        f"end\\line\\{len(draws) + 2}",
    )


def message(
    *transactions: Sequence[str], kind: str = "licenceData", created: str = "203101041200", run: int = 1
) -> str:
    """The text of a message with its header, the ends of its transactions, its trailer and all numbers."""
    lines = [f"fileHeader\\SPIRE\\CHIEF\\{kind}\\{created}\\{run}\\N"]
    for one in transactions:
        start = one[0].split("\\")[0]
        lines += [*one, *((f"end\\{start}\\{len(one) + 1}",) if len(one) > 1 or start == "licence" else ())]
    heads = [one[0].split("\\")[0] for one in transactions]
    counted = (
        ("accepted", "rejected", "fileError") if kind.endswith("Reply") else tuple(dict.fromkeys(heads))[:1]
    )
    lines.append("\\".join(["fileTrailer", *(str(heads.count(one)) for one in counted)]))
    return "".join(f"{number}\\{line}\n" for number, line in enumerate(lines, 1))


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
