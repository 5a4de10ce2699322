"""Games and moves."""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import Any

from ....drawing import Rng, integer, integers, pick
from ...family import Family, Problem
from ...lists import integers_in

_MOST_MOVES = 2_000


class Nim(Family):
    """A winning move of Nim with 3, 3, 4 or 5 heaps; from level 3 on at most so many may be taken at once."""

    name = "nim"
    grader = "family"
    chance = (0.06, 0.04, 0.04, 0.04)

    def problem(self, rng: Rng, level: int) -> Problem:
        count, largest = ((3, 25), (3, 40), (4, 31), (5, 63))[level - 1]
        most = integer(rng, 4, 12) if level >= 3 else largest
        heaps = integers(rng, count, 1, largest)
        while not (balance := _balance(heaps, most)):
            heaps = integers(rng, count, 1, largest)
        moves = [
            [*heaps[:i], heap - taken, *heaps[i + 1 :]]
            for i, heap in enumerate(heaps)
            # The move makes the heap's remainder its xor with the balance.
            if 0 < (taken := heap % (most + 1) - (heap % (most + 1) ^ balance)) <= heap
        ]
        limit = f", at least one and at most {most}" if level >= 3 else ", at least one"
        ask = pick(
            rng,
            (
                "Find a move after which you win, however well the other plays.",
                "Which move wins, however well the other plays?",
                "Make a move that wins against any play.",
            ),
        )
        question = (
            f"Two players take turns. A move takes objects from one heap{limit}. Who takes the last object wins. The "
            f"heaps hold {', '.join(map(str, heaps))}, and it is your turn.\n{ask} Write the "
            "sizes of all heaps after your move, in the same order, with commas between them."
        )
        answer = {"heaps": heaps, "most": most}
        slips = [heaps, *([heap - (i == j) for j, heap in enumerate(heaps)] for i in range(count)), [0, *heaps[1:]]]
        texts = [", ".join(map(str, slip)) for slip in slips]
        wrong = [text for text in texts if not self.accepts(answer, text)]
        return Problem(question, answer, wrong, f"{most} {sorted(heaps)}", ", ".join(map(str, pick(rng, moves))))

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        after, heaps, most = integers_in(given), answer["heaps"], answer["most"]
        if after is None or len(after) != len(heaps):
            return False
        taken = [before - now for before, now in zip(heaps, after, strict=True) if before != now]
        return len(taken) == 1 and 1 <= taken[0] <= most and min(after) >= 0 and not _balance(after, most)


def _balance(heaps: list[int], most: int) -> int:
    """The Grundy number: who moves loses where it is 0."""
    return reduce(xor, (heap % (most + 1) for heap in heaps))


class TowerOfHanoi(Family):
    """Move 3 discs over 4 pegs, or 4, 5 or 6 discs over 3 pegs, from one state to another; any way is right."""

    name = "tower_of_hanoi"
    grader = "family"
    chance = (0.01, 0.0, 0.0, 0.0)

    def problem(self, rng: Rng, level: int) -> Problem:
        discs, pegs = ((3, "ABCD"), (4, "ABC"), (5, "ABC"), (6, "ABC"))[level - 1]
        moves: list[str] = []
        start = goal = ""
        # Problems of few moves would be solved by luck.
        while len(moves) < discs:
            start, goal = ("".join(pick(rng, pegs) for _ in range(discs)) for _ in range(2))
            moves = _moves(start, goal, pegs)
        ask = pick(rng, ("Move the discs", "Find moves", "Write down the moves that lead"))
        question = (
            f"The pegs {', '.join(pegs[:-1])} and {pegs[-1]} hold {discs} discs; disc 1 is the smallest. A move takes "
            "the top disc of a peg to another peg, never onto a smaller disc.\n"
            f"Now: {_state(start, pegs)}.\nGoal: {_state(goal, pegs)}.\n{ask} from now to the goal. Write each move as "
            "the two pegs, from first and to second, with commas between the moves, as in AB, CA."
        )
        slips = [moves[:-1], moves[1:], [move[::-1] for move in moves]]
        answer = {"start": start, "goal": goal, "pegs": pegs}
        wrong = [", ".join(slip) for slip in slips if not self.accepts(answer, ", ".join(slip))]
        return Problem(question, answer, wrong, f"{start} {goal}", ", ".join(moves))

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        """Moves such as ``AB``, ``A-B`` or ``A → B``."""
        text = given.upper().translate({ord(sign): None for sign in " \t\r\n,;.-–>→"})
        if len(text) > 2 * _MOST_MOVES or len(text) % 2 or not set(text) <= set(answer["pegs"]):
            return False
        state = answer["start"]
        for here, there in zip(text[::2], text[1::2], strict=True):
            disc, below = state.find(here), state.find(there)
            if disc < 0 or here == there or 0 <= below < disc:
                return False
            state = state[:disc] + there + state[disc + 1 :]
        return bool(state == answer["goal"])


