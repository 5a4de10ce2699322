"""What people call about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .slots import Choice, Code, Count, Day, Slot, Time


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of wish.

    Attributes:
        name: in lower case.
        place: where the agent works.
        opening: what the user says first.
        slots: six details. The first has so many values that a guess is hopeless; every task has it.
    """

    name: str
    place: str
    opening: str
    slots: Sequence[Slot]


_DAY = Day("day", ("day", "date", "when"))
_TIME = Time("time", ("time", "hour", "when", "clock"))

# The order is part of every stream of tasks: add to the end.
SCENARIOS = (
    Scenario(
        "table",
        "a restaurant",
        "Hello, I would like to book a table.",
        (
            _TIME,
            _DAY,
            Count("guests", ("guest", "people", "person", "many", "party"), 2, 12),
            Choice("area", ("area", "where", "place", "seat", "table"), ("inside", "terrace", "garden", "bar")),
            Choice("occasion", ("occasion", "celebration", "event"), ("birthday", "anniversary", "business", "none")),
            Choice("menu", ("menu", "food", "meal"), ("vegetarian", "vegan", "fish", "meat", "open")),
        ),
    ),
    Scenario(
        "train",
        "a railway's ticket office",
        "Hi! I need train tickets.",
        (
            _TIME,
            _DAY,
            Choice("destination", ("destination", "where", "city"), ("Ulm", "Graz", "Lyon", "Turin", "Ghent", "Porto")),
            Choice("origin", ("origin", "from", "start"), ("Basel", "Milan", "Vienna", "Prague", "Warsaw")),
            Count("passengers", ("passenger", "people", "person", "many", "tickets"), 2, 9),
            Choice("comfort", ("comfort", "class"), ("standard", "premium", "sleeper", "couchette")),
        ),
    ),
    Scenario(
        "pizza",
        "a pizza service",
        "Good evening, I want to order pizza.",
        (
            _TIME,
            Choice("topping", ("topping", "kind", "flavour"), ("mushroom", "salami", "spinach", "tuna", "onion")),
            Choice("size", ("size", "big", "large"), ("small", "medium", "family", "party")),
            Count("pizzas", ("pizza", "many", "number"), 2, 9),
            Choice("drink", ("drink", "beverage"), ("water", "cola", "lemonade", "juice", "none")),
            Choice("payment", ("payment", "pay"), ("cash", "card", "invoice", "voucher")),
        ),
    ),
    Scenario(
        "hotel",
        "a hotel's reception",
        "Hello, do you have a room for me?",
        (
            Code("voucher", ("voucher", "code", "discount")),
            Day("arrival", ("arrival", "arrive", "day", "date", "when")),
            Count("nights", ("night", "long", "stay", "many"), 2, 14),
            Choice("bed", ("bed", "beds"), ("single", "double", "twin", "bunk")),
            Choice("view", ("view", "window"), ("sea", "park", "street", "mountain", "court")),
            Choice("breakfast", ("breakfast", "morning", "meal"), ("buffet", "basket", "tray", "none")),
        ),
    ),
    Scenario(
        "repair",
        "a repair service",
        "My machine is broken. Can you help?",
        (
            Code("serial", ("serial", "number", "code")),
            Choice("machine", ("machine", "device", "appliance"), ("washer", "dryer", "oven", "fridge", "mixer")),
            Choice("fault", ("fault", "problem", "wrong", "happen"), ("noise", "leak", "smoke", "dead", "heat")),
            _DAY,
            _TIME,
            Choice("floor", ("floor", "storey", "stairs"), ("basement", "ground", "upper", "attic", "roof")),
        ),
    ),
    Scenario(
        "flowers",
        "a flower shop",
        "Hello, I would like to send flowers.",
        (
            _TIME,
            _DAY,
            Choice("flower", ("flower", "kind", "which"), ("roses", "tulips", "lilies", "asters", "dahlias")),
            Choice("colour", ("colour", "color"), ("red", "white", "yellow", "pink", "purple", "orange")),
            Count("stems", ("stem", "many", "number"), 3, 30),
            Choice("card", ("card", "text", "message"), ("birthday", "wedding", "condolence", "farewell", "blank")),
        ),
    ),
    Scenario(
        "clinic",
        "a clinic's desk",
        "I need an appointment, please.",
        (
            Code("insurance", ("insurance", "number", "policy")),
            _DAY,
            _TIME,
            Choice("doctor", ("doctor", "physician", "who"), ("Ames", "Brandt", "Castro", "Dubois", "Egede")),
            Choice("reason", ("reason", "why", "complaint"), ("checkup", "cough", "rash", "backache", "vaccination")),
            Choice("visit", ("visit", "before"), ("initial", "returning", "referred", "emergency")),
        ),
    ),
    Scenario(
        "parcel",
        "a parcel service",
        "Hi, where is my parcel? I want it delivered differently.",
        (
            Code("tracking", ("tracking", "number", "code")),
            _DAY,
            _TIME,
            Choice("drop", ("drop", "where", "place", "leave"), ("door", "neighbour", "garage", "locker", "shop")),
            Choice("notice", ("notice", "notify", "inform"), ("email", "phone", "text", "letter")),
            Choice("size", ("size", "big", "large", "heavy"), ("small", "medium", "large", "bulky")),
        ),
    ),
)
