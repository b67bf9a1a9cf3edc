UPDATE revision SET number=(revision.number + 1);

SELECT teams.name FROM teams WHERE teams.name = 'team-2';

INSERT INTO teams (name, description, created) VALUES ('team-2', 'The web''s', 1764000000.0);

SELECT projects.name FROM projects WHERE projects.name = 'project-2';

INSERT INTO projects (name, team, created) VALUES ('project-2', 'team-2', 1764000000.0);

INSERT INTO keys (id, name, digest, hint, roles, endpoints, upstreams, created, expires, revoked, owner, project, rotated) VALUES ('key_2a', 'Ada''s', '2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a', 'wxyz', '["admin", "viewer"]', NULL, '["demo"]', 1764000000.5, NULL, NULL, 'ada', 'project-2', NULL);

INSERT INTO keys (id, name, digest, hint, roles, endpoints, upstreams, created, expires, revoked, owner, project, rotated) VALUES ('key_2b', 'bob', '2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b', 'abcd', '[]', '["bot"]', NULL, 1764000001.25, 4102444800.0, 1764000002.0, 'bob', NULL, NULL);

SELECT key_secrets.digest, key_secrets.key_id, key_secrets.hint, key_secrets.created, key_secrets.expires FROM key_secrets WHERE key_secrets.expires > 1795627364.8384273 ORDER BY key_secrets.created DESC;

SELECT keys.id, keys.name, keys.digest, keys.hint, keys.roles, keys.endpoints, keys.upstreams, keys.created, keys.expires, keys.revoked, keys.owner, keys.project, keys.rotated FROM keys WHERE keys.id = 'key_2a' AND keys.revoked IS NULL AND (keys.expires IS NULL OR keys.expires > 1795627364.838388) ORDER BY keys.created, keys.id;

DELETE FROM key_secrets WHERE key_secrets.key_id = 'key_2a' AND key_secrets.expires <= 1795627364.839345;

UPDATE key_secrets SET expires=2795627364.839345 WHERE key_secrets.key_id = 'key_2a' AND key_secrets.expires > 2795627364.839345;

INSERT INTO key_secrets (digest, key_id, hint, created, expires) VALUES ('2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a', 'key_2a', 'wxyz', 1764000000.5, 2795627364.839345);

UPDATE keys SET digest='2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c', hint='qrst', rotated=1795627364.839345 WHERE keys.id = 'key_2a';

SELECT key_secrets.digest, key_secrets.key_id, key_secrets.hint, key_secrets.created, key_secrets.expires FROM key_secrets WHERE key_secrets.expires > 1795627364.8409958 ORDER BY key_secrets.created DESC;

SELECT keys.id, keys.name, keys.digest, keys.hint, keys.roles, keys.endpoints, keys.upstreams, keys.created, keys.expires, keys.revoked, keys.owner, keys.project, keys.rotated FROM keys WHERE keys.id = 'key_2a' ORDER BY keys.created, keys.id;

SELECT revision.number FROM revision;

SELECT prompts.name, prompts.number, prompts.digest, prompts.messages, prompts.variables, prompts.created, prompts.author FROM prompts ORDER BY prompts.name, prompts.number;

SELECT releases.digest, releases.prompt_name, releases.prompt_number, releases.upstream, releases.parameters, releases.tools, releases.response_format, releases.policy, releases.created, releases.author FROM releases;

SELECT min(migrations.at) AS min_1 FROM migrations;

SELECT endpoints.name, endpoints.description, endpoints.release, endpoints.updated, endpoints.updated_by, anon_1.created FROM endpoints JOIN (SELECT endpoint_history.endpoint AS endpoint, min(endpoint_history.at) AS created FROM endpoint_history GROUP BY endpoint_history.endpoint) AS anon_1 ON anon_1.endpoint = endpoints.name ORDER BY endpoints.name;

