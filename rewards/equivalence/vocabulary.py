"""The names that mathematical answers use, in LaTeX, in Unicode and as plain words, and what each stands for."""

from __future__ import annotations

from typing import Final

# Characters that are short for something longer. Fractions such as ½ follow a number as a mixed number's part.
_VULGAR = dict(zip("½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅐⅑", "12 13 23 14 34 15 25 35 45 16 56 18 38 58 78 17 19".split(), strict=True))
_GREEK_LETTERS = {
    **dict(zip("αβγδεζηθικλμνξ", "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi".split())),
    **dict(zip("πρστυφχψω", "pi rho sigma tau upsilon phi chi psi omega".split(), strict=True)),
    **dict(zip("ΓΔΘΛΞΠΣΦΨΩ", "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega".split(), strict=True)),
    **{"ϕ": "phi", "ϵ": "epsilon", "µ": "mu"},
}
CHARACTERS: Final = {
    **{char: f"\\frac{{{digits[0]}}}{{{digits[1]}}}" for char, digits in _VULGAR.items()},
    **{char: f"\\{name} " for char, name in _GREEK_LETTERS.items()},
    **dict(zip("−–×·⋅∗÷∕", "--****//", strict=True)),
    **{"√": "\\sqrt ", "∞": "\\infty ", "°": "^\\circ ", "′": "'", "″": "''", "’": "'", "∅": "\\emptyset "},
    **{"≤": "\\le ", "⩽": "\\le ", "≥": "\\ge ", "⩾": "\\ge ", "≠": "\\ne ", "≈": "\\approx ", "≡": "\\equiv "},
    **{"±": "\\pm ", "∓": "\\mp ", "∈": "\\in ", "∉": "\\notin ", "∪": "\\cup ", "∩": "\\cap ", "∖": "\\setminus "},
    **{"→": "\\to ", "⟨": "\\langle ", "⟩": "\\rangle ", "⌊": "\\lfloor ", "⌋": "\\rfloor ", "⌈": "\\lceil "},
    **{"⌉": "\\rceil ", "ℝ": "\\mathbb{R}", "ℤ": "\\mathbb{Z}", "ℕ": "\\mathbb{N}", "ℚ": "\\mathbb{Q}", "…": "\\ldots "},
    **{"ℂ": "\\mathbb{C}", "∣": "|", "∑": "\\sum ", "∏": "\\prod ", "∫": "\\int ", "∠": "\\angle ", "△": "\\triangle "},
}
SUPERSCRIPTS: Final = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n", strict=True))
SUBSCRIPTS: Final = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₙ", "0123456789+-n", strict=True))

