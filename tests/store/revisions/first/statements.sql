INSERT INTO keys (id, name, digest, hint, roles, endpoints, upstreams, created, expires, revoked) VALUES ('key_2a', 'Ada''s', '2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a', 'wxyz', '["admin", "viewer"]', NULL, '["demo"]', 1764000000.5, NULL, NULL);

UPDATE revision SET number=(revision.number + 1);

INSERT INTO keys (id, name, digest, hint, roles, endpoints, upstreams, created, expires, revoked) VALUES ('key_2b', 'bob', '2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b', 'abcd', '[]', '["bot"]', NULL, 1764000001.25, 4102444800.0, 1764000002.0);

SELECT revision.number FROM revision;

SELECT prompts.name, prompts.number, prompts.digest, prompts.messages, prompts.variables, prompts.created, prompts.author FROM prompts ORDER BY prompts.name, prompts.number;

SELECT releases.digest, releases.prompt_name, releases.prompt_number, releases.upstream, releases.parameters, releases.tools, releases.response_format, releases.policy, releases.created, releases.author FROM releases;

SELECT min(migrations.at) AS min_1 FROM migrations;

SELECT endpoints.name, endpoints.description, endpoints.release, endpoints.updated, endpoints.updated_by, anon_1.created FROM endpoints JOIN (SELECT endpoint_history.endpoint AS endpoint, min(endpoint_history.at) AS created FROM endpoint_history GROUP BY endpoint_history.endpoint) AS anon_1 ON anon_1.endpoint = endpoints.name ORDER BY endpoints.name;

SELECT releases.digest FROM releases WHERE releases.digest = '5b0fd49588fe3f1b901d81c5a9c078ac3503338c77c6ff1879c51bfc2192babe';

INSERT INTO releases (digest, prompt_name, prompt_number, upstream, parameters, tools, response_format, policy, created, author) VALUES ('5b0fd49588fe3f1b901d81c5a9c078ac3503338c77c6ff1879c51bfc2192babe', 'greeter', 1, 'demo', '{"temperature": 0.9}', '[]', NULL, NULL, 1795626523.8244207, 'ada');

UPDATE endpoints SET description=NULL, release='5b0fd49588fe3f1b901d81c5a9c078ac3503338c77c6ff1879c51bfc2192babe', updated=1795626523.833543, updated_by='ada' WHERE endpoints.name = 'greeter';

INSERT INTO endpoint_history (endpoint, release, at, "by", reason) VALUES ('greeter', '5b0fd49588fe3f1b901d81c5a9c078ac3503338c77c6ff1879c51bfc2192babe', 1795626523.833543, 'ada', 'apply');

SELECT releases.digest FROM releases WHERE releases.digest = '2cebf164532fb1a6b891ca054d11c4242c849ea2a6492cb6d922d38ac9199e12';

INSERT INTO releases (digest, prompt_name, prompt_number, upstream, parameters, tools, response_format, policy, created, author) VALUES ('2cebf164532fb1a6b891ca054d11c4242c849ea2a6492cb6d922d38ac9199e12', NULL, NULL, 'demo', '{}', '[{"type": "function", "function": {"name": "f"}}]', '{"type": "json_object"}', NULL, 1795626523.8346825, 'ada');

UPDATE endpoints SET description=NULL, release='2cebf164532fb1a6b891ca054d11c4242c849ea2a6492cb6d922d38ac9199e12', updated=1795626523.8349576, updated_by='ada' WHERE endpoints.name = 'second';

INSERT INTO endpoints (name, description, release, updated, updated_by) VALUES ('second', NULL, '2cebf164532fb1a6b891ca054d11c4242c849ea2a6492cb6d922d38ac9199e12', 1795626523.8349576, 'ada');

INSERT INTO endpoint_history (endpoint, release, at, "by", reason) VALUES ('second', '2cebf164532fb1a6b891ca054d11c4242c849ea2a6492cb6d922d38ac9199e12', 1795626523.8349576, 'ada', 'apply');

