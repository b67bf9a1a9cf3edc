"""Bad days, made on purpose: faults of upstreams, kills, dead databases, full disks, a state that is away, leaks.

Everything is real: `sluice serve` in processes of its own, PostgreSQL and Redis from their packages, sockets. The tests
in `tests/chaos` run the same code at a reduced size.
"""
