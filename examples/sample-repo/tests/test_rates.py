import pytest
from parcels import FREE_FROM_CENTS, TooHeavy, shipping_cents


def test_small_orders_pay_by_weight():
    assert shipping_cents(1_000, grams=800) == 390
    assert shipping_cents(1_000, grams=4_200) == 590


def test_a_rate_holds_up_to_its_limit():
    assert shipping_cents(1_000, grams=1_000) == 390
    assert shipping_cents(1_000, grams=1_001) == 590


def test_large_orders_ship_free():
    assert shipping_cents(9_900, grams=800) == 0


def test_orders_ship_free_from_the_limit_on():
    assert shipping_cents(FREE_FROM_CENTS - 1, grams=800) == 390
    assert shipping_cents(FREE_FROM_CENTS, grams=800) == 0


def test_express_is_never_free():
    assert shipping_cents(1_000, grams=800, express=True) == 890
    assert shipping_cents(9_900, grams=800, express=True) == 500


def test_weights_without_a_rate_are_refused():
    with pytest.raises(TooHeavy):
        shipping_cents(1_000, grams=40_000)
    with pytest.raises(ValueError, match="not 0 g"):
        shipping_cents(1_000, grams=0)
