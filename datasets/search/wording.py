"""What documents say and how questions ask it. Orders are part of every stream of tasks: add to the end."""

from __future__ import annotations

DEFINITIONS: dict[str, tuple[str, ...]] = {
    "country": ("{name} is a country.", "{name} is a small republic.", "{name}, a republic, lies between two seas."),
    "city": ("{name} is a city.", "{name} is a town on a river.", "{name} is a walled city in the hills."),
    "company": ("{name} is a company.", "{name} is a family firm.", "{name} is a maker of goods for export."),
    "person": ("{name} was an inventor.", "{name} was a writer and teacher.", "{name} was a painter in later life."),
    "work": ("{name} is a novel.", "{name} is a book of stories.", "{name} is a novel in three parts."),
}
"""By kind: the first sentence of a document."""

FACTS: dict[str, tuple[str, ...]] = {
    "capital": ("Its capital is {value}.", "The government sits in {value}.", "{value} has been the capital for long."),
    "leader": ("Its first president was {value}.", "{value} was elected its first president."),
    "area": ("It covers {value} square kilometres.", "Its area is {value} square kilometres."),
    "country": ("It lies in {value}.", "It belongs to {value}.", "It is one of the older places of {value}."),
    "mayor": ("Its first mayor was {value}.", "The town council chose {value} as the first mayor."),
    "founded": ("It was founded in {value}.", "The first houses were built in {value}."),
    "population": ("It has {value} inhabitants.", "At the last count {value} people lived there."),
    "founder": ("It was founded by {value}.", "{value} founded it.", "The founder was {value}."),
    "headquarters": ("Its head office is in {value}.", "It is run from {value}.", "The owners moved it to {value}."),
    "started": ("It began its business in {value}.", "The first workshop opened in {value}."),
    "employees": ("It employs {value} people.", "Its staff numbers {value}."),
    "birthplace": ("The family lived in {value}, where {name} was born.", "{name} was born in {value}."),
    "born": ("{name} was born in the year {value}.", "The year of birth is given as {value}."),
    "teacher": (
        "{name} was a pupil of {value}.",
        "{value} was the teacher of {name}.",
        "{name} was taught by {value}.",
    ),
    "employer": ("{name} worked for {value}.", "{value} employed {name} for ten years."),
    "author": ("It was written by {value}.", "{value} wrote it.", "The author is {value}."),
    "published": ("It was published in {value}.", "The first edition appeared in {value}."),
    "setting": ("The story is set in {value}.", "It takes place in {value}.", "All of it happens in {value}."),
    "dedicatee": ("It is dedicated to {value}.", "The first page has a dedication to {value}."),
}
"""By relation: the sentence that states it."""

FILLERS: dict[str, tuple[str, ...]] = {
    "country": ("Most of it is forest.", "Winters there are long and dry.", "It exports timber, wool and salt."),
    "city": ("The market is held on Thursdays.", "Its bridges were rebuilt twice.", "It is known for its bakers."),
    "company": ("It has never had a strike.", "Two of its workshops burned down.", "Its sign shows a heron."),
    "person": ("No portrait survives.", "Several letters are kept in archives.", "Friends praised the quiet manner."),
    "work": ("Critics were divided.", "It has been translated often.", "The last chapter was added later."),
}

ENTITIES: dict[str, tuple[str, ...]] = {
    "country": ("{name}", "the country {name}"),
    "city": ("{name}", "the city of {name}"),
    "company": ("{name}", "the company {name}"),
    "person": ("{name}",),
    "work": ("“{name}”", "the book “{name}”"),
}
"""By kind: how a question names an entity."""

