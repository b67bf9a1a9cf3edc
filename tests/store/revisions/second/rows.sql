INSERT INTO "migrations" ("name", "at") VALUES ('first_tables', 1795627364.8054354);

INSERT INTO "allowances" ("scope", "requests_per_minute", "tokens_per_minute", "concurrent", "budget", "budget_period", "updated", "updated_by") VALUES ('endpoint:bot', NULL, NULL, 3, NULL, 'month', 1795627364.825009, 'ada');

INSERT INTO "allowances" ("scope", "requests_per_minute", "tokens_per_minute", "concurrent", "budget", "budget_period", "updated", "updated_by") VALUES ('team:team-1', NULL, 10, NULL, 5000000, 'month', 1795627364.825712, 'ada');

INSERT INTO "calls" ("id", "started", "surface", "status", "error", "key_id", "asked", "endpoint", "release", "upstream", "provider", "served", "stream", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "estimated", "cost", "total_us", "upstream_us", "first_us", "finish", "client_request_id", "trace_id", "span_id", "parent_id", "snapshot", "owner", "team", "project", "attempts", "replayed") VALUES ('req_11', 1764000000000000001, 'chat', 200, NULL, 'key_1a', 'bot', 'bot', NULL, 'demo', 'scripted', 'scripted', TRUE, 3, 4, 0, 0, FALSE, 7, 900, 800, 500, 'stop', NULL, '00000000000000000000000000000000', '1111111111111111', NULL, 'abc', 'ada', 'team-1', 'project-1', '[["demo",null,800]]', NULL);

INSERT INTO "calls" ("id", "started", "surface", "status", "error", "key_id", "asked", "endpoint", "release", "upstream", "provider", "served", "stream", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "estimated", "cost", "total_us", "upstream_us", "first_us", "finish", "client_request_id", "trace_id", "span_id", "parent_id", "snapshot", "owner", "team", "project", "attempts", "replayed") VALUES ('req_12', 1764000001000000001, 'responses', 404, 'model_not_found', NULL, 'nowhere', NULL, NULL, NULL, NULL, NULL, FALSE, 0, 0, 0, 0, FALSE, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, '', NULL, NULL, NULL, NULL, NULL);

INSERT INTO "contents" ("id", "started", "request", "answer", "redacted", "truncated") VALUES ('req_11', 1764000000000000001, '{"said":"[card]"}', NULL, '{"card": 1}', TRUE);

INSERT INTO "endpoint_history" ("endpoint", "release", "at", "by", "reason") VALUES ('greeter', '29692d997f391eba0e758b6ff2eb68412c16a33625d1571fd17d31a0379cf073', 1795627364.8222363, 'ada', 'apply');

INSERT INTO "endpoint_history" ("endpoint", "release", "at", "by", "reason") VALUES ('bot', 'f22821fe3dd93abef0c1952a1f025e3b3957a135cdf4db088439e13fe88c6810', 1795627364.8237705, 'ada', 'apply');

INSERT INTO "keys" ("id", "name", "digest", "hint", "roles", "endpoints", "upstreams", "created", "expires", "revoked", "owner", "project", "rotated") VALUES ('key_1a', 'Ada''s', '1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c', 'qrst', '["admin", "viewer"]', NULL, '["demo"]', 1764000000.5, NULL, NULL, 'ada', 'project-1', 1795627364.8119931);

INSERT INTO "keys" ("id", "name", "digest", "hint", "roles", "endpoints", "upstreams", "created", "expires", "revoked", "owner", "project", "rotated") VALUES ('key_1b', 'bob', '1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b', 'abcd', '[]', '["bot"]', NULL, 1764000001.25, 4102444800.0, 1764000002.0, 'bob', NULL, NULL);

INSERT INTO "leases" ("name", "holder", "until") VALUES ('job-1', 'me', 1795627424.8291163);

