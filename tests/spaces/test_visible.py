import unicodedata

from infinite_rl.spaces.visible import visible


def test_visible_text_has_nothing_that_acts_and_keeps_all_else():
    everything = "".join(map(chr, range(0x3000))) + "\ud800\udfff\U000e0041"
    shown = visible(everything)
    acting = {letter for letter in shown if unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert acting == {"\n", "\t", "\u200c", "\u200d"}
    honest = "naïve 数学 \u05e9\u05dc\u05d5\u05dd 👩\u200d🔬 a\u00a0b\n\tx"
    assert visible(honest) == honest
    assert visible(shown) == shown
