"""Where servers of others can be."""

from __future__ import annotations

import pytest

from guardrails.models.reach import within_reach


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.7", "192.168.1.4", "93.184.215.14", "::1", "fd00::7"])
def test_ones_own_and_others(address: str) -> None:
    assert within_reach(address)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.0.1",
        "100.100.100.200",
        "192.0.0.192",
        "224.0.0.1",
        "fe80::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
    ],
)
def test_where_machines_are_told_their_secrets(address: str) -> None:
    assert not within_reach(address)
