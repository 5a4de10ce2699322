"""A server of chat completions as a policy to evaluate; tools that a policy is told of; answers that are kept."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch

from infinite_rl.agents.environments.text import ConversationEnvironment
from infinite_rl.agents.inference.backend import BackendError
from infinite_rl.agents.inference.module import InferenceModule, create_inference_module
from infinite_rl.agents.rollouts.manager import RolloutConfig, RolloutManager
from infinite_rl.envs.tools.tool import Tool, ToolCall, ToolError


@pytest.fixture
def server():
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(request)
            text = f"You said: {request['messages'][-1]['content'][-8:]}"
            body = json.dumps({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    asked = []
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.asked = asked
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    yield http
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def remote(server):
    url = f"http://127.0.0.1:{server.server_port}/v1"
    return create_inference_module("some-model", backend="openai", base_url=url)


def test_texts_come_from_the_server(remote, server):
    assert remote.generate(["Hello", "Good day"], max_new_tokens=7, temperature=0.5).texts == [
        "You said: Hello",
        "You said: Good day",
    ]
    assert {(request["model"], request["max_tokens"], request["temperature"]) for request in server.asked} == {
        ("some-model", 7, 0.5)
    }


def test_environments_are_evaluated_on_it(remote):
    env = ConversationEnvironment(remote, ["Hello"], ["Well"])
    trajectories = RolloutManager(env, RolloutConfig(num_parallel=4)).collect_rollouts(6)
    assert all(row.state.step_count == 2 for row in trajectories)
    assert trajectories.valid.all()


@pytest.mark.parametrize(
    "ask",
    [
        lambda inference: inference.get_logprobs(["a"], ["b"]),
        lambda inference: inference.get_logits(["a"], ["b"]),
        lambda inference: inference.load({}, version=1),
        lambda inference: inference.tokenizer,
    ],
)
def test_what_training_needs_is_refused_in_one_line(remote, ask):
    with pytest.raises(BackendError, match="it serves evaluation"):
        ask(remote)


def test_a_server_needs_an_address():
    with pytest.raises(TypeError, match="needs base_url"):
        InferenceModule("some-model", backend="openai")


CALL = '<tool_call>{"name": "calculator", "arguments": {"expression": "1+1"}}</tool_call>'


def test_tools_are_told_and_calls_are_read(scripted, tokenizer):
    inference = scripted(tokenizer, lambda turn, row: [CALL + "<eos>", "no tools<eos>"][row])
    result, calls = inference.batch_generate_with_tools(["1+1?", "Hi"], available_tools=["calculator", "search"])
    assert result.texts == [CALL, "no tools"]
    assert calls == [[ToolCall("calculator", {"expression": "1+1"})], []]
    told = inference.decode([torch.tensor(inference.shown[0][0])])[0]
    assert "calculator" in told
    assert "search" in told
    assert told.endswith("1+1?")


def test_other_formats_and_own_tools(scripted, tokenizer):
    own = Tool("shout", "Shouts.", {"type": "object", "properties": {"text": {}}}, lambda text: text.upper())
    inference = scripted(tokenizer, lambda turn, row: "<shout>hi</shout><eos>")
    _, ((call,),) = inference.batch_generate_with_tools(["x"], available_tools=[own], tool_format="tagged")
    assert (call.name, call.arguments) == ("shout", "hi")


def test_unknown_tools_and_formats_are_named(scripted, tokenizer):
    inference = scripted(tokenizer, lambda turn, row: "<eos>")
    with pytest.raises(ValueError, match="there is no tool 'oracle'"):
        inference.batch_generate_with_tools(["x"], ["oracle"])
    with pytest.raises(ValueError, match="tool_format must be one of"):
        inference.batch_generate_with_tools(["x"], ["calculator"], tool_format="xml")
    with pytest.raises(ValueError, match="must be a list"):
        inference.batch_generate_with_tools(["x"], "calculator")


def test_a_search_without_documents_tells_the_policy():
    from infinite_rl.agents.inference.tools import find_tool

    with pytest.raises(ToolError, match="no documents"):
        find_tool("search").run("who?")


def count_samples(inference):
    counted = []
    sample = inference.backend.sample

    def counting(prompts, keys, **options):
        counted.append(len(prompts))
        return sample(prompts, keys, **options)

    inference.backend.sample = counting
    return counted


def test_greedy_answers_are_kept_while_the_weights_stay(tiny, tokenizer):
    model = tiny(tokenizer)
    inference = InferenceModule(model, tokenizer)
    counted = count_samples(inference)
    first = inference.generate(["ab", "cd"], 4, temperature=0.0)
    assert inference.generate(["cd", "ab", "ef"], 4, temperature=0.0)[:2] == [first[1], first[0]]
    assert counted == [2, 1]
    assert inference.cache.hits == 2
    torch.optim.SGD(model.parameters(), lr=0.1).step()  # no gradients: nothing changes
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    inference.generate(["ab"], 4, temperature=0.0)
    assert counted == [2, 1, 1]


def test_samples_are_never_kept_and_old_answers_make_room(tiny, tokenizer):
    inference = InferenceModule(tiny(tokenizer), tokenizer, cache_size=1)
    counted = count_samples(inference)
    inference.generate(["ab"], 4)
    inference.generate(["ab"], 4)
    for prompt in ("ab", "cd", "ab"):
        inference.generate([prompt], 4, temperature=0.0)
    assert counted == [1, 1, 1, 1, 1]
    off = InferenceModule(tiny(tokenizer), tokenizer, cache_size=0)
    counted = count_samples(off)
    off.generate(["ab"], 4, temperature=0.0)
    off.generate(["ab"], 4, temperature=0.0)
    assert counted == [1, 1]
