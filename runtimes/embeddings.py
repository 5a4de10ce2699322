"""A client of OpenAI-compatible embeddings: texts as vectors."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .connections import Reply
from .endpoint import Endpoint


class EmbeddingEndpoint(Endpoint):
    """A model that turns texts into vectors; see `Endpoint` for the arguments."""

    path = "/embeddings"
    hints = Endpoint.hints | {400: "The server does not understand the request; is the model one for embeddings?"}

    def embed(self, texts: Sequence[str], *, batch_size: int = 64) -> NDArray[np.float32]:
        """Asks for the vectors of texts.

        Args:
            texts: at least one.
            batch_size: how many are sent in one request.

        Returns:
            float32 [texts, dimensions], in the order of the texts.

        Raises:
            EndpointError: the server could not be reached, refused, or sent other things than vectors of one length.
            BudgetError: the budget is used up.
        """
        if not texts or batch_size < 1:
            raise ValueError("give at least one text and a batch_size of at least 1")
        parts: list[NDArray[np.float32]] = []
        for start in range(0, len(texts), batch_size):
            batch = list(texts[start : start + batch_size])
            reply = self.ask({"model": self.model, "input": batch, "encoding_format": "float"})
            parts.append(self._read(reply, len(batch), parts[0].shape[1] if parts else None))
        return np.concatenate(parts)

    def _read(self, reply: Reply, count: int, dimensions: int | None) -> NDArray[np.float32]:
        try:
            found = json.loads(reply.body)
            rows = {int(row["index"]): row["embedding"] for row in found["data"]}
            vectors = np.array([rows[index] for index in range(count)], dtype=np.float32)
            if vectors.ndim != 2 or not vectors.size or (dimensions and vectors.shape[1] != dimensions):
                raise ValueError("the vectors are not of one length")
            if not np.isfinite(vectors).all():
                raise ValueError("a vector holds what is no number")
            used = int((found.get("usage") or {}).get("total_tokens") or 0)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError) as error:
            raise self.unreadable("embeddings", error, reply) from None
        self.budget.add_tokens(used)
        return vectors
