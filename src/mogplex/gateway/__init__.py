"""Language models as the worker sees them: the way to providers, and a model that plays a script."""
