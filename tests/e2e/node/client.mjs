// The official `openai` client for Node against the gateway at SLUICE_TEST_URL, with the key SLUICE_TEST_KEY.
// Run by tests/e2e/test_node_client.py, with node's own test runner.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

const address = { baseURL: process.env.SLUICE_TEST_URL, apiKey: process.env.SLUICE_TEST_KEY };
const client = new OpenAI({ ...address, maxRetries: 0 });
const user = (content) => [{ role: "user", content }];
const weather = {
  type: "function",
  function: { name: "get_weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
};

test("chat", async () => {
  const { data, request_id, response } = await client.chat.completions
    .create({ model: "support-bot", messages: user("the capital?") })
    .withResponse();
  assert.equal(data.choices[0].message.content, "The capital of France is Paris.");
  assert.equal(data.choices[0].finish_reason, "stop");
  assert.equal(data.usage.completion_tokens, 6);
  assert.match(request_id, /^req_/);
  assert.match(response.headers.get("x-sluice-release"), /^[0-9a-f]{64}$/);
});

test("a stream, with its usage", async () => {
  const stream = await client.chat.completions.create({
    model: "demo",
    messages: user("the capital?"),
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = await Array.fromAsync(stream);
  assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""), "The capital of France is Paris.");
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.equal(chunks.at(-1).usage.completion_tokens, 6);
});

test("the stream helper puts tool calls together", async () => {
  const runner = client.chat.completions.stream({ model: "demo", messages: user("weather?"), tools: [weather] });
  const final = await runner.finalChatCompletion();
  assert.equal(final.choices[0].finish_reason, "tool_calls");
  const [call] = final.choices[0].message.tool_calls;
  assert.deepEqual([call.function.name, JSON.parse(call.function.arguments)], ["get_weather", { city: "Paris" }]);
});

test("a prompt's variables", async () => {
  const prompt = { id: "greeter", variables: { name: "Ada" } };
  const reply = await client.chat.completions.create({ model: "greeter", messages: [], prompt });
  assert.equal(reply.choices[0].message.content, "Greet Ada.");
});

test("responses, whole, gone on from, and streamed", async () => {
  const first = await client.responses.create({ model: "demo", input: "the capital?" });
  assert.equal(first.output_text, "The capital of France is Paris.");
  const second = await client.responses.create({ model: "demo", input: "again", previous_response_id: first.id });
  assert.equal((await client.responses.retrieve(second.id)).previous_response_id, first.id);
  await client.responses.delete(second.id);
  await assert.rejects(client.responses.retrieve(second.id), OpenAI.NotFoundError);
  const events = await Array.fromAsync(client.responses.stream({ model: "demo", input: "the capital?" }));
  assert.deepEqual(events.map((event) => event.sequence_number), [...events.keys()]);
  assert.equal(events.at(-1).response.output[0].content[0].text, "The capital of France is Paris.");
});

test("embeddings, which this client asks for in base64", async () => {
  const packed = await client.embeddings.create({ model: "demo", input: ["a", "b"], dimensions: 4 });
  const plain = await client.embeddings.create({ model: "demo", input: ["a", "b"], dimensions: 4, encoding_format: "float" });
  assert.deepEqual(packed.data, plain.data);
});

test("models", async () => {
  const models = await Array.fromAsync(client.models.list());
  assert.ok(models.some((model) => model.id === "support-bot"));
  assert.equal((await client.models.retrieve("demo")).object, "model");
});

test("errors have the client's own classes", async () => {
  const ask = (model, words, more) => client.chat.completions.create({ model, messages: user(words), ...more });
  await assert.rejects(ask("nobody", "x"), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.deepEqual([error.code, error.param, error.type], ["model_not_found", "model", "invalid_request_error"]);
    return error.requestID.startsWith("req_");
  });
  await assert.rejects(ask("demo", "x", { temperature: 9 }), OpenAI.BadRequestError);
  await assert.rejects(ask("demo", "busy"), OpenAI.RateLimitError);
  await assert.rejects(ask("demo", "broken"), OpenAI.InternalServerError);
  const stranger = new OpenAI({ ...address, apiKey: "sk-nobody", maxRetries: 0 });
  await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
});

test("a stream that is cut raises", async () => {
  const stream = await client.chat.completions.create({ model: "demo", messages: user("cut"), stream: true });
  await assert.rejects(Array.fromAsync(stream), (error) => error instanceof OpenAI.APIError && error.code === "upstream_cut");
});

test("an abort ends the stream, and the record says so", async () => {
  const aborter = new AbortController();
  const { data: stream, request_id } = await client.chat.completions
    .create({ model: "demo", messages: user("slow"), stream: true }, { signal: aborter.signal })
    .withResponse();
  let chunks = 0;
  for await (const chunk of stream) {
    chunks += chunk.choices.length;
    if (chunks === 3) aborter.abort();
  }
  assert.ok(chunks < 200);
  console.log(`aborted: ${request_id}`);
});
