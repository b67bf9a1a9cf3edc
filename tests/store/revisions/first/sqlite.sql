CREATE TABLE migrations (
	name VARCHAR(100) NOT NULL, 
	at FLOAT NOT NULL, 
	PRIMARY KEY (name)
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
	PRIMARY KEY (id)
);

CREATE INDEX calls_by_endpoint ON calls (endpoint, started);

CREATE INDEX calls_by_key ON calls (key_id, started);

CREATE INDEX ix_calls_started ON calls (started);

CREATE TABLE endpoint_history (
	id INTEGER NOT NULL, 
	endpoint VARCHAR(64) NOT NULL, 
	release VARCHAR(64) NOT NULL, 
	at FLOAT NOT NULL, 
	"by" VARCHAR(100) NOT NULL, 
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
	PRIMARY KEY (id), 
	UNIQUE (digest)
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

CREATE TABLE revision (
	id INTEGER NOT NULL, 
	number BIGINT NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE shipped (
	segment VARCHAR(128) NOT NULL, 
	"offset" BIGINT NOT NULL, 
	PRIMARY KEY (segment)
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

