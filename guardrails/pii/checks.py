"""Whether a number is one that could have been issued: check digits, and ranges that are never given out.

Each takes the characters as they were found, and ignores what stands between them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

CARD = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|095|[689]\d)\d{11,16}|6(?:011|4[4-9]\d|5\d\d)\d{12,15}|62\d{14,17}|35\d{14,17}"
    r"|(?:1800|2131)\d{11}|(?:50|5[6-8]|6[0-9])\d{10,17}"
)
"""Lengths and beginnings that issuers have."""
IBAN_LENGTHS = {
    country: int(length)
    for country, length in (
        pair.split(":")
        for pair in (
            "AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DK:18 "
            "DO:28 EE:20 EG:29 ES:24 FI:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HR:21 HU:28 IE:22 IL:23 "
            "IQ:23 IS:26 IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 LY:25 MC:27 MD:24 ME:22 MK:19 "
            "MR:27 MT:31 MU:30 NL:18 NO:15 PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 SA:24 SC:31 SE:24 SI:19 SK:24 "
            "SM:27 ST:25 SV:28 TL:23 TN:24 TR:26 UA:29 VA:22 VG:24 XK:20"
        ).split()
    )
}
VERHOEFF = ("1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258")


def digits(text: str) -> str:
    return "".join(one for one in text if one.isascii() and one.isdigit())


def signs(text: str) -> str:
    """Letters and digits alone, capital."""
    return "".join(one for one in text if one.isalnum()).upper()


def luhn(text: str) -> bool:
    total = 0
    for place, one in enumerate(reversed(digits(text))):
        value = int(one) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def card(text: str) -> bool:
    number = digits(text)
    return CARD.fullmatch(number) is not None and luhn(number) and len(set(number)) > 1


def iban(text: str) -> bool:
    """ISO 13616: the country's length, and 1 as the rest by 97."""
    given = signs(text)
    if not given.isascii() or IBAN_LENGTHS.get(given[:2]) != len(given):
        return False
    return int("".join(str(int(one, 36)) for one in given[4:] + given[:4])) % 97 == 1


def iban_part(text: str) -> str:
    """Of an IBAN in groups of four and the words after it, as many characters as its country's have; all where it ends
    inside a word."""
    length = IBAN_LENGTHS.get(text[:2], 0)
    end = length + (length - 1) // 4
    return text[:end] if text[end : end + 1] in ("", " ") else text


def ssn(text: str) -> bool:
    """A United States social security number: none begins with 000, 666 or 9, and no group is all zeros."""
    number = digits(text)
    if len(number) != 9 or number[:3] in ("000", "666") or number[0] == "9":
        return False
    return number[3:5] != "00" and number[5:] != "0000"


def address_v4(text: str) -> bool:
    return all(int(part) < 256 and (len(part) == 1 or part[0] != "0") for part in text.split("."))


def address_v6(text: str) -> bool:
    if ":" not in text:
        return False
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return len(text) > 4 and any(one in "0123456789" for one in text)


def weighted(text: str, weights: Sequence[int], modulus: int) -> int:
    """The sum of the first digits by their weights, modulo."""
    return sum(int(one) * weight for one, weight in zip(digits(text), weights, strict=False)) % modulus


def dni(text: str) -> bool:
    """Spanish DNI and NIE: the letter follows from the number."""
    given = signs(text)
    number = given[:-1].translate(str.maketrans("XYZ", "012"))
    return number.isdigit() and given[-1] == "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23]


def cpf(text: str) -> bool:
    """Brazilian CPF: two check digits."""
    number = digits(text)
    if len(number) != 11 or len(set(number)) == 1:
        return False
    return all(
        -weighted(number[:length], range(length + 1, 1, -1), 11) % 11 % 10 == int(number[length]) for length in (9, 10)
    )


def pesel(text: str) -> bool:
    """Polish PESEL: a check digit, and a day that there is."""
    number = digits(text)
    fits = len(number) == 11 and -weighted(number[:10], (1, 3, 7, 9) * 3, 10) % 10 == int(number[10])
    return fits and 1 <= int(number[2:4]) % 20 <= 12 and 1 <= int(number[4:6]) <= 31


def bsn(text: str) -> bool:
    """Dutch BSN: the eleven test."""
    number = digits(text)
    return len(number) == 9 and weighted(number, (9, 8, 7, 6, 5, 4, 3, 2, -1), 11) == 0 and number != "0" * 9


def personnummer(text: str) -> bool:
    """Swedish personal number: a day that there is, and Luhn over the last ten digits."""
    number = digits(text)[-10:]
    return 1 <= int(number[2:4]) <= 12 and 1 <= int(number[4:6]) <= 31 and luhn(number)


def nir(text: str) -> bool:
    """French social security number: 97 less the rest by 97; Corsica's letters count as 19 and 18."""
    given = signs(text).replace("2A", "19").replace("2B", "18")
    return len(given) == 15 and given.isdigit() and 97 - int(given[:13]) % 97 == int(given[13:])


def aadhaar(text: str) -> bool:
    """Indian Aadhaar number: Verhoeff's check digit."""
    check = 0
    for place, one in enumerate(reversed(digits(text))):
        check = _dihedral(check, _permuted(int(one), place))
    return check == 0


def codice_fiscale(text: str) -> bool:
    """Italian tax code: its last letter follows from the others."""
    odd = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", ODD, strict=True))
    given = signs(text)
    total = sum(odd[one] for one in given[:15:2])
    total += sum(int(one) if one.isdigit() else ord(one) - 65 for one in given[1:15:2])
    return given[15] == chr(65 + total % 26)


def nhs(text: str) -> bool:
    """British NHS number: eleven less the rest of the weighted sum."""
    number = digits(text)
    return len(number) == 10 and (11 - weighted(number[:9], range(10, 1, -1), 11)) % 11 == int(number[9])


def dialled(text: str) -> bool:
    """ITU-T E.164: eight to fifteen digits with the country's; what follows an x is inside the house."""
    return 8 <= len(digits(text.split("x")[0])) <= 15 and "  " not in text


def day(text: str) -> bool:
    """One of the first two numbers can be a month and the other a day; both are set off by the same sign."""
    one, other, _ = (int(part) for part in re.split(r"[./-]", text))
    return len(set(re.sub(r"\d", "", text))) == 1 and 1 <= min(one, other) <= 12 and 1 <= max(one, other) <= 31


ODD = (
    *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21),
    *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
)


def _dihedral(one: int, other: int) -> int:
    """Multiplication in the dihedral group of order ten."""
    if one < 5:
        return (one + other) % 5 if other < 5 else 5 + (one + other - 5) % 5
    return 5 + (one - 5 - other) % 5 if other < 5 else (one - other) % 5


def _permuted(digit: int, place: int) -> int:
    return digit if place % 8 == 0 else int(VERHOEFF[place % 8 - 1][digit])
