"""What it costs to send a parcel."""

from parcels.rates import FREE_FROM_CENTS, TooHeavy, shipping_cents

__all__ = ["FREE_FROM_CENTS", "TooHeavy", "shipping_cents"]