def _state(state: str, pegs: str) -> str:
    """What each peg holds, of a state that names the peg of each disc, from the smallest."""
    held = {peg: [str(disc) for disc, place in enumerate(state, 1) if place == peg] for peg in pegs}
    return "; ".join(f"{peg} holds {' on '.join(discs) or 'nothing'}" for peg, discs in held.items())


def _moves(start: str, goal: str, pegs: str) -> list[str]:
    """Moves from one state to another: disc by disc from the largest, with smaller ones on a third peg meanwhile."""
    if not start:
        return []
    if start[-1] == goal[-1]:
        return _moves(start[:-1], goal[:-1], pegs)
    spare = next(peg for peg in pegs if peg not in (start[-1], goal[-1]))
    aside = spare * (len(start) - 1)
    return [*_moves(start[:-1], aside, pegs), start[-1] + goal[-1], *_moves(aside, goal[:-1], pegs)]


class Maze(Family):
    """Find the way through a maze of 4x4, 5x5, 7x7 or 9x9 cells; any way is right."""

    name = "maze"
    grader = "family"

    def problem(self, rng: Rng, level: int) -> Problem:
        size = (4, 5, 7, 9)[level - 1]
        rows = [["#"] * (2 * size + 1) for _ in range(2 * size + 1)]
        start = (2 * integer(rng, 0, size - 1) + 1, 2 * integer(rng, 0, size - 1) + 1)
        # Depth-first search in random order: each cell gets the moves that lead to it.
        moves = {start: ""}
        stack = [start]
        rows[start[0]][start[1]] = "."
        while stack:
            r, c = stack[-1]
            ways = [(n, (r + 2 * d, c + 2 * e)) for n, (d, e) in _STEPS.items() if _inside(r + 2 * d, c + 2 * e, size)]
            ways = [(n, cell) for n, cell in ways if cell not in moves]
            if not ways:
                stack.pop()
                continue
            name, cell = pick(rng, ways)
            rows[(r + cell[0]) // 2][(c + cell[1]) // 2] = rows[cell[0]][cell[1]] = "."
            moves[cell] = moves[r, c] + 2 * name
            stack.append(cell)
        goal = max(moves, key=lambda cell: (len(moves[cell]), cell))
        rows[start[0]][start[1]], rows[goal[0]][goal[1]] = "S", "G"
        picture = "\n".join("".join(row) for row in rows)
        ask = pick(rng, ("Find a way from S to G.", "How does one get from S to G?", "Go from S to G."))
        question = (
            f"{picture}\n{ask} Each step goes to the next field up, down, left or right; # is a wall. Write the steps "
            "as letters without anything between them: U, D, L, R."
        )
        way = moves[goal]
        wrong = [way[::-1], way[:-1], way[2:], way.translate(str.maketrans("UDLR", "DURL"))]
        answer = {"maze": ["".join(row) for row in rows]}
        return Problem(question, answer, [w for w in wrong if not self.accepts(answer, w)], picture, way)

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        rows = answer["maze"]
        r, c = next((r, row.index("S")) for r, row in enumerate(rows) if "S" in row)
        for name in given.upper().translate({ord(sign): None for sign in " \t\r\n,;-"}):
            if name not in _STEPS:
                return False
            r, c = r + _STEPS[name][0], c + _STEPS[name][1]
            if rows[r][c] == "#":
                return False
        return bool(rows[r][c] == "G")


_STEPS = {"U": (-1, 0), "D": (1, 0), "L": (0, -1), "R": (0, 1)}


def _inside(r: int, c: int, size: int) -> bool:
    return 0 < r <= 2 * size and 0 < c <= 2 * size
