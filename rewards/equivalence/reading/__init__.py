"""From text to trees: tokens, a parser in layers, and what people write around formulas."""