SELECT releases.digest FROM releases WHERE releases.digest = '5b0fd49588fe3f1b901d81c5a9c078ac3503338c77c6ff1879c51bfc2192babe';

INSERT INTO releases (digest, prompt_name, prompt_number, upstream, parameters, tools, response_format, policy, created, author) VALUES ('5b0fd49588fe3f1b901d81c5a9c078ac3503338c77c6ff1879c51bfc2192babe', 'greeter', 1, 'demo', '{"temperature": 0.9}', '[]', NULL, NULL, 1795627364.846641, 'ada');

UPDATE endpoints SET description=NULL, release='5b0fd49588fe3f1b901d81c5a9c078ac3503338c77c6ff1879c51bfc2192babe', updated=1795627364.8472493, updated_by='ada' WHERE endpoints.name = 'greeter';

INSERT INTO endpoint_history (endpoint, release, at, "by", reason) VALUES ('greeter', '5b0fd49588fe3f1b901d81c5a9c078ac3503338c77c6ff1879c51bfc2192babe', 1795627364.8472493, 'ada', 'apply');

SELECT releases.digest FROM releases WHERE releases.digest = '2cebf164532fb1a6b891ca054d11c4242c849ea2a6492cb6d922d38ac9199e12';

INSERT INTO releases (digest, prompt_name, prompt_number, upstream, parameters, tools, response_format, policy, created, author) VALUES ('2cebf164532fb1a6b891ca054d11c4242c849ea2a6492cb6d922d38ac9199e12', NULL, NULL, 'demo', '{}', '[{"type": "function", "function": {"name": "f"}}]', '{"type": "json_object"}', NULL, 1795627364.8483725, 'ada');

UPDATE endpoints SET description=NULL, release='2cebf164532fb1a6b891ca054d11c4242c849ea2a6492cb6d922d38ac9199e12', updated=1795627364.8487148, updated_by='ada' WHERE endpoints.name = 'second';

INSERT INTO endpoints (name, description, release, updated, updated_by) VALUES ('second', NULL, '2cebf164532fb1a6b891ca054d11c4242c849ea2a6492cb6d922d38ac9199e12', 1795627364.8487148, 'ada');

INSERT INTO endpoint_history (endpoint, release, at, "by", reason) VALUES ('second', '2cebf164532fb1a6b891ca054d11c4242c849ea2a6492cb6d922d38ac9199e12', 1795627364.8487148, 'ada', 'apply');

SELECT allowances.scope, allowances.requests_per_minute, allowances.tokens_per_minute, allowances.concurrent, allowances.budget, allowances.budget_period, allowances.updated, allowances.updated_by FROM allowances WHERE allowances.scope = 'team:team-2';

INSERT INTO allowances (scope, requests_per_minute, tokens_per_minute, concurrent, budget, budget_period, updated, updated_by) VALUES ('team:team-2', NULL, 10, NULL, 5000000, 'month', 1795627364.8499212, 'ada');

INSERT INTO calls (id, started, surface, status, error, key_id, asked, endpoint, release, upstream, provider, served, stream, input_tokens, output_tokens, cached_tokens, reasoning_tokens, estimated, cost, total_us, upstream_us, first_us, finish, client_request_id, trace_id, span_id, parent_id, snapshot, owner, team, project, attempts, replayed) VALUES ('req_21', 1764000000000000002, 'chat', 200, NULL, 'key_2a', 'bot', 'bot', NULL, 'demo', 'scripted', 'scripted', TRUE, 3, 4, 0, 0, FALSE, 7, 900, 800, 500, 'stop', NULL, '00000000000000000000000000000000', '1111111111111111', NULL, 'abc', 'ada', 'team-2', 'project-2', '[["demo",null,800]]', NULL);

