INSERT INTO "migrations" ("name", "at") VALUES ('first_tables', 1795626523.7039952);

INSERT INTO "calls" ("id", "started", "surface", "status", "error", "key_id", "asked", "endpoint", "release", "upstream", "provider", "served", "stream", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "estimated", "cost", "total_us", "upstream_us", "first_us", "finish", "client_request_id", "trace_id", "span_id", "parent_id", "snapshot") VALUES ('req_11', 1764000000000000001, 'chat', 200, NULL, 'key_1a', 'bot', 'bot', NULL, 'demo', 'scripted', 'scripted', TRUE, 3, 4, 0, 0, FALSE, 7, 900, 800, 500, 'stop', NULL, '00000000000000000000000000000000', '1111111111111111', NULL, 'abc');

INSERT INTO "calls" ("id", "started", "surface", "status", "error", "key_id", "asked", "endpoint", "release", "upstream", "provider", "served", "stream", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "estimated", "cost", "total_us", "upstream_us", "first_us", "finish", "client_request_id", "trace_id", "span_id", "parent_id", "snapshot") VALUES ('req_12', 1764000001000000001, 'responses', 404, 'model_not_found', NULL, 'nowhere', NULL, NULL, NULL, NULL, NULL, FALSE, 0, 0, 0, 0, FALSE, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, '');

INSERT INTO "endpoint_history" ("endpoint", "release", "at", "by", "reason") VALUES ('greeter', '29692d997f391eba0e758b6ff2eb68412c16a33625d1571fd17d31a0379cf073', 1795626523.7538502, 'ada', 'apply');

INSERT INTO "endpoint_history" ("endpoint", "release", "at", "by", "reason") VALUES ('bot', 'f22821fe3dd93abef0c1952a1f025e3b3957a135cdf4db088439e13fe88c6810', 1795626523.7556157, 'ada', 'apply');

INSERT INTO "keys" ("id", "name", "digest", "hint", "roles", "endpoints", "upstreams", "created", "expires", "revoked") VALUES ('key_1a', 'Ada''s', '1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a', 'wxyz', '["admin", "viewer"]', NULL, '["demo"]', 1764000000.5, NULL, NULL);

INSERT INTO "keys" ("id", "name", "digest", "hint", "roles", "endpoints", "upstreams", "created", "expires", "revoked") VALUES ('key_1b', 'bob', '1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b', 'abcd', '[]', '["bot"]', NULL, 1764000001.25, 4102444800.0, 1764000002.0);

INSERT INTO "prompts" ("name", "number", "digest", "messages", "variables", "created", "author") VALUES ('greeter', 1, 'c84656e990aa4b97df0cb527b928c5f89a33d621d0b658bc5c81a1f8fc29e064', '[{"role": "user", "content": "Greet {{ name }}, it''s \u2603"}]', '{"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": false}', 1795626523.7452362, 'ada');

INSERT INTO "releases" ("digest", "prompt_name", "prompt_number", "upstream", "parameters", "tools", "response_format", "policy", "created", "author") VALUES ('29692d997f391eba0e758b6ff2eb68412c16a33625d1571fd17d31a0379cf073', 'greeter', 1, 'demo', '{"temperature": 0.1}', '[]', NULL, NULL, 1795626523.7529988, 'ada');

INSERT INTO "releases" ("digest", "prompt_name", "prompt_number", "upstream", "parameters", "tools", "response_format", "policy", "created", "author") VALUES ('f22821fe3dd93abef0c1952a1f025e3b3957a135cdf4db088439e13fe88c6810', NULL, NULL, 'demo', '{}', '[]', NULL, NULL, 1795626523.755233, 'ada');

INSERT INTO "responses" ("id", "key_id", "created", "status", "body", "turn", "previous", "expires") VALUES ('resp_1', 'key_1a', 1764000000.0, 'completed', '{"id": "resp_1", "output": []}', '[{"role": "user", "content": "hello"}]', NULL, 4102444800.0);

INSERT INTO "responses" ("id", "key_id", "created", "status", "body", "turn", "previous", "expires") VALUES ('resp_1m', 'key_1a', 1764000000.0, 'in_progress', '{"id": "resp_1m"}', '[]', 'resp_1', 4102444800.0);

INSERT INTO "revision" ("number") VALUES (8);

INSERT INTO "shipped" ("segment", "offset") VALUES ('segment-1', 777);

INSERT INTO "endpoints" ("name", "description", "release", "updated", "updated_by") VALUES ('bot', 'A bot', 'f22821fe3dd93abef0c1952a1f025e3b3957a135cdf4db088439e13fe88c6810', 1795626523.7556157, 'ada');

INSERT INTO "endpoints" ("name", "description", "release", "updated", "updated_by") VALUES ('greeter', NULL, '29692d997f391eba0e758b6ff2eb68412c16a33625d1571fd17d31a0379cf073', 1795626523.7538502, 'ada');

