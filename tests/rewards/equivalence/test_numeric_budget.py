import pytest

from infinite_rl.rewards.equivalence.limits import UndefinedError
from infinite_rl.rewards.equivalence.reading.answers import parse
from infinite_rl.rewards.equivalence.values.evaluation import Budget
from infinite_rl.rewards.equivalence.values.numeric import Comparison


def test_every_point_at_which_an_expression_has_no_value_is_paid_for():
    budget = Budget(work=100_000)
    nowhere, everywhere = parse("\\Gamma(x)+\\frac{1}{\\sin x-\\sin x}"), parse("x")
    comparison = Comparison(nowhere, everywhere, budget)
    once = Budget(work=100_000)
    Comparison(parse("\\Gamma(x)"), everywhere, once).at(0)
    before = budget.work
    with pytest.raises(UndefinedError):
        comparison.check_defined()
    assert before - budget.work > 8 * (100_000 - once.work)