INSERT INTO calls (id, started, surface, status, error, key_id, asked, endpoint, release, upstream, provider, served, stream, input_tokens, output_tokens, cached_tokens, reasoning_tokens, estimated, cost, total_us, upstream_us, first_us, finish, client_request_id, trace_id, span_id, parent_id, snapshot, owner, team, project, attempts, replayed) VALUES ('req_22', 1764000001000000002, 'responses', 404, 'model_not_found', NULL, 'nowhere', NULL, NULL, NULL, NULL, NULL, FALSE, 0, 0, 0, 0, FALSE, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, '', NULL, NULL, NULL, NULL, NULL);

INSERT INTO spend (kind, name, day, calls, errors, input_tokens, output_tokens, cached_tokens, reasoning_tokens, cost) VALUES ('endpoint', 'bot', 20416, 1, 0, 3, 4, 0, 0, 7) ON CONFLICT (kind, name, day) DO UPDATE SET calls = spend.calls + excluded.calls, errors = spend.errors + excluded.errors, input_tokens = spend.input_tokens + excluded.input_tokens, output_tokens = spend.output_tokens + excluded.output_tokens, cached_tokens = spend.cached_tokens + excluded.cached_tokens, reasoning_tokens = spend.reasoning_tokens + excluded.reasoning_tokens, cost = spend.cost + excluded.cost;

INSERT INTO spend (kind, name, day, calls, errors, input_tokens, output_tokens, cached_tokens, reasoning_tokens, cost) VALUES ('key', 'key_2a', 20416, 1, 0, 3, 4, 0, 0, 7) ON CONFLICT (kind, name, day) DO UPDATE SET calls = spend.calls + excluded.calls, errors = spend.errors + excluded.errors, input_tokens = spend.input_tokens + excluded.input_tokens, output_tokens = spend.output_tokens + excluded.output_tokens, cached_tokens = spend.cached_tokens + excluded.cached_tokens, reasoning_tokens = spend.reasoning_tokens + excluded.reasoning_tokens, cost = spend.cost + excluded.cost;

UPDATE shipped SET "offset"=777 WHERE shipped.segment = 'segment-2';

INSERT INTO shipped (segment, "offset") VALUES ('segment-2', 777);

INSERT INTO contents (id, started, request, answer, redacted, truncated) VALUES ('req_21', 1764000000000000002, '{"said":"[card]"}', NULL, '{"card": 1}', TRUE);

UPDATE shipped SET "offset"=7 WHERE shipped.segment = 'segment-c2';

INSERT INTO shipped (segment, "offset") VALUES ('segment-c2', 7);

INSERT INTO responses (id, key_id, created, status, body, turn, previous, expires) VALUES ('resp_2', 'key_2a', 1764000000.0, 'completed', '{"id": "resp_2", "output": []}', '[{"role": "user", "content": "hello"}]', NULL, 4102444800.0);

INSERT INTO responses (id, key_id, created, status, body, turn, previous, expires) VALUES ('resp_2m', 'key_2a', 1764000000.0, 'in_progress', '{"id": "resp_2m"}', '[]', 'resp_2', 4102444800.0);

INSERT INTO retention_holds (id, key_id, project, endpoint, reason, created, created_by, lifted, lifted_by) VALUES ('hold_2', 'key_2a', NULL, NULL, 'a court''s order', 1764000000.0, 'ada', NULL, NULL);

UPDATE leases SET holder='me', until=1795627424.8535705 WHERE leases.name = 'job-2' AND (leases.holder = 'me' OR leases.until < 1795627364.8535705);

INSERT INTO leases (name, holder, until) VALUES ('job-2', 'me', 1795627424.8535705) ON CONFLICT (name) DO NOTHING;

SELECT key_secrets.digest, key_secrets.key_id, key_secrets.hint, key_secrets.created, key_secrets.expires FROM key_secrets WHERE key_secrets.expires > 1795627364.8551602 ORDER BY key_secrets.created DESC;

