"""The type checker of the tests: beartype, with an int wherever a float may stand (PEP 484)."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
