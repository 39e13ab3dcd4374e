"""Rates by weight. All amounts are in cents, all weights in grams."""

FREE_FROM_CENTS = 5_000
MAX_GRAMS = 31_500

# Up to this weight the parcel costs so much.
RATES = (
    (1_000, 390),
    (5_000, 590),
    (10_000, 990),
    (MAX_GRAMS, 1_690),
)
EXPRESS_CENTS = 500


class TooHeavy(ValueError):
    """No rate covers this weight."""


def rate_cents(grams: int) -> int:
    """The standard rate for a weight. Raises TooHeavy beyond the last rate."""
    if grams <= 0:
        raise ValueError(f"a parcel weighs something, not {grams} g")
    for limit, cents in RATES:
        if grams <= limit:
            return cents
    raise TooHeavy(f"{grams} g is more than {MAX_GRAMS} g")


def shipping_cents(order_cents: int, grams: int, *, express: bool = False) -> int:
    """What the customer pays. Orders from FREE_FROM_CENTS on ship free; express is never free."""
    cents = rate_cents(grams)
    if order_cents > FREE_FROM_CENTS:
        cents = 0
    if express:
        cents += EXPRESS_CENTS
    return cents
