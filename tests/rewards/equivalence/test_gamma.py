from time import process_time

import pytest
from mpmath.ctx_mp import MPContext

from infinite_rl.rewards import verify
from infinite_rl.rewards.equivalence.limits import SizeError, UndefinedError
from infinite_rl.rewards.equivalence.values.gamma import MAX_PRECISION, gamma


@pytest.mark.parametrize("precision", [60, 133, 700, 1000])
@pytest.mark.parametrize("value", ["0.3", "-3.7", "5", "31.2", "1200.5", "1e-20", "2-3.5j", "18.6+0.0002j", "-7+300j"])
def test_the_values_are_those_of_mpmath(precision, value):
    context = MPContext()
    context.prec = precision
    number = context.convert(complex(value)) if "j" in value else context.mpf(value)
    found = gamma(context, number)
    assert context.prec == precision
    assert abs(found / context.gamma(number) - 1) < context.ldexp(1, 5 - precision)


def test_what_has_no_value_or_takes_too_long_is_refused():
    context = MPContext()
    with pytest.raises(UndefinedError):
        gamma(context, context.mpf(-2))
    context.prec = MAX_PRECISION + 1
    with pytest.raises(SizeError):
        gamma(context, context.mpf(2))


@pytest.mark.parametrize("digits", [50, 400, 1200])
def test_no_number_of_digits_makes_a_factorial_slow(digits):
    start = process_time()
    verify(f"n!+10^{{{digits}}}", f"\\frac{{(n+1)!}}{{n+1}}+10^{{{digits}}}")
    assert process_time() - start < 5
