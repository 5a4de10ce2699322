"""Self-verification: solve a task, and decide what to spend on checking the answer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeAlias

from ...datasets.arithmetic import ArithmeticSource
from ...envs.tools.tool import Tool, ToolError
from ...envs.tools.toolbox import Account, ToolBox
from .base import BaseEnvironment, Prompt
from .chat import as_messages, render
from .state import State, SVRLState

ToolSpec: TypeAlias = "Tool | Callable[..., Any] | Mapping[str, Any]"
Tools: TypeAlias = "Mapping[str, ToolSpec] | Sequence[Tool]"

# So many procedural problems stand in where nobody gives tasks.
_OWN_TASKS = 256


class SVRLEnvironment(BaseEnvironment[SVRLState]):
    """The policy solves a task, may check its answer with tools that cost something, and decides when to submit.

    A response with calls of tools is answered with their results; one without is the answer and ends the episode, and
    so do a call that the rest of the budget does not cover, which is not run, ``[DONE]`` and ``[COMPLETE]``, and
    ``max_steps`` responses. ``history`` holds what was said as ``(role, text)``.

    Args:
        inference: the policy.
        task_prompts: what episodes ask; a mapping or a list of tools is taken as ``verification_tools``. Without any,
            256 procedural problems of arithmetic.
        verification_tools: by name ``{"cost": …, "fn": …}``, a function or a ``Tool``. A function gets what the policy
            writes, by the names of its arguments, and what it returns becomes text. It must not trust what it gets:
            to run programs, take ``infinite_rl.envs.tools.builtin.sandbox``.
        budget: what all calls of an episode may cost.
        max_steps: responses of an episode.
        tool_format: how calls are written: ``hermes``, ``named`` or ``tagged``.

    Raises:
        TypeError: if a tool is none of these.
        ValueError: for an unknown format, or an impossible cost or budget.
    """

    def __init__(
        self,
        inference: Any = None,
        task_prompts: Sequence[Prompt] | Tools | None = None,
        verification_tools: Tools | None = None,
        budget: float = 10.0,
        max_steps: int | None = 8,
        *,
        tool_format: str = "hermes",
        **arguments: Any,
    ) -> None:
        if verification_tools is None and _are_tools(task_prompts):
            task_prompts, verification_tools = None, task_prompts
        if task_prompts is None and "prompts" not in arguments:
            source = ArithmeticSource()
            task_prompts = [source.task(index) for index in range(_OWN_TASKS)]
        if task_prompts is not None:
            arguments["prompts"] = task_prompts
        super().__init__(inference, max_steps=max_steps, **arguments)
        self.toolbox = ToolBox(make_tools(verification_tools or {}), tool_format, budget)
        self.budget = float(budget)

    def reset(self) -> SVRLState:
        """Opens an episode with one of the tasks and the whole budget."""
        state = self.open_prompt(SVRLState, budget=self.budget)
        assert isinstance(state, SVRLState)
        return state

    def build_prompt(self, state: SVRLState) -> str:
        """The tools, the task, and what was said since."""
        opening = self.toolbox.opening([{"role": "user", "content": state.prompt}])
        return render(self.inference, [*opening, *as_messages(state.history)])

    def update_state(self, state: SVRLState, response: str) -> SVRLState:
        """Enters a response, and runs the calls in it."""
        state = super().update_state(self._with_budget(state), response)
        calls = self.toolbox.read(response)
        account = Account(state.spent, len(state.calls), state.failed_calls)
        results, spent = self.toolbox.run(account, calls, state.step_count)
        ran = [call.name for call in calls if call.name in self.toolbox.tools][: account.calls - len(state.calls)]
        return replace(
            state,
            history=[*state.history, *((message["role"], message["content"]) for message in results)],
            spent=account.spent,
            calls=[*state.calls, *ran],
            failed_calls=account.failed_calls,
            finished=spent or not calls,
        )

    def is_terminal(self, state: SVRLState) -> bool:
        """Whether the answer is in, or the budget or the steps are used up."""
        return getattr(state, "finished", False) or super().is_terminal(state)

    def _with_budget(self, state: State) -> SVRLState:
        """The state of another class's ``reset``, where the two are combined, with a budget."""
        if isinstance(state, SVRLState):
            return state
        known = {field.name: getattr(state, field.name) for field in fields(State)}
        return SVRLState(**known, budget=self.budget)


def make_tools(given: Tools) -> list[Tool]:
    """Tools from what people write.

    Raises:
        TypeError: if one is neither a tool, nor a function, nor ``{"cost": …, "fn": …}``.
    """
    if not isinstance(given, Mapping):
        return [tool for tool in given if isinstance(tool, Tool)]
    return [_make_tool(name, spec) for name, spec in given.items()]


def _make_tool(name: str, spec: ToolSpec) -> Tool:
    if isinstance(spec, Tool):
        return replace(spec, name=name)
    if isinstance(spec, Mapping):
        run, cost, description = spec.get("fn"), float(spec.get("cost", 0.0)), spec.get("description")
    else:
        run, cost, description = spec, 0.0, None
    if not callable(run):
        raise TypeError(f'the tool {name} must be a function, a Tool or {{"cost": …, "fn": …}}, not {spec!r:.80}')
    function: Callable[..., Any] = run
    described = description or inspect.getdoc(function) or f"Calls {name}."
    return Tool(name, described.splitlines()[0], _parameters(function), _Guarded(function), cost)


class _Guarded:
    """Runs an author's function; the policy is told what it raises, since it is what the policy wrote that broke it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, **arguments: Any) -> str:
        try:
            return str(self._function(**arguments))
        except ToolError:
            raise
        except Exception as error:
            raise ToolError(f"{type(error).__name__}: {error}") from None


def _parameters(function: Callable[..., Any]) -> dict[str, Any]:
    """A schema of the function's arguments, any values allowed."""
    try:
        known = inspect.signature(function).parameters.values()
    except ValueError:  # some built-in functions don't tell
        known = {}.values()
    named = [one for one in known if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    required = [one.name for one in named if one.default is one.empty]
    return {"type": "object", "properties": {one.name: {} for one in named}, "required": required}


def _are_tools(value: Any) -> bool:
    """Whether ``value`` is tools rather than prompts."""
    if isinstance(value, Mapping):
        return True
    return isinstance(value, Sequence) and bool(value) and all(isinstance(one, Tool) for one in value)
