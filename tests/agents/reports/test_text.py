"""Numbers and texts as the report shows them."""

import pytest

from infinite_rl.agents.reports.text import cut, duration, short


def test_cut_text_says_how_much_and_loses_nothing_else():
    text = "".join(chr(33 + place % 90) for place in range(10_000))
    shown = cut(text, 4_000)
    assert len(shown.head) + len(shown.tail) == 4_000
    assert text.startswith(shown.head)
    assert text.endswith(shown.tail)
    assert shown.left_out == 6_000
    assert cut("short") == ("short", 0, "")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123, "0.0123"), (4.5, "4.5"), (-4.5, "−4.5"), (1234, "1,234"), (12_345, "12.3k"), (1_234_567, "1.23M")],
)
def test_a_number_is_shown_in_few_characters(value, text):
    assert short(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(4.2, "4.2 s"), (185, "3:05 min"), (754, "12:34 min"), (7385, "2:03:05 h")]
)
def test_a_duration_is_shown_in_the_unit_that_fits(seconds, text):
    assert duration(seconds) == text
