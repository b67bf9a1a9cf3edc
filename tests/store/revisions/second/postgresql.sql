CREATE TABLE migrations (
	name VARCHAR(100) NOT NULL, 
	at FLOAT NOT NULL, 
	PRIMARY KEY (name)
);

CREATE TABLE allowances (
	scope VARCHAR(100) NOT NULL, 
	requests_per_minute BIGINT, 
	tokens_per_minute BIGINT, 
	concurrent BIGINT, 
	budget BIGINT, 
	budget_period VARCHAR(8) NOT NULL, 
	updated FLOAT NOT NULL, 
	updated_by VARCHAR(100) NOT NULL, 
	PRIMARY KEY (scope)
);

CREATE TABLE calls (
	id VARCHAR(64) NOT NULL, 
	started BIGINT NOT NULL, 
	surface VARCHAR(16) NOT NULL, 
	status INTEGER NOT NULL, 
	error VARCHAR(100), 
	key_id VARCHAR(32), 
	asked VARCHAR(200), 
	endpoint VARCHAR(64), 
	release VARCHAR(64), 
	upstream VARCHAR(64), 
	provider VARCHAR(32), 
	served TEXT, 
	stream BOOLEAN NOT NULL, 
	input_tokens BIGINT NOT NULL, 
	output_tokens BIGINT NOT NULL, 
	cached_tokens BIGINT NOT NULL, 
	reasoning_tokens BIGINT NOT NULL, 
	estimated BOOLEAN NOT NULL, 
	cost BIGINT NOT NULL, 
	total_us BIGINT NOT NULL, 
	upstream_us BIGINT NOT NULL, 
	first_us BIGINT, 
	finish VARCHAR(64), 
	client_request_id VARCHAR(128), 
	trace_id VARCHAR(32), 
	span_id VARCHAR(16), 
	parent_id VARCHAR(16), 
	snapshot VARCHAR(64) NOT NULL, 
	owner VARCHAR(100), 
	team VARCHAR(64), 
	project VARCHAR(64), 
	attempts TEXT, 
	replayed VARCHAR(16), 
	PRIMARY KEY (id)
);

CREATE INDEX calls_by_asked ON calls (asked, started);

CREATE INDEX calls_by_client_request ON calls (client_request_id, started) WHERE client_request_id IS NOT NULL;

CREATE INDEX calls_by_endpoint ON calls (endpoint, started);

CREATE INDEX calls_by_error ON calls (error, started) WHERE error IS NOT NULL;

CREATE INDEX calls_by_finish ON calls (finish, started);

CREATE INDEX calls_by_key ON calls (key_id, started);

CREATE INDEX calls_by_owner ON calls (owner, started) WHERE owner IS NOT NULL;

CREATE INDEX calls_by_project ON calls (project, started) WHERE project IS NOT NULL;

CREATE INDEX calls_by_release ON calls (release, started);

CREATE INDEX calls_by_status ON calls (status, started) WHERE status >= 400;

CREATE INDEX calls_by_stream ON calls (stream, started);

CREATE INDEX calls_by_surface ON calls (surface, started);

CREATE INDEX calls_by_team ON calls (team, started) WHERE team IS NOT NULL;

CREATE INDEX calls_by_trace ON calls (trace_id, started) WHERE trace_id IS NOT NULL;

CREATE INDEX calls_by_upstream ON calls (upstream, started);

CREATE INDEX calls_dear ON calls (started) WHERE cost >= 100000;

CREATE INDEX calls_failed ON calls (started) WHERE error IS NOT NULL;

CREATE INDEX calls_slow ON calls (started) WHERE total_us >= 60000000;

CREATE INDEX ix_calls_started ON calls (started);

CREATE TABLE contents (
	id VARCHAR(64) NOT NULL, 
	started BIGINT NOT NULL, 
	request TEXT, 
	answer TEXT, 
	redacted JSON NOT NULL, 
	truncated BOOLEAN NOT NULL, 
	PRIMARY KEY (id)
);

CREATE INDEX ix_contents_started ON contents (started);

CREATE TABLE endpoint_history (
	id BIGSERIAL NOT NULL, 
	endpoint VARCHAR(64) NOT NULL, 
	release VARCHAR(64) NOT NULL, 
	at FLOAT NOT NULL, 
	by VARCHAR(100) NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (id)
);

CREATE INDEX ix_endpoint_history_endpoint ON endpoint_history (endpoint);

