"""The model gateway: the only place that holds a provider's key, and where every model call is counted."""
