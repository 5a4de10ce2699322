"""A question, answered with the help of a search service: infinite-rl search-service --port 8000."""

import asyncio
import os
import re

from infinite_rl.envs.retrieval.remote import RemoteRetriever
from infinite_rl.rewards import get_reward_functions

service = RemoteRetriever(os.environ.get("SEARCH_URL", "http://127.0.0.1:8000"))
reward = get_reward_functions()["search"]


async def interact(messages):
    """Answers ``<search>query</search>``; a message without a query ends the episode."""
    queries = re.findall(r"<search>(.*?)</search>", messages[-1]["content"], re.DOTALL)
    if not queries:
        return []
    # In a thread: the searches of other episodes go on meanwhile.
    (hits,) = await asyncio.to_thread(service.search, [queries[-1].strip()], 3)
    found = "\n".join(f"{hit.document.title}: {hit.document.text}" for hit in hits)
    return [{"role": "user", "content": f"<information>\n{found}\n</information>"}]


def reward_fn(messages, answer):
    """1.0 where the text in ``<answer>`` equals an answer up to case, articles and punctuation."""
    return reward.compute_reward(messages[-1]["content"], answer).correctness_score
