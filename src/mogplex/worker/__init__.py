"""Where work happens: one attempt of one run at a time per slot, told on one page in `attempt.py`."""
