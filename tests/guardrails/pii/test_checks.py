from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.pii import checks

DIGITS = st.text("0123456789", min_size=11, max_size=18)


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (checks.card, "4111 1111 1111 1111", "4111 1111 1111 1112"),
        (checks.card, "378282246310005", "978282246310005"),
        (checks.iban, "GB82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654 33"),
        (checks.iban, "DE89370400440532013000", "DE8937040044053201300"),
        (checks.ssn, "219-09-9999", "666-09-9999"),
        (checks.ssn, "219-09-9999", "219-00-9999"),
        (checks.dni, "12345678Z", "12345678A"),
        (checks.dni, "X1234567L", "X1234567M"),
        (checks.cpf, "529.982.247-25", "529.982.247-24"),
        (checks.cpf, "529.982.247-25", "111.111.111-11"),
        (checks.pesel, "44051401359", "44051401358"),
        (checks.bsn, "111222333", "111222334"),
        (checks.personnummer, "811228-9874", "811328-9874"),
        (checks.nir, "2 55 08 14 168 025 38", "2 55 08 14 168 025 39"),
        (checks.aadhaar, "2341 2341 2346", "2341 2341 2347"),
        (checks.codice_fiscale, "RSSMRA85T10A562S", "RSSMRA85T10A562T"),
        (checks.nhs, "943 476 5919", "943 476 5918"),
        (checks.address_v4, "10.218.6.131", "10.218.6.331"),
        (checks.address_v6, "2001:db8::8a2e:370:7334", "12:30:45"),
        (checks.dialled, "+44 20 7946 0958", "+44 20"),
        (checks.day, "31/12/1999", "32/13/1999"),
    ],
)
def test_a_check_tells_what_can_have_been_issued(check: object, right: str, wrong: str) -> None:
    assert callable(check)
    assert check(right)
    assert not check(wrong)


@given(DIGITS, st.integers(0, 17), st.integers(1, 9))
def test_luhn_finds_every_wrong_digit(number: str, place: int, by: int) -> None:
    whole = next(number + str(one) for one in range(10) if checks.luhn(number + str(one)))
    place %= len(whole)
    changed = str((int(whole[place]) + by) % 10)
    assert not checks.luhn(whole[:place] + changed + whole[place + 1 :])


@given(st.text("0123456789", min_size=11, max_size=11), st.integers(0, 10), st.integers(1, 9))
def test_verhoeff_finds_every_wrong_digit(number: str, place: int, by: int) -> None:
    whole = next(number + str(one) for one in range(10) if checks.aadhaar(number + str(one)))
    changed = str((int(whole[place]) + by) % 10)
    assert not checks.aadhaar(whole[:place] + changed + whole[place + 1 :])