PHRASES: dict[str, tuple[str, ...]] = {
    "capital": ("the capital of {x}", "the seat of government of {x}"),
    "leader": ("the first president of {x}", "the person who was elected first president of {x}"),
    "country": ("the country that {x} belongs to", "the country of {x}"),
    "mayor": ("the first mayor of {x}", "the person chosen as first mayor of {x}"),
    "founder": ("the founder of {x}", "the person who founded {x}"),
    "headquarters": ("the city of the head office of {x}", "the city from which {x} is run"),
    "birthplace": ("the birthplace of {x}", "the city where {x} was born"),
    "teacher": ("the teacher of {x}", "the person who taught {x}"),
    "employer": ("the employer of {x}", "the company that employed {x}"),
    "author": ("the author of {x}", "the person who wrote {x}"),
    "setting": ("the setting of {x}", "the city where {x} takes place"),
    "dedicatee": ("the person to whom {x} is dedicated", "the dedicatee of {x}"),
}
"""By relation: the entity at its end, named by the one at its beginning."""

QUESTIONS: dict[str, tuple[str, ...]] = {
    "capital": ("What is the capital of {x}?", "Where does the government of {x} sit?"),
    "leader": ("Who was the first president of {x}?", "Who was elected first president of {x}?"),
    "area": ("How many square kilometres does {x} cover?", "What is the area of {x} in square kilometres?"),
    "country": ("In which country is {x}?", "Name the country of {x}."),
    "mayor": ("Who was the first mayor of {x}?", "Name the first mayor of {x}."),
    "founded": ("In which year was {x} founded?", "When were the first houses of {x} built?"),
    "population": ("How many inhabitants does {x} have?", "How many people live in {x}?"),
    "founder": ("Who founded {x}?", "Name the founder of {x}."),
    "headquarters": ("In which city is the head office of {x}?", "From which city is {x} run?"),
    "started": ("In which year did {x} begin its business?", "When did the first workshop of {x} open?"),
    "employees": ("How many people does {x} employ?", "How large is the staff of {x}?"),
    "birthplace": ("In which city was {x} born?", "What is the birthplace of {x}?"),
    "born": ("In which year was {x} born?", "What is the year of birth of {x}?"),
    "teacher": ("Who taught {x}?", "Whose pupil was {x}?", "Name the teacher of {x}."),
    "employer": ("Which company employed {x}?", "For which company did {x} work?"),
    "author": ("Who wrote {x}?", "Who is the author of {x}?"),
    "published": ("In which year was {x} published?", "When did {x} first appear?"),
    "setting": ("In which city is {x} set?", "Where does {x} take place?"),
    "dedicatee": ("To whom is {x} dedicated?", "Who is the dedicatee of {x}?"),
}
"""By relation: the question for what is at its end."""

MEASURES: dict[str, tuple[str, str]] = {
    "area": ("is larger", "is smaller"),
    "founded": ("was founded later", "was founded earlier"),
    "population": ("has more inhabitants", "has fewer inhabitants"),
    "started": ("began its business later", "began its business earlier"),
    "employees": ("employs more people", "employs fewer people"),
    "born": ("was born later", "was born earlier"),
}
"""By relation with a number: what tells the one with more from the one with less."""

COMPARISONS = (
    "Compare {p} and {q}. {question}",
    "Take {p} and {q}. {question}",
    "This is about {p} and {q}. {question}",
)

SUMS: dict[str, tuple[str, ...]] = {
    "area": ("How many square kilometres do {p} and {q} cover together?",),
    "population": ("How many inhabitants do {p} and {q} have together?",),
    "employees": ("How many people do {p} and {q} employ together?",),
}
DIFFERENCES: dict[str, tuple[str, ...]] = {
    "area": ("By how many square kilometres do the areas of {p} and {q} differ?",),
    "founded": ("How many years lie between the foundings of {p} and {q}?",),
    "population": ("By how many inhabitants do {p} and {q} differ?",),
    "started": ("How many years lie between the beginnings of {p} and {q}?",),
    "employees": ("By how many employees do {p} and {q} differ?",),
    "born": ("How many years lie between the births of {p} and {q}?",),
}
