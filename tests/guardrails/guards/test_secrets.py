"""Credentials: what is one, what only looks like one, and how they are followed while they come."""

from __future__ import annotations

import base64
import json
import random
import string
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.benchmark.spans import read, table
from guardrails.credentials.checks import BASE62, LONGEST, VERIFIED, aws, basic, github, jwt, storage
from guardrails.credentials.formats import FORMATS
from guardrails.guards.secrets import Secrets
from guardrails.passage import ALONE, Passage
from tests.guardrails.guards import finders

SECRETS = Secrets(guard="secrets")
DEV = Path(__file__).parents[4] / "shared/data/guard/secrets_dev.parquet"


def made(length: int, signs: str = string.ascii_letters + string.digits, seed: int = 7) -> str:
    chance = random.Random(seed)
    return "".join(chance.choice(signs) for _ in range(length))


def checked(prefix: str, seed: int = 7) -> str:
    """A token as GitHub makes them, with its check sum."""
    body = made(30, seed=seed)
    total, digits = crc32(body.encode()), ""
    for _ in range(6):
        total, digit = divmod(total, 62)
        digits = BASE62[digit] + digits
    return prefix + body + digits


def packed(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


HEX = "0123456789abcdef"
JWT = f"{packed({'alg': 'HS256', 'typ': 'JWT'})}.{packed({'sub': '1234', 'name': 'Ada'})}.{made(43)}"
LINES = "\n".join(made(64, seed=seed) for seed in range(6))
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{LINES}\n-----END RSA PRIVATE KEY-----"
STORAGE = base64.b64encode(random.Random(1).randbytes(64)).decode()
ISSUED = {
    "aws access key": "AKIA" + made(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "github token": checked("ghp_"),
    "gitlab token": "glpat-" + made(20),
    "slack token": f"xoxb-{made(11, string.digits)}-{made(12, string.digits)}-{made(24)}",
    "slack webhook": f"https://hooks.slack.com/services/T{made(8).upper()}/B{made(8).upper()}/{made(24)}",
    "stripe key": "sk_live_" + made(24),
    "anthropic key": f"sk-ant-api03-{made(93)}AA",
    "openai key": f"sk-{made(20)}T3BlbkFJ{made(20, seed=8)}",
    "google api key": "AIza" + made(35),
    "hugging face token": "hf_" + made(34, string.ascii_letters),
    "npm token": checked("npm_", seed=9),
    "pypi token": "pypi-AgEIcHlwaS5vcmc" + made(80),
    "sendgrid key": f"SG.{made(22)}.{made(43)}",
    "twilio key": "SK" + made(32, HEX),
    "jwt": JWT,
    "private key": PEM,
    "url with password": "postgres://app:yeKm9Y1GXbVzZj@db.internal:5432/prod",
    "azure storage key": f"DefaultEndpointsProtocol=https;AccountName=a1;AccountKey={STORAGE};EndpointSuffix=a.example",
}
LABELLED = (
    'password = "S64GwM^bTzUjW!"',
    "my password is hunter22",
    f"api_secret: {made(40, HEX)}",
    f"AWS_SECRET_ACCESS_KEY={made(40)}",
    f"Authorization: Bearer {made(32)}",
    f'{{"client_secret": "{made(32)}"}}',
    "Authorization: Basic " + base64.b64encode(b"ada:S64GwMbTzUjW").decode(),
)


@pytest.mark.parametrize("label", ISSUED)
@pytest.mark.parametrize("around", ["{}", "Use {} please.", "token={}\n", '{{"key": "{}"}}', "auth failed for {}"])
def test_a_credential_is_found_with_its_beginning_and_end(label: str, around: str) -> None:
    text = around.format(ISSUED[label])
    found = [(text[span.start : span.end], span.label) for span in SECRETS.spans(text, ALONE)]
    assert found == [(ISSUED[label], label)]


@pytest.mark.parametrize("text", LABELLED)
def test_what_stands_before_a_secret_gives_it_away(text: str) -> None:
    (found,) = SECRETS.spans(text, ALONE)
    assert found.label == "secret"
    assert len(text[found.start : found.end]) >= 8
    assert Secrets(guard="secrets", known_only=True).spans(text, ALONE) == []


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "api_key: sk-xxxxxxxxxxxxxxxxxxxxxxxx",
        'api_key = "${OPENAI_API_KEY}"',
        "token: <YOUR_TOKEN>",
        "token = os.environ['TOKEN']",
        "password: ********",
        "password = getpass()",
        "self.password = config.database.password",
        f"sha256: {made(64, HEX)}",
        f"commit {made(40, HEX)}",
        "request_id: e81c39f9-9751-4cd0-a1ab-31597c20c136",
        "token: e81c39f9-9751-4cd0-a1ab-31597c20c136",
        "publishable key: pk_live_bmjIKKh0WbRCsM8ssocOAmRD",
        f"ssh-rsa AAAAB3NzaC1yc2E{made(200)} user@host",
        f"integrity: sha512-{STORAGE}",
        "max_tokens: 1024, token: 17",
        "https://user:password@example.com/x",
        "https://{user}:{password}@example.com/x",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "The secret is: be patient. Your password must have 12 characters.",
        f"eyJ{made(20)}.{made(20)}.{made(20)}",
        f"data:image/png;base64,{STORAGE}",
        "task-" + made(36),
        f"x{ISSUED['github token']}",
        f"{ISSUED['github token']}x",
    ],
)
def test_a_look_alike_is_none(text: str) -> None:
    assert SECRETS.spans(text, ALONE) == []


