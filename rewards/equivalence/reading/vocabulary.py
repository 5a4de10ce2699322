"""The names that mathematical answers use, in LaTeX, in Unicode and as plain words, and what each stands for."""

from __future__ import annotations

from typing import Final


def _list(text: str) -> list[str]:
    return text.split()


def _pairs(names: str, meanings: str) -> dict[str, str]:
    """Each letter of ``names`` with the word for it."""
    return dict(zip(names, _list(meanings), strict=True))


def _named(table: dict[str, str]) -> dict[str, str]:
    """Every word of a value with its key: ``{"<=": "le leq"}`` is ``{"le": "<=", "leq": "<="}``."""
    return {name: key for key, names in table.items() for name in _list(names)}


# Characters that are short for something longer. Fractions such as ½ follow a number as a mixed number's part.
_VULGAR = _pairs("½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅐⅑", "12 13 23 14 34 15 25 35 45 16 56 18 38 58 78 17 19")
_GREEK_LETTERS = {
    **_pairs("αβγδεζηθικλμν", "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu"),
    **_pairs("ξπρστυφχψω", "xi pi rho sigma tau upsilon phi chi psi omega"),
    **_pairs("ΓΔΘΛΞΠΣΦΨΩ", "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"),
    **_pairs("ϕϵµ", "phi epsilon mu"),
}
_COMMANDS = {
    **_pairs("√∞°∅≤⩽≥⩾≠≈≡±∓", "sqrt infty circ emptyset le le ge ge ne approx equiv pm mp"),
    **_pairs("∈∉∪∩∖→⟨⟩⌊⌋⌈⌉", "in notin cup cap setminus to langle rangle lfloor rfloor lceil rceil"),
    **_pairs("…∑∏∫∠△", "ldots sum prod int angle triangle"),
    **_GREEK_LETTERS,
}
CHARACTERS: Final = {
    **{char: f"\\frac{{{digits[0]}}}{{{digits[1]}}}" for char, digits in _VULGAR.items()},
    **{char: f"\\{name} " for char, name in _COMMANDS.items()},
    **{char: f"\\mathbb{{{name}}}" for char, name in zip("ℝℤℕℚℂ", "RZNQC", strict=True)},
    **dict(zip("−–×·⋅∗÷∕∣′’", "--****//|''", strict=True)),
    "°": "^\\circ ",
    "″": "''",
}
SUPERSCRIPTS: Final = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n", strict=True))
SUBSCRIPTS: Final = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₙ", "0123456789+-n", strict=True))

# LaTeX commands that are a sign.
SYMBOLS: Final = {
    **_named({"*": "cdot times ast *", "/": "div", "<": "lt", ">": "gt", ":": "colon", "%": "%", "'": "prime"}),
    **_named({"<=": "le leq leqslant leqq", ">=": "ge geq geqslant geqq", "!=": "ne neq", "equiv": "equiv"}),
    **_named({"approx": "approx approxeq simeq sim", "to": "to rightarrow mapsto", "in": "in", "notin": "notin"}),
    **_named({"cup": "cup bigcup", "cap": "cap bigcap", "setminus": "setminus backslash smallsetminus"}),
    **_named({"infinity": "infty", "emptyset": "emptyset varnothing", "...": "ldots dots cdots dotsc dotsb"}),
    **_named({"l|": "lvert", "r|": "rvert", "|": "vert mid", "||": "lVert rVert Vert |"}),
    **_named({"\\{": "{ lbrace", "\\}": "} rbrace", "[": "lbrack", "]": "rbrack", "(": "lparen", ")": "rparen"}),
    **_named({"lceil": "lceil ulcorner", "rceil": "rceil urcorner", "langle": "langle", "rangle": "rangle"}),
    **_named({"lfloor": "lfloor llcorner", "rfloor": "rfloor lrcorner", "circ": "circ degree", "newline": "\\"}),
    **_named({"mod": "bmod mod", "pmod": "pmod", "and": "land wedge", "or": "lor vee", "pm": "pm", "mp": "mp"}),
    **_named({"choose": "choose", "over": "over"}),
}
# And those that are white space, or nothing at all.
IGNORED: Final = frozenset(
    _list(
        "left right mleft mright middle displaystyle textstyle large Large LARGE huge Huge small limits nolimits rm it"
        " quad qquad enspace thinspace"
    )
    + _list("big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr hfill , ; : ! >")
    + [" "]
)
# With what stands in braces behind them: nothing of it is seen.
INVISIBLE: Final = frozenset(_list("phantom hphantom vphantom hspace vspace color textcolor"))
FRACTIONS: Final = frozenset(_list("frac dfrac tfrac cfrac sfrac nicefrac"))
# Whose content in braces is text; and those whose content is a name in another type face.
TEXTS: Final = frozenset(_list("text textbf textit textrm textsf texttt mbox textnormal textup"))
FACES: Final = frozenset(_list("mathrm operatorname mathbf mathit mathsf mathcal boldsymbol bm mathbb"))
ACCENTS: Final = {
    **{name: name for name in _list("vec hat bar tilde dot ddot underline")},
    **_named({"bar": "overline", "vec": "overrightarrow", "hat": "widehat", "tilde": "widetilde"}),
}

