"""Measurement: metrics, the ledger, Table 1, conditions of Figs. 5 to 9, verdicts."""