def test_a_right_check_sum_makes_sure() -> None:
    assert github(checked("ghp_")) == VERIFIED
    assert 0 < github("ghp_" + made(36)) < VERIFIED
    assert jwt(JWT) == VERIFIED
    assert jwt(f"{packed({'typ': 'JWT'})}.{packed({})}.{made(43)}") == 0
    assert storage(f"AccountKey={STORAGE}") == VERIFIED
    assert storage("AccountKey=" + "A" * 86 + "==") == 0
    assert basic(base64.b64encode(b"no colon here").decode()) == 0
    assert aws("AKIAIOSFODNN7EXAMPLE") == 0


def test_every_format_says_how_it_begins() -> None:
    for form in FORMATS:
        assert form.begins, form.label
        assert all(len(begin) >= 2 for begin in form.begins), form.label


@pytest.mark.anyio
async def test_the_reason_names_kinds_and_quotes_nothing() -> None:
    finding = await SECRETS.judge(Passage(f"{ISSUED['stripe key']} and {PEM}"), ALONE, None)  # type: ignore[arg-type]
    assert finding.reason == "stripe key, private key"
    assert finding.score >= 0.9


SNIPPETS = finders.spliced(*ISSUED.values(), *LABELLED)


@settings(max_examples=60, deadline=None)
@given(text=SNIPPETS)
def test_it_keeps_its_word(text: str) -> None:
    finders.keeps_its_word(SECRETS, text)


@settings(max_examples=150, deadline=None)
@given(text=SNIPPETS, cuts=st.lists(st.integers(0, 3000), max_size=30))
def test_it_does_not_depend_on_where_a_text_is_cut(text: str, cuts: list[int]) -> None:
    finders.is_the_same_however_cut(SECRETS, text, cuts)


@pytest.mark.parametrize(
    "text", [f"eyJ{'hbGci' * 2000} and on", f"{PEM[:40]}{LINES * 20}", f"token={made(9000)}", "a" * 9000]
)
def test_what_is_longer_than_can_be_held_is_found_by_what_is_there(text: str) -> None:
    finders.is_the_same_however_cut(SECRETS, text, list(range(0, len(text), 97)))
    assert max(length - SECRETS.settled(text[:length]) for length in range(0, len(text), 97)) <= LONGEST


def test_of_ordinary_text_a_word_is_held_back() -> None:
    prose = "".join(finders.PROSE) + "See https://example.com/a/long/path?of=query&and=more#x, and more; " + "x" * 200
    assert finders.held_back(SECRETS, prose) <= 40


def test_a_key_is_held_back_from_its_first_line_on() -> None:
    assert SECRETS.settled(f"Here: {PEM[:200]}") == 6
    assert SECRETS.settled(f"Here: {PEM}\nand so on it goes ") > 6 + len(PEM)


@pytest.mark.skipif(not DEV.exists(), reason="the guard data is not here")
def test_on_the_generated_credentials() -> None:
    measured = table(SECRETS, read(DEV))
    assert (measured.total.recall or 0) >= 0.97
    assert (measured.false_alarms or 0) <= 0.03


def test_a_value_that_swallows_a_label_does_not_hide_the_next() -> None:
    text = f"my password is hunter22api_secret: {made(40, HEX)}api_secret: {made(40, HEX)} and so on"
    finders.keeps_its_word(SECRETS, text)
    assert len(SECRETS.spans(text, ALONE)) == 3


@pytest.mark.parametrize(
    "text", ["basic \x80aaaaaaaaaaaaaaaaaaaaaaa", "Bearer " + "\u0660" * 30, f"eyJ{'W' * 5000}.eyJ{'W' * 9}"]
)
def test_what_cannot_be_decoded_is_none(text: str) -> None:
    assert SECRETS.spans(text, ALONE) == []
