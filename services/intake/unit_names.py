"""Units by the names that papers give them, as codes of UN/ECE Recommendation 20, and nothing beyond this table.

A pack, a set or a lot says nothing about how much is in it: such units stay what they are and are never pieces. A bare
"ton" is not here, since it may be the metric, the short or the long one.
"""

import re
import unicodedata

_NAMES = {
    "H87": "piece pieces pc pcs pce ea each unit units unidad unidades und unid ud uds unite unites unidade "
           "pieza piezas stuck stk szt sztuka sztuki ks kus kusy unitate bucata bucati buc pezzo pezzi штука "
           "штуки шт одиниця единица",
    "PR": "pair pairs par pares paire paires paar para pary пара пар",
    "MGM": "milligram milligrams mg",
    "GRM": "gram grams gramme grammes gramo gramos gramm g gr грам грамм",
    "KGM": "kilogram kilograms kilogramme kilogrammes kilogramo kilogramos kilogramm kilo kilos kg kgs кг килограмм "
           "кілограм",
    "TNE": "tonne tonnes metric_ton metric_tons metric_tonne metric_tonnes tonelada toneladas t тонна т",
    "LBR": "pound pounds lb lbs libra libras",
    "MLT": "millilitre millilitres milliliter milliliters mililitro mililitros ml мл",
    "LTR": "litre litres liter liters litro litros l ltr литр літр л",
    "MTQ": "cubic_metre cubic_metres cubic_meter cubic_meters metro_cubico metros_cubicos m3",
    "MTR": "metre metres meter meters metro metros m mtr метр м",
    "MTK": "square_metre square_metres square_meter square_meters metro_cuadrado metros_cuadrados m2",
    "DZN": "dozen dozens docena docenas douzaine dutzend",
    "MIL": "thousand thousands millar millares",
    "NMP": "pack packs paquete paquetes paquet paquets packung number_of_packs упаковка",
    "XBX": "box boxes caja cajas boite boites",
    "SET": "set sets juego juegos conjunto комплект набор",
    "KT": "kit kits",
}  # fmt: skip
_APART = re.compile(r"[\W_]+")


def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFKD", name)
    bare = "".join(letter for letter in folded if not unicodedata.combining(letter)).casefold()
    return "_".join(word for word in _APART.split(bare) if word)


_CODES = {_plain(name): code for code, names in _NAMES.items() for name in (code, *names.split())}


def unit(name: str) -> str | None:
    """The code of a unit that is written as that code or by its name; None where the table does not hold it."""
    return _CODES.get(_plain(name))
