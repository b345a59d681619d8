"""The type checker of the tests: beartype, with an int wherever a float may stand (PEP 484)."""

from typing import Any, Self

from beartype import BeartypeConf, FrozenDict, beartype

anything = FrozenDict({Self: Any})  # it sees methods alone, not the class around them
check = beartype(conf=BeartypeConf(is_pep484_tower=True, hint_overrides=anything))