SELECT keys.id, keys.name, keys.digest, keys.hint, keys.roles, keys.endpoints, keys.upstreams, keys.created, keys.expires, keys.revoked, keys.owner, keys.project, keys.rotated FROM keys ORDER BY keys.created, keys.id;

SELECT key_secrets.digest, key_secrets.key_id, key_secrets.hint, key_secrets.created, key_secrets.expires FROM key_secrets WHERE key_secrets.expires > 1795627364.8558936 ORDER BY key_secrets.created DESC;

SELECT keys.id, keys.name, keys.digest, keys.hint, keys.roles, keys.endpoints, keys.upstreams, keys.created, keys.expires, keys.revoked, keys.owner, keys.project, keys.rotated FROM keys WHERE keys.revoked IS NULL AND (keys.expires IS NULL OR keys.expires > 1795627364.8558493) ORDER BY keys.created, keys.id;

SELECT key_secrets.digest, key_secrets.key_id, key_secrets.hint, key_secrets.created, key_secrets.expires FROM key_secrets WHERE key_secrets.expires > 1795627364.8567922 ORDER BY key_secrets.created DESC;

SELECT keys.id, keys.name, keys.digest, keys.hint, keys.roles, keys.endpoints, keys.upstreams, keys.created, keys.expires, keys.revoked, keys.owner, keys.project, keys.rotated FROM keys WHERE keys.id = 'key_2a' AND keys.revoked IS NULL AND (keys.expires IS NULL OR keys.expires > 1795627364.8567603) ORDER BY keys.created, keys.id;

UPDATE keys SET owner='eve', project='project-2' WHERE keys.id = 'key_2a';

UPDATE keys SET revoked=1764000009.0 WHERE keys.id = 'key_2a' AND keys.revoked IS NULL;

DELETE FROM key_secrets WHERE key_secrets.key_id = 'key_2a';

SELECT shipped."offset" FROM shipped WHERE shipped.segment = 'segment-1';

UPDATE shipped SET "offset"=888 WHERE shipped.segment = 'segment-1';

DELETE FROM shipped WHERE shipped.segment = 'segment-2';

SELECT responses.id, responses.key_id, responses.created, responses.status, responses.body, responses.turn, responses.previous, responses.expires FROM responses WHERE responses.id = 'resp_1' AND responses.key_id = 'key_1a' AND responses.expires > 1795627364.8595805;

UPDATE responses SET status='failed', body='{"id": "resp_2m"}', turn='[]', expires=4102444800.0 WHERE responses.id = 'resp_2m' AND responses.key_id = 'key_2a' AND responses.status = 'in_progress';

DELETE FROM responses WHERE responses.id = 'resp_2' AND responses.key_id = 'key_2a';

SELECT contents.id, contents.started, contents.request, contents.answer, contents.redacted, contents.truncated FROM contents WHERE contents.id = 'req_11';

SELECT teams.name, teams.description, teams.created FROM teams ORDER BY teams.name;

SELECT projects.name, projects.team, projects.created FROM projects ORDER BY projects.name;

SELECT allowances.scope, allowances.requests_per_minute, allowances.tokens_per_minute, allowances.concurrent, allowances.budget, allowances.budget_period, allowances.updated, allowances.updated_by FROM allowances ORDER BY allowances.scope;

DELETE FROM allowances WHERE allowances.scope = 'team:team-2';

SELECT retention_holds.id, retention_holds.key_id, retention_holds.project, retention_holds.endpoint, retention_holds.reason, retention_holds.created, retention_holds.created_by, retention_holds.lifted, retention_holds.lifted_by FROM retention_holds WHERE retention_holds.lifted IS NULL ORDER BY retention_holds.created, retention_holds.id;

UPDATE retention_holds SET lifted=1795627364.862977, lifted_by='ada' WHERE retention_holds.id = 'hold_2' AND retention_holds.lifted IS NULL;

DELETE FROM leases WHERE leases.name = 'job-2' AND leases.holder = 'me';

