"""The transcripts of a report: which are shown, and with which other."""

from infinite_rl.agents.reports.samples import pair_samples


def test_samples_are_the_first_of_the_file_and_the_rest_is_counted():
    rows = [
        {"when": when, "task_id": f"t{place}", "messages": []} for when in ("before", "after") for place in range(30)
    ]
    pairs, others = pair_samples(rows)
    assert [pair["task_id"] for pair in pairs] == [f"t{place}" for place in range(12)]
    assert all({"before", "after"} <= pair.keys() for pair in pairs)
    assert others == 18