# LaTeX commands that are a sign, or white space, or nothing at all.
SYMBOLS: Final = {
    **dict.fromkeys(("cdot", "times", "ast", "*"), "*"),
    **dict.fromkeys(("div",), "/"),
    **dict.fromkeys(("le", "leq", "leqslant", "leqq"), "<="),
    **dict.fromkeys(("ge", "geq", "geqslant", "geqq"), ">="),
    **dict.fromkeys(("ne", "neq"), "!="),
    **dict.fromkeys(("lt",), "<"),
    **dict.fromkeys(("gt",), ">"),
    **dict.fromkeys(("approx", "approxeq", "simeq", "sim"), "approx"),
    **dict.fromkeys(("equiv",), "equiv"),
    **dict.fromkeys(("to", "rightarrow", "mapsto"), "to"),
    **dict.fromkeys(("cup", "bigcup"), "cup"),
    **dict.fromkeys(("cap", "bigcap"), "cap"),
    **dict.fromkeys(("setminus", "backslash", "smallsetminus"), "setminus"),
    **dict.fromkeys(("infty",), "infinity"),
    **dict.fromkeys(("emptyset", "varnothing"), "emptyset"),
    **dict.fromkeys(("ldots", "dots", "cdots", "dotsc", "dotsb"), "..."),
    **dict.fromkeys(("lvert",), "l|"),
    **dict.fromkeys(("rvert",), "r|"),
    **dict.fromkeys(("vert", "mid"), "|"),
    **dict.fromkeys(("lVert", "rVert", "Vert", "|"), "||"),
    **dict.fromkeys(("{", "lbrace"), "\\{"),
    **dict.fromkeys(("}", "rbrace"), "\\}"),
    **dict.fromkeys(("lbrack",), "["),
    **dict.fromkeys(("rbrack",), "]"),
    **dict.fromkeys(("lparen",), "("),
    **dict.fromkeys(("rparen",), ")"),
    **dict.fromkeys(("colon",), ":"),
    **dict.fromkeys(("ulcorner",), "lceil"),
    **dict.fromkeys(("urcorner",), "rceil"),
    **dict.fromkeys(("llcorner",), "lfloor"),
    **dict.fromkeys(("lrcorner",), "rfloor"),
    **dict.fromkeys(("bmod", "mod"), "mod"),
    **dict.fromkeys(("land", "wedge"), "and"),
    **dict.fromkeys(("lor", "vee"), "or"),
    **dict.fromkeys(("prime",), "'"),
    **dict.fromkeys(("circ", "degree"), "circ"),
    **{name: name for name in ("pm", "mp", "in", "notin", "pmod", "langle", "rangle", "choose", "over")},
    **{name: name for name in ("lfloor", "rfloor", "lceil", "rceil")},
    **{"%": "%", "$": "currency", "pounds": "currency", "\\": "newline"},
}
IGNORED: Final = frozenset(
    {"left", "right", "mleft", "mright", "middle", "displaystyle", "textstyle", "limits", "nolimits", "rm", "it"}
    | {"big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "biggl", "biggr", "Biggl", "Biggr"}
    | {"quad", "qquad", "enspace", "thinspace", ",", ";", ":", "!", " ", ">", "hspace", "phantom", "hfill"}
)
FRACTIONS: Final = frozenset({"frac", "dfrac", "tfrac", "cfrac", "sfrac", "nicefrac"})
# Whose content in braces is text; and those whose content is a name in another type face.
TEXTS: Final = frozenset({"text", "textbf", "textit", "textrm", "textsf", "texttt", "mbox", "textnormal", "textup"})
FACES: Final = frozenset({"mathrm", "operatorname", "mathbf", "mathit", "mathsf", "mathcal", "boldsymbol", "bm", "mathbb"})
ACCENTS: Final = frozenset({"vec", "hat", "bar", "tilde", "overline", "overrightarrow", "widehat", "dot", "ddot", "underline"})

GREEK: Final = frozenset(_GREEK_LETTERS.values()) - {"pi"} | {
    *("varepsilon", "vartheta", "varphi", "varrho", "varsigma", "Upsilon", "ell", "hbar", "nabla", "partial", "aleph", "angle", "triangle"),
}

# Functions by what they are called, and the name that we use.
FUNCTIONS: Final = {
    **{name: name for name in ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "coth", "sech", "csch")},
    **{name: name for name in ("exp", "ln", "gcd", "lcm", "max", "min", "floor", "sign", "arg", "re", "im", "det")},
    **{f"{head}{name}": f"a{name}" for head in ("arc", "a") for name in ("sin", "cos", "tan", "cot", "sec", "csc")},
    **{
        f"{head}{name}": f"a{name}"
        for head in ("arc", "ar", "a")
        for name in ("sinh", "cosh", "tanh", "coth", "sech", "csch")
    },
    **{"log": "log", "lg": "log10", "abs": "abs", "Abs": "abs", "ceil": "ceil", "ceiling": "ceil", "sgn": "sign"},
    **{"Max": "max", "Min": "min", "Mod": "mod", "GCD": "gcd", "LCM": "lcm", "Re": "re", "Im": "im", "Arg": "arg"},
    **{"factorial": "factorial", "binomial": "binomial", "tg": "tan", "ctg": "cot", "cosec": "csc", "arctg": "atan"},
    **{"gamma_function": "gamma", "conjugate": "conjugate", "sqrt": "sqrt", "cbrt": "cbrt", "root": "root"},
}
TRIGONOMETRIC: Final = frozenset(name for name in FUNCTIONS.values() if "a" + name in FUNCTIONS.values())
WORD_CONSTANTS: Final = {"pi": "pi", "oo": "infinity", "inf": "infinity", "infinity": "infinity", "infty": "infinity"}
# The commands that are read as the words they are.
WORDS: Final = frozenset({*FUNCTIONS, *GREEK, *WORD_CONSTANTS, "sum", "prod", "int", "lim", "sqrt", "i", "e"})
# Nothing that holds one of these as a word of its own is a formula: `not 6`, `6 if true else 7`.
PROSE: Final = frozenset(
    "not if else is are the answer maybe either neither nor but then so because about approximately around roughly"
    " nearly almost nan none null undefined return import".split()
)

_METRIC = {"meter": "m", "metre": "m", "gram": "g", "liter": "L", "litre": "L", "second": "s", "watt": "W", "joule": "J"}
_PREFIXES = {"milli": "m", "centi": "c", "kilo": "k", "micro": "mu"}
_PLURALS = {
    **{name: name for name in ("mile", "yard", "pound", "ounce", "gallon", "day", "week", "month", "year", "hour")},
    **{name: name for name in ("minute", "unit", "point", "way", "people", "student", "person", "coin", "apple", "ball")},
    **{name: name for name in ("piece", "item", "book", "page", "step", "time", "digit", "side", "vertex", "triangle")},
    **{name: name for name in ("dollar", "cent", "euro", "yuan", "rupee", "yen", "newton", "volt", "ohm", "ampere")},
    **{name: name for name in ("marble", "child", "men", "women", "boy", "girl", "car", "ticket", "sq", "square", "cubic")},
    **{name: name for name in ("degree", "radian", "percent", "solution", "root", "element", "number", "integer")},
    **_METRIC,
    **{f"{head}{name}": short + _METRIC[name] for head, short in _PREFIXES.items() for name in _METRIC},
    **{"inch": "in", "inche": "in", "foot": "ft", "feet": "ft", "hr": "hour", "min": "minute", "sec": "s", "lb": "pound"},
    **{"oz": "ounce", "mi": "mile", "yd": "yard", "gal": "gallon", "USD": "dollar", "EUR": "euro", "RMB": "yuan"},
}
UNITS: Final = {
    **_PLURALS,
    **{f"{name}s": short for name, short in _PLURALS.items()},
    **{name: name for name in "mm cm dm km kg mg ml mL kL kW kJ Hz kHz MHz GHz kPa Pa mol ft mph kmh km/h in".split()},
    **{"deg": "degree", "inches": "in", "children": "child"},
}
# Units of one letter, which are variables too: only as text are they certain to be units.
LETTER_UNITS: Final = {name: name for name in "m g s L l W J N V A K C F h".split()}
CURRENCIES: Final = {"$": "dollar", "€": "euro", "£": "pound", "¥": "yen", "₹": "rupee"}
