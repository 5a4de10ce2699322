"""What the machines of a submitter write into samples is not published; what models invent is let be."""

import pytest
from board_results import make_run, play, write_results

from infinite_rl.agents.evaluation.results import read_results
from infinite_rl.agents.leaderboard.leaks import leaks


def found(folder, change):
    run = make_run(tasks=2, n=1)
    samples = play(run, 0.5)
    change(samples[0])
    return [*leaks(read_results(write_results(folder, run, samples)))]


SERVER = "http://10.1.2.3:8000/v1/chat/completions answered 400"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"error_msg": SERVER}, "the address of a server"),
        ({"error_msg": "no such file: /home/alice/models"}, "a path of a user's folder"),
        ({"finish_reason": "x" * 10_000 + " bob@corp.example.com"}, "an e-mail address"),
        ({"components": {"bob@example.com": 1}}, "an e-mail address"),
        ({"error_msg": "a@b.cd " * 30}, "an e-mail address"),
    ],
)
def test_members_of_samples_that_no_model_wrote_hold_no_address_or_folder(tmp_path, change, kind):
    assert found(tmp_path, lambda one: one.update(change)) == [f"samples.jsonl: task 0, sample 0 holds {kind}"]


def test_what_models_invent_may_stand_in_their_transcripts_and_be_quoted(tmp_path):
    words = f"mail bob@example.com, see {SERVER} and /home/bob/x.py"

    def change(sample):
        sample["messages"][-1]["content"] += words
        sample.update(answer=words, error_msg=f"no number: {words}")

    assert found(tmp_path, change) == []