CREATE TABLE keys (
	id VARCHAR(32) NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	hint VARCHAR(8) NOT NULL, 
	roles JSON NOT NULL, 
	endpoints JSON, 
	upstreams JSON, 
	created FLOAT NOT NULL, 
	expires FLOAT, 
	revoked FLOAT, 
	owner VARCHAR(100), 
	project VARCHAR(64), 
	rotated FLOAT, 
	PRIMARY KEY (id), 
	UNIQUE (digest)
);

CREATE TABLE leases (
	name VARCHAR(64) NOT NULL, 
	holder VARCHAR(64) NOT NULL, 
	until FLOAT NOT NULL, 
	PRIMARY KEY (name)
);

CREATE TABLE prompts (
	name VARCHAR(64) NOT NULL, 
	number INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	messages JSON NOT NULL, 
	variables JSON NOT NULL, 
	created FLOAT NOT NULL, 
	author VARCHAR(100) NOT NULL, 
	PRIMARY KEY (name, number), 
	UNIQUE (name, digest)
);

CREATE TABLE releases (
	digest VARCHAR(64) NOT NULL, 
	prompt_name VARCHAR(64), 
	prompt_number INTEGER, 
	upstream VARCHAR(64) NOT NULL, 
	parameters JSON NOT NULL, 
	tools JSON NOT NULL, 
	response_format JSON, 
	policy VARCHAR(64), 
	created FLOAT NOT NULL, 
	author VARCHAR(100) NOT NULL, 
	PRIMARY KEY (digest)
);

CREATE TABLE responses (
	id VARCHAR(80) NOT NULL, 
	key_id VARCHAR(32) NOT NULL, 
	created FLOAT NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	body JSON NOT NULL, 
	turn JSON NOT NULL, 
	previous VARCHAR(80), 
	expires FLOAT NOT NULL, 
	PRIMARY KEY (id)
);

CREATE INDEX ix_responses_expires ON responses (expires);

CREATE INDEX responses_by_created ON responses (created);

CREATE TABLE retention_holds (
	id VARCHAR(32) NOT NULL, 
	key_id VARCHAR(32), 
	project VARCHAR(64), 
	endpoint VARCHAR(64), 
	reason TEXT NOT NULL, 
	created FLOAT NOT NULL, 
	created_by VARCHAR(100) NOT NULL, 
	lifted FLOAT, 
	lifted_by VARCHAR(100), 
	PRIMARY KEY (id)
);

CREATE TABLE revision (
	id SERIAL NOT NULL, 
	number BIGINT NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE shipped (
	segment VARCHAR(128) NOT NULL, 
	"offset" BIGINT NOT NULL, 
	PRIMARY KEY (segment)
);

CREATE TABLE spend (
	kind VARCHAR(16) NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	day INTEGER NOT NULL, 
	calls BIGINT NOT NULL, 
	errors BIGINT NOT NULL, 
	input_tokens BIGINT NOT NULL, 
	output_tokens BIGINT NOT NULL, 
	cached_tokens BIGINT NOT NULL, 
	reasoning_tokens BIGINT NOT NULL, 
	cost BIGINT NOT NULL, 
	PRIMARY KEY (kind, name, day)
);

CREATE TABLE teams (
	name VARCHAR(64) NOT NULL, 
	description TEXT, 
	created FLOAT NOT NULL, 
	PRIMARY KEY (name)
);

CREATE TABLE endpoints (
	name VARCHAR(64) NOT NULL, 
	description TEXT, 
	release VARCHAR(64) NOT NULL, 
	updated FLOAT NOT NULL, 
	updated_by VARCHAR(100) NOT NULL, 
	PRIMARY KEY (name), 
	FOREIGN KEY(release) REFERENCES releases (digest)
);

CREATE TABLE key_secrets (
	digest VARCHAR(64) NOT NULL, 
	key_id VARCHAR(32) NOT NULL, 
	hint VARCHAR(8) NOT NULL, 
	created FLOAT NOT NULL, 
	expires FLOAT NOT NULL, 
	PRIMARY KEY (digest), 
	FOREIGN KEY(key_id) REFERENCES keys (id)
);

CREATE INDEX ix_key_secrets_key_id ON key_secrets (key_id);

CREATE TABLE projects (
	name VARCHAR(64) NOT NULL, 
	team VARCHAR(64) NOT NULL, 
	created FLOAT NOT NULL, 
	PRIMARY KEY (name), 
	FOREIGN KEY(team) REFERENCES teams (name)
);