INSERT INTO calls (id, started, surface, status, error, key_id, asked, endpoint, release, upstream, provider, served, stream, input_tokens, output_tokens, cached_tokens, reasoning_tokens, estimated, cost, total_us, upstream_us, first_us, finish, client_request_id, trace_id, span_id, parent_id, snapshot) VALUES ('req_21', 1764000000000000002, 'chat', 200, NULL, 'key_2a', 'bot', 'bot', NULL, 'demo', 'scripted', 'scripted', TRUE, 3, 4, 0, 0, FALSE, 7, 900, 800, 500, 'stop', NULL, '00000000000000000000000000000000', '1111111111111111', NULL, 'abc');

INSERT INTO calls (id, started, surface, status, error, key_id, asked, endpoint, release, upstream, provider, served, stream, input_tokens, output_tokens, cached_tokens, reasoning_tokens, estimated, cost, total_us, upstream_us, first_us, finish, client_request_id, trace_id, span_id, parent_id, snapshot) VALUES ('req_22', 1764000001000000002, 'responses', 404, 'model_not_found', NULL, 'nowhere', NULL, NULL, NULL, NULL, NULL, FALSE, 0, 0, 0, 0, FALSE, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, '');

UPDATE shipped SET "offset"=777 WHERE shipped.segment = 'segment-2';

INSERT INTO shipped (segment, "offset") VALUES ('segment-2', 777);

INSERT INTO responses (id, key_id, created, status, body, turn, previous, expires) VALUES ('resp_2', 'key_2a', 1764000000.0, 'completed', '{"id": "resp_2", "output": []}', '[{"role": "user", "content": "hello"}]', NULL, 4102444800.0);

INSERT INTO responses (id, key_id, created, status, body, turn, previous, expires) VALUES ('resp_2m', 'key_2a', 1764000000.0, 'in_progress', '{"id": "resp_2m"}', '[]', 'resp_2', 4102444800.0);

SELECT keys.id, keys.name, keys.digest, keys.hint, keys.roles, keys.endpoints, keys.upstreams, keys.created, keys.expires, keys.revoked FROM keys ORDER BY keys.created, keys.id;

SELECT keys.id, keys.name, keys.digest, keys.hint, keys.roles, keys.endpoints, keys.upstreams, keys.created, keys.expires, keys.revoked FROM keys WHERE keys.revoked IS NULL AND (keys.expires IS NULL OR keys.expires > 1795626523.85429);

UPDATE keys SET revoked=1764000009.0 WHERE keys.id = 'key_2a' AND keys.revoked IS NULL;

SELECT shipped."offset" FROM shipped WHERE shipped.segment = 'segment-1';

UPDATE shipped SET "offset"=888 WHERE shipped.segment = 'segment-1';

DELETE FROM shipped WHERE shipped.segment = 'segment-2';

SELECT calls.id, calls.started, calls.surface, calls.status, calls.error, calls.key_id, calls.asked, calls.endpoint, calls.release, calls.upstream, calls.provider, calls.served, calls.stream, calls.input_tokens, calls.output_tokens, calls.cached_tokens, calls.reasoning_tokens, calls.estimated, calls.cost, calls.total_us, calls.upstream_us, calls.first_us, calls.finish, calls.client_request_id, calls.trace_id, calls.span_id, calls.parent_id, calls.snapshot FROM calls WHERE calls.endpoint = 'bot' AND calls.key_id = 'key_1a' AND calls.status = 200 ORDER BY calls.started DESC LIMIT 50 OFFSET 0;

SELECT responses.id, responses.key_id, responses.created, responses.status, responses.body, responses.turn, responses.previous, responses.expires FROM responses WHERE responses.id = 'resp_1' AND responses.key_id = 'key_1a' AND responses.expires > 1795626523.863538;

UPDATE responses SET status='failed', body='{"id": "resp_2m"}', turn='[]', expires=4102444800.0 WHERE responses.id = 'resp_2m' AND responses.key_id = 'key_2a' AND responses.status = 'in_progress';

DELETE FROM responses WHERE responses.id = 'resp_2' AND responses.key_id = 'key_2a';

DELETE FROM responses WHERE responses.expires <= 1795626523.8693974;

