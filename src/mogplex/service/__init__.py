"""What can be done, whoever asks. A public method is one transaction; doors and workers come through here only."""