GREEK: Final = (frozenset(_GREEK_LETTERS.values()) - {"pi"}) | frozenset(
    _list("varepsilon vartheta varphi varrho varsigma Upsilon ell hbar nabla partial aleph angle triangle")
)
# One letter in two shapes.
VARIANTS: Final = {
    **{f"var{name}": name for name in _list("epsilon theta phi rho sigma")},
    **_named({"i": "imath", "j": "jmath", "top": "intercal"}),
}
NUMERALS: Final = {
    name: str(number)
    for number, name in enumerate(_list("two three four five six seven eight nine ten eleven twelve"), start=2)
} | {"sixteen": "16"}
_TRIGONOMETRIC = _list("sin cos tan cot sec csc")
_HYPERBOLIC = _list("sinh cosh tanh coth sech csch")
# Functions by what they are called, and the name that we use.
FUNCTIONS: Final = {
    **{name: name for name in (*_TRIGONOMETRIC, *_HYPERBOLIC, "cis")},
    **{head + name: "a" + name for head in ("arc", "a") for name in _TRIGONOMETRIC},
    **{head + name: "a" + name for head in ("arc", "ar", "a") for name in _HYPERBOLIC},
    **{name: name for name in _list("exp ln log gcd lcm max min floor ceil sign arg re im det abs mod")},
    **{name: name for name in _list("factorial binomial conjugate sqrt cbrt root")},
    **_named({"log10": "lg", "abs": "Abs", "ceil": "ceiling", "sign": "sgn", "max": "Max", "min": "Min", "mod": "Mod"}),
    **_named({"gcd": "GCD", "lcm": "LCM", "re": "Re", "im": "Im", "arg": "Arg", "tan": "tg", "cot": "ctg"}),
    **_named({"csc": "cosec", "atan": "arctg"}),
}
TRIGONOMETRIC: Final = frozenset((*_TRIGONOMETRIC, *_HYPERBOLIC))
WORD_CONSTANTS: Final = _named({"pi": "pi", "infinity": "oo inf infinity infty"})
# The commands that are read as the words they are.
WORDS: Final = frozenset(
    {*FUNCTIONS, *GREEK, *WORD_CONSTANTS, *_list("sum prod int lim sqrt i e imath jmath top intercal Pr")}
)
# Nothing that holds one of these as a word of its own is a formula: `not 6`, `6 if true else 7`.
PROSE: Final = frozenset(
    _list("not if else is are the answer maybe either neither nor but then so because about approximately around")
    + _list("roughly nearly almost nan none null undefined return import")
)

_METRIC = _named({"m": "meter metre", "g": "gram", "L": "liter litre", "s": "second", "W": "watt", "J": "joule"})
_PREFIXES = {"milli": "m", "centi": "c", "kilo": "k", "micro": "mu"}
_SINGULAR = {
    **{name: name for name in _list("mile yard pound ounce gallon day week month year hour minute unit point way")},
    **{name: name for name in _list("person student boy girl coin apple ball marble car ticket piece item book page")},
    **{name: name for name in _list("step time digit side triangle dollar cent euro yuan rupee yen ohm")},
    **{name: name for name in _list("degree percent solution root element number integer")},
    **_METRIC,
    **{head + name: short + _METRIC[name] for head, short in _PREFIXES.items() for name in _METRIC},
    **_named({"in": "inch inche", "ft": "foot", "hour": "hr", "minute": "min", "s": "sec", "pound": "lb"}),
    **_named({"ounce": "oz", "mile": "mi", "yard": "yd", "gallon": "gal", "radian": "rad radian", "mol": "mole"}),
    **_named(
        {"N": "newton", "V": "volt", "A": "ampere amp", "K": "kelvin", "C": "coulomb", "Pa": "pascal", "T": "tesla"}
    ),
    **_named({"J": "joule", "W": "watt", "F": "farad", "eV": "electronvolt"}),
}
UNITS: Final = {
    **_SINGULAR,
    **{f"{name}s": short for name, short in _SINGULAR.items()},
    **{
        name: name
        for name in _list(
            "mm cm dm km kg mg ml mL kL kW kJ Hz kHz MHz GHz kPa Pa mol ft mph kmh in am pm AM PM atm bar psi"
        )
    },
    **{
        name: name
        for name in _list("rpm cal kcal amu dB MJ mJ MW GW mV mA kA mH nF pF nC pC hPa GPa mmHg degC degF Nm")
    },
    **_named(
        {"C": "Celsius celsius", "F": "Fahrenheit fahrenheit", "Torr": "torr Torr", "rev": "rev revolution revolutions"}
    ),
    **_named(
        {
            "degree": "deg",
            "child": "child children",
            "person": "people",
            "man": "man men",
            "woman": "woman women",
            "sheep": "sheep",
            "fish": "fish",
        }
    ),
    **_named({"dollar": "USD", "euro": "EUR", "yuan": "RMB", "ft": "feet", "vertex": "vertex vertices"}),
}
# Units of one letter, which are variables too: only as text are they certain to be units.
LETTER_UNITS: Final = {
    **{name: name for name in _list("m g s L l W J N V A K C F T M H eV keV MeV GeV nm kN MPa mA kV kWh")},
    **_named({"hour": "h", "ohm": "Omega Ω", "L": "l"}),
}
CURRENCIES: Final = {"$": "dollar", "€": "euro", "£": "pound", "¥": "yen", "₹": "rupee"}
