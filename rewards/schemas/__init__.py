"""JSON that fits a schema, in bounded time."""
