"""JSON Schemas (draft 2020-12) of what commands print with `--output json`: the contract with scripts, as data."""