INSERT INTO "prompts" ("name", "number", "digest", "messages", "variables", "created", "author") VALUES ('greeter', 1, 'c84656e990aa4b97df0cb527b928c5f89a33d621d0b658bc5c81a1f8fc29e064', '[{"role": "user", "content": "Greet {{ name }}, it''s \u2603"}]', '{"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": false}', 1795627364.8188338, 'ada');

INSERT INTO "releases" ("digest", "prompt_name", "prompt_number", "upstream", "parameters", "tools", "response_format", "policy", "created", "author") VALUES ('29692d997f391eba0e758b6ff2eb68412c16a33625d1571fd17d31a0379cf073', 'greeter', 1, 'demo', '{"temperature": 0.1}', '[]', NULL, NULL, 1795627364.8216403, 'ada');

INSERT INTO "releases" ("digest", "prompt_name", "prompt_number", "upstream", "parameters", "tools", "response_format", "policy", "created", "author") VALUES ('f22821fe3dd93abef0c1952a1f025e3b3957a135cdf4db088439e13fe88c6810', NULL, NULL, 'demo', '{}', '[]', NULL, NULL, 1795627364.8234253, 'ada');

INSERT INTO "responses" ("id", "key_id", "created", "status", "body", "turn", "previous", "expires") VALUES ('resp_1', 'key_1a', 1764000000.0, 'completed', '{"id": "resp_1", "output": []}', '[{"role": "user", "content": "hello"}]', NULL, 4102444800.0);

INSERT INTO "responses" ("id", "key_id", "created", "status", "body", "turn", "previous", "expires") VALUES ('resp_1m', 'key_1a', 1764000000.0, 'in_progress', '{"id": "resp_1m"}', '[]', 'resp_1', 4102444800.0);

INSERT INTO "retention_holds" ("id", "key_id", "project", "endpoint", "reason", "created", "created_by", "lifted", "lifted_by") VALUES ('hold_1', 'key_1a', NULL, NULL, 'a court''s order', 1764000000.0, 'ada', NULL, NULL);

INSERT INTO "revision" ("number") VALUES (13);

INSERT INTO "shipped" ("segment", "offset") VALUES ('segment-1', 777);

INSERT INTO "shipped" ("segment", "offset") VALUES ('segment-c1', 7);

INSERT INTO "spend" ("kind", "name", "day", "calls", "errors", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "cost") VALUES ('endpoint', 'bot', 20416, 1, 0, 3, 4, 0, 0, 7);

INSERT INTO "spend" ("kind", "name", "day", "calls", "errors", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "cost") VALUES ('key', 'key_1a', 20416, 1, 0, 3, 4, 0, 0, 7);

INSERT INTO "spend" ("kind", "name", "day", "calls", "errors", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "cost") VALUES ('project', 'project-1', 20416, 1, 0, 3, 4, 0, 0, 7);

INSERT INTO "spend" ("kind", "name", "day", "calls", "errors", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "cost") VALUES ('team', 'team-1', 20416, 1, 0, 3, 4, 0, 0, 7);

INSERT INTO "spend" ("kind", "name", "day", "calls", "errors", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "cost") VALUES ('upstream', 'demo', 20416, 1, 0, 3, 4, 0, 0, 7);

INSERT INTO "teams" ("name", "description", "created") VALUES ('team-1', 'The web''s', 1764000000.0);

INSERT INTO "endpoints" ("name", "description", "release", "updated", "updated_by") VALUES ('bot', 'A bot', 'f22821fe3dd93abef0c1952a1f025e3b3957a135cdf4db088439e13fe88c6810', 1795627364.8237705, 'ada');

INSERT INTO "endpoints" ("name", "description", "release", "updated", "updated_by") VALUES ('greeter', NULL, '29692d997f391eba0e758b6ff2eb68412c16a33625d1571fd17d31a0379cf073', 1795627364.8222363, 'ada');

INSERT INTO "key_secrets" ("digest", "key_id", "hint", "created", "expires") VALUES ('1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a', 'key_1a', 'wxyz', 1764000000.5, 2795627364.811993);

INSERT INTO "projects" ("name", "team", "created") VALUES ('project-1', 'team-1', 1764000000.0);

