"""A policy around LangChain's agents: what people ask, what tools return, what the model says and has done."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from guardrails.errors import Missing
from guardrails.pii.vault import Vault

try:
    from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse, hook_config
    from langchain.agents.middleware.types import ToolCallRequest
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
    from langchain_core.tools import BaseTool
    from langchain_core.utils.function_calling import convert_to_openai_tool
    from langgraph.constants import TAG_NOSTREAM
    from langgraph.runtime import Runtime
    from langgraph.types import Command

    from guardrails.langchain.judge import Blocked, Judge
    from guardrails.langchain.judging import Admitted, Answered, admitted, answered, refusing
    from guardrails.langchain.messages import surroundings
except ImportError as error:
    raise Missing.extra("LangChain", "langchain") from error

Update = dict[str, Any]
Result = ToolMessage | Command[Any]


class GuardMiddleware(AgentMiddleware[AgentState[Any], Any, Any]):
    """For `create_agent(…, middleware=[GuardMiddleware(judge)])`; put it first, so that it sees what others make of a
    call. What is redacted is so in the agent's state too. Where a guard ends the call the agent answers with what the
    policy tells the client, and what it found stays out of the state; a tool's result that may not go on is told to the
    model as an error of that tool. With `raises` a `Blocked` is raised instead.

    A model that is guarded is not streamed token by token, since LangGraph would show its tokens before they are
    judged: its message comes whole. Callbacks and tracers, and `astream_events`, see what it said all the same."""

    def __init__(self, judge: Judge, *, raises: bool = False) -> None:
        super().__init__()
        self._judge, self._raises = judge, raises
        policy, tenant = judge.policy, judge.tenant
        self._hears = bool(policy.at("output", tenant) or policy.at("tool_calls", tenant))
        self._quieted: tuple[BaseChatModel, BaseChatModel] | None = None
        """The model that was last asked, and the same with its tokens kept from streams."""

    @hook_config(can_jump_to=["end"])
    def before_agent(self, state: AgentState[Any], runtime: Runtime[Any]) -> Update | None:
        return self._begun(self._judge.run(self._admitted(state["messages"])))

    @hook_config(can_jump_to=["end"])
    async def abefore_agent(self, state: AgentState[Any], runtime: Runtime[Any]) -> Update | None:
        return self._begun(await self._judge.aside(self._admitted(state["messages"])))

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        if not self._hears:
            return handler(request)
        response = handler(self._quiet(request))
        return self._said(response, self._judge.run(self._answered(request, response)))

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        if not self._hears:
            return await handler(request)
        response = await handler(self._quiet(request))
        return self._said(response, await self._judge.aside(self._answered(request, response)))

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Result]) -> Result:
        result = handler(request)
        returned = _returned(result)
        return self._told(result, returned, self._judge.run(self._of_tool(request, returned)))

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Result]]
    ) -> Result:
        result = await handler(request)
        returned = _returned(result)
        return self._told(result, returned, await self._judge.aside(self._of_tool(request, returned)))

    def _quiet(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        """The request to a model whose tokens LangGraph does not show."""
        last, model = self._quieted, request.model
        if last is None or last[0] is not model:
            tags = [*(model.tags or ()), TAG_NOSTREAM]
            last = self._quieted = model, model.model_copy(update={"tags": tags})
        return request.override(model=last[1])

    async def _admitted(self, messages: Sequence[BaseMessage]) -> Admitted:
        around = surroundings(messages, tenant=self._judge.tenant)
        return await admitted(self._judge.engine, messages, around, Vault(self._judge.engine.key))

    async def _answered(self, request: ModelRequest[Any], response: ModelResponse[Any]) -> list[Answered]:
        around = surroundings(
            request.messages, request.system_prompt or "", _schemas(request.tools), self._judge.tenant
        )
        engine = self._judge.engine
        return [
            await answered(engine, message, around, Vault(engine.key), _structured(response, message))
            for message in response.result
            if isinstance(message, AIMessage)
        ]

    async def _of_tool(self, request: ToolCallRequest, returned: Sequence[BaseMessage]) -> Admitted:
        before = request.state["messages"] if isinstance(request.state, Mapping) else []
        around = surroundings(before, tenant=self._judge.tenant)
        return await admitted(self._judge.engine, returned, around, Vault(self._judge.engine.key))

    def _begun(self, found: Admitted) -> Update | None:
        self._judge.tell(found.verdicts)
        changed = [found.messages[number] for number in found.changed]
        if found.refusal is not None:
            if self._raises:
                raise Blocked(found.refusal, found.verdicts)
            return {"messages": [*changed, refusing(found.refusal)], "jump_to": "end"}
        return {"messages": changed} if changed else None

    def _said(self, response: ModelResponse[Any], found: Sequence[Answered]) -> ModelResponse[Any]:
        for one in found:
            self._judge.tell(one.verdicts)
        stopped = next((one for one in found if one.refusal is not None), None)
        if stopped is not None and stopped.refusal is not None:
            if self._raises:
                raise Blocked(stopped.refusal, stopped.verdicts)
            return ModelResponse([refusing(stopped.refusal, stopped.message)])
        shown = iter(found)
        result = [next(shown).message if isinstance(one, AIMessage) else one for one in response.result]
        return ModelResponse(result, response.structured_response)

    def _told(self, result: Result, returned: Sequence[BaseMessage], found: Admitted) -> Result:
        self._judge.tell(found.verdicts)
        if found.refusal is not None and self._raises:
            raise Blocked(found.refusal, found.verdicts)
        messages = list(found.messages)
        if found.refusal is not None:
            for number in found.changed:
                messages[number] = _failed(messages[number], found.refusal)
        if not found.changed:
            return result
        if isinstance(result, ToolMessage):
            (message,) = messages
            assert isinstance(message, ToolMessage)
            return message
        assert isinstance(result.update, dict)
        judged = {id(before): after for before, after in zip(returned, messages, strict=True)}
        left = [judged.get(id(one), one) for one in result.update["messages"]]
        return dataclasses.replace(result, update={**result.update, "messages": left})


def _returned(result: Result) -> list[BaseMessage]:
    """The messages that a tool gave back."""
    if isinstance(result, ToolMessage):
        return [result]
    update = result.update if isinstance(result.update, dict) else {}
    found = update.get("messages")
    return [one for one in found if isinstance(one, BaseMessage)] if isinstance(found, list) else []


def _failed(message: BaseMessage, refusal: str) -> BaseMessage:
    """In the place of a tool's result that may not go on: no artifact of it is left either."""
    if not isinstance(message, ToolMessage):
        return message
    return ToolMessage(refusal, tool_call_id=message.tool_call_id, name=message.name, id=message.id, status="error")


def _schemas(tools: Sequence[BaseTool | dict[str, Any]]) -> dict[str, Any]:
    """By the name of each tool the JSON Schema of its arguments; those that the provider runs have none."""
    found = {}
    for tool in tools:
        if isinstance(tool, BaseTool):
            function = convert_to_openai_tool(tool)["function"]
        else:
            function = tool.get("function") or tool
        if isinstance(function.get("name"), str):
            found[function["name"]] = function.get("parameters") or function.get("input_schema") or {}
    return found


def _structured(response: ModelResponse[Any], message: AIMessage) -> list[str]:
    """An answer that was read as a structure already, well or badly, as text: what is taken out of the message stays in
    what came of it."""
    if len(response.result) == 1 and response.structured_response is None:
        return []
    calls = [json.dumps(call["args"], ensure_ascii=False, default=str) for call in message.tool_calls]
    return [*calls, message.text]
