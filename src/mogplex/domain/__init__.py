"""Words and rules. Nothing here knows a clock, a disk or a network."""
