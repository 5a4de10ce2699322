"""Things inside each other: brackets and lists."""

from __future__ import annotations

from typing import Any

from ...drawing import Rng, integer, integers, pick, sample
from ..family import Family, Parameters


class Brackets(Family):
    """Match brackets."""

    name = "brackets"
    level = 3
    signature = "bracket_depth(text)"
    statement = (
        "gets a text with the brackets $pairs and other characters, which do not matter. It returns how deeply the "
        "brackets are nested: 0 if there are none, 1 if none is inside another, and so on. It returns -1 if the "
        "brackets do not match, that is, unless each opening one is closed by one of its own kind after all that was "
        "opened inside it has been closed, and nothing else is closed; and also if the depth is above $most."
    )
    python = """
def bracket_depth(text):
    stack, depth = [], 0
    for c in text:
        if c in "$open":
            stack.append(c)
            depth = max(depth, len(stack))
        elif c in "$close":
            if not stack or "$open".index(stack.pop()) != "$close".index(c):
                return -1
    return -1 if stack or depth > $most else depth
"""
    javascript = """
function bracket_depth(text) {
  const stack = [];
  let depth = 0;
  for (const c of text) {
    if ("$open".includes(c)) {
      stack.push(c);
      depth = Math.max(depth, stack.length);
    } else if ("$close".includes(c)) {
      if (stack.length === 0 || "$open".indexOf(stack.pop()) !== "$close".indexOf(c)) return -1;
    }
  }
  return stack.length > 0 || depth > $most ? -1 : depth;
}
"""
    python_slips = (
        ("stack or depth > $most", "depth > $most"),
        ("depth > $most", "depth >= $most"),
        ("not stack or ", "stack and "),
    )
    javascript_slips = (
        ("stack.length > 0 || ", ""),
        (" || depth > $most", ""),
        ('"$open".indexOf(stack.pop()) !== "$close".indexOf(c)', "!stack.pop()"),
    )

    def parameters(self, rng: Rng) -> Parameters:
        pairs = ("()", "[]", "{}", "<>")
        chosen = [pairs[i] for i in sorted(sample(rng, range(4), integer(rng, 2, 4)))]
        return {
            "pairs": " ".join(chosen),
            "open": "".join(pair[0] for pair in chosen),
            "close": "".join(pair[1] for pair in chosen),
            "most": integer(rng, 3, 12),
        }

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[str]]:
        first, second, most = p["open"][0] + p["close"][0], p["open"][1] + p["close"][1], p["most"]
        crossed = first[0] + second[0] + first[1] + second[1]
        other = next((c for c in "([{<" if c not in p["open"]), "x")
        deep = [first[0] * n + "x" + first[1] * n for n in (most, most + 1)]
        edges = ["", "abc", crossed, first[0], first[1], first + second, f"{first[0]}{second}{other}{first[1]}", *deep]
        return [(text,) for text in (*edges, *(self._draw(rng, p) for _ in range(14)))]

    def _draw(self, rng: Rng, p: Parameters) -> str:
        """A text that mostly matches."""
        text, stack = "", ""
        for _ in range(16):
            if stack and (len(stack) == p["most"] or rng.random() < 0.4):
                text, stack = text + stack[-1], stack[:-1]
            else:
                i = integer(rng, 0, len(p["open"]) - 1)
                text, stack = text + pick(rng, ("", "a", "1 ")) + p["open"][i], stack + p["close"][i]
        return text + stack[::-1] + str(pick(rng, [""] * 7 + [p["close"][-1]]))

    def solve(self, p: Parameters, *args: Any) -> int:
        text, depth = "".join(c for c in args[0] if c in p["open"] + p["close"]), 0
        while text:
            shorter = text
            for pair in map("".join, zip(p["open"], p["close"], strict=True)):
                shorter = shorter.replace(pair, "\0")
            # One layer of innermost pairs is taken off at a time.
            if shorter == text:
                return -1
            text, depth = shorter.replace("\0", ""), depth + 1
        return self._depth(args[0], p)

    def _depth(self, text: str, p: Parameters) -> int:
        levels, level = [0], 0
        for c in text:
            level += (c in p["open"]) - (c in p["close"])
            levels.append(level)
        return max(levels) if max(levels) <= p["most"] else -1


class Flatten(Family):
    """Go into nested lists."""

    name = "flatten"
    level = 3
    signature = "weigh(items)"
    statement = (
        "gets a list of integers and lists, which hold integers and lists again, and so on. It returns the sum of all"
        " integers, each multiplied by $factor once for each list around it except the outermost; what lies inside more"
        " than $depth lists (the outermost is one of them) does not count. The sum of nothing is 0."
    )
    python = """
def weigh(items, depth=1):
    if depth > $depth:
        return 0
    return sum($factor * weigh(item, depth + 1) if isinstance(item, list) else item for item in items)
"""
    javascript = """
function weigh(items, depth = 1) {
  if (depth > $depth) return 0;
  return items.reduce((sum, item) => sum + (Array.isArray(item) ? $factor * weigh(item, depth + 1) : item), 0);
}
"""
    python_slips = (("depth > $depth", "depth >= $depth"), ("$factor * ", ""), ("depth + 1", "depth"))
    javascript_slips = (("depth > $depth", "depth >= $depth"), ("$factor * ", ""), ("depth + 1", "depth"))

    def parameters(self, rng: Rng) -> Parameters:
        return {"factor": pick(rng, (-1, 1)) * integer(rng, 2, 9), "depth": integer(rng, 2, 8)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[Any]]]:
        depth = p["depth"]
        edges: list[list[Any]] = [
            [],
            [[], [[]], 3],
            [1, [2, [3]], 4],
            _nested(1, depth - 1),
            _nested(1, depth),
            [5, *_nested(2, depth + 1)],
        ]
        return [(items,) for items in (*edges, *(self._draw(rng, depth + 2) for _ in range(6)))]

    def _draw(self, rng: Rng, depth: int) -> list[Any]:
        deeper = [self._draw(rng, depth - 1)] if depth > 1 else []
        return [*integers(rng, integer(rng, 0, 2), -9, 9), *deeper, integer(rng, 1, 9)]

    def solve(self, p: Parameters, *args: Any) -> int:
        total, layer = 0, list(args[0])
        for depth in range(p["depth"]):
            total += p["factor"] ** depth * sum(item for item in layer if isinstance(item, int))
            layer = [inner for item in layer if isinstance(item, list) for inner in item]
        return int(total)


def _nested(value: int, lists: int) -> list[Any]:
    """A value inside so many lists more than one."""
    return [_nested(value, lists - 1)] if lists else [value]
