"""The repair harness: fixes a failing test of a Python repo by search, without a model."""
