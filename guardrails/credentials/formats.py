"""The formats in which credentials are issued, as their issuers document them or their scanners know them.

A format begins with a text that is searched for, and from there on `pattern` is matched. No letter, digit or underscore
may stand at either side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from guardrails.credentials import checks
from guardrails.linear import Pattern

W = "[A-Za-z0-9]"
U = "[A-Za-z0-9_-]"
HEX = "[0-9a-f]"


@dataclass(frozen=True)
class Format:
    """`begins` are the texts any of which it begins with; `longest` how many characters from there on are looked at."""

    label: str
    begins: tuple[str, ...]
    pattern: Pattern
    check: Callable[[str], float] = checks.known
    longest: int = 400


def _format(label: str, begins: str, rest: str, check: Callable[[str], float] = checks.known) -> Format:
    return Format(label, tuple(begins.split()), Pattern(rest), check)


def _long(label: str, begins: str, rest: str, check: Callable[[str], float] = checks.known) -> Format:
    """One whose length has no bound."""
    return Format(label, tuple(begins.split()), Pattern(rest), check, checks.LONGEST)


FORMATS: tuple[Format, ...] = (
    _format("aws access key", "AKIA ASIA ABIA ACCA", r"A[A-Z]{3}[A-Z0-9]{16}", checks.aws),
    _format("github token", "ghp_ gho_ ghu_ ghs_ ghr_", rf"gh[pousr]_{W}{{36}}", checks.github),
    _format("github token", "github_pat_", r"github_pat_[A-Za-z0-9_]{82}"),
    _format(
        "gitlab token",
        "glpat- gldt- glrt- glcbt- glptt- glft- glimt- glsoat- gloas-",
        rf"gl[a-z]{{2,4}}-{U}{{20,64}}(?:\.[0-9a-z.]{{4,24}})?",
    ),
    _format("slack token", "xoxa- xoxb- xoxe- xoxp- xoxr- xoxs- xoxc- xoxd-", r"xox[a-z]-[A-Za-z0-9%-]{20,250}"),
    _format("slack token", "xapp-", rf"xapp-[0-9]-[A-Z0-9]{{8,16}}-[0-9]{{8,16}}-{HEX}{{32,64}}"),
    _format(
        "slack webhook",
        "https://hooks.slack.com/",
        rf"https://hooks\.slack\.com/(?:services|workflows|triggers)/T{W}{{6,12}}/(?:B|A){W}{{6,16}}/{W}{{18,40}}",
    ),
    _format(
        "discord webhook",
        "https://discord.com/api/webhooks/",
        rf"https://[a-z.]+/api/webhooks/[0-9]{{17,20}}/{U}{{60,80}}",
    ),
    _format(
        "stripe key", "sk_live_ rk_live_ sk_test_ rk_test_ sk_org_", r"[sr]k_(?:live|test|org)_[A-Za-z0-9_]{16,250}"
    ),
    _format("stripe key", "whsec_", r"whsec_[A-Za-z0-9+/]{32,64}={0,2}"),
    _format("anthropic key", "sk-ant-", rf"sk-ant-[a-z0-9]{{3,12}}-{U}{{80,120}}"),
    _format(
        "openai key", "sk-", rf"sk-(?:(?:proj|svcacct|admin|None)-)?{U}{{20,160}}T3BlbkFJ{U}{{20,160}}", checks.likely
    ),
    _format("openai key", "sk-proj- sk-svcacct- sk-admin-", rf"sk-[a-z]{{4,8}}-{U}{{40,200}}"),
    _format("openrouter key", "sk-or-v1-", rf"sk-or-v1-{HEX}{{64}}"),
    _format("api key", "sk-", rf"sk-{W}{{32,64}}", checks.likely),
    _format("google api key", "AIza", rf"AIza{U}{{35}}"),
    _format("google oauth secret", "GOCSPX-", rf"GOCSPX-{U}{{28}}"),
    _long("google oauth token", "ya29.", rf"ya29\.{U}{{40,}}"),
    _format("hugging face token", "hf_", r"hf_[A-Za-z]{34}"),
    _format("hugging face token", "api_org_", r"api_org_[A-Za-z]{34}"),
    _format("replicate token", "r8_", rf"r8_{W}{{37}}"),
    _format("groq key", "gsk_", rf"gsk_{W}{{52}}"),
    _format("xai key", "xai-", rf"xai-{W}{{80}}"),
    _format("perplexity key", "pplx-", rf"pplx-{W}{{40,64}}"),
    _format("npm token", "npm_", rf"npm_{W}{{36}}", checks.github),
    _long("pypi token", "pypi-AgE", rf"pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZ){U}{{50,}}", checks.pypi),
    _format("rubygems key", "rubygems_", rf"rubygems_{HEX}{{48}}"),
    _format("docker token", "dckr_pat_ dckr_oat_", rf"dckr_[po]at_{U}{{27,64}}"),
    _format("sendgrid key", "SG.", rf"SG\.{U}{{20,24}}\.{U}{{39,50}}"),
    _format("mailgun key", "key-", rf"key-{HEX}{{32}}", checks.likely),
    _format("twilio key", "SK", rf"SK{HEX}{{32}}"),
    _format("shopify token", "shpat_ shpca_ shppa_ shpss_", r"shp[a-z]{2}_[0-9A-Fa-f]{32}"),
    _format("square token", "sq0atp- sq0csp- EAAA", rf"(?:sq0(?:atp|csp)-{U}{{22,43}}|EAAA{U}{{60}})"),
    _format("digitalocean token", "dop_v1_ doo_v1_ dor_v1_", rf"do[opr]_v1_{HEX}{{64}}"),
    _format("linear key", "lin_api_", rf"lin_api_{W}{{40}}"),
    _format("notion token", "ntn_ secret_", rf"(?:ntn_{W}{{46}}|secret_{W}{{43}})"),
    _format("postman key", "PMAK-", rf"PMAK-{HEX}{{24}}-{HEX}{{34}}"),
    _format("grafana token", "glsa_", rf"glsa_{W}{{32}}_[0-9A-Fa-f]{{8}}"),
    _format("databricks token", "dapi", rf"dapi{HEX}{{32}}(?:-[0-9])?"),
    _format("vault token", "hvs. hvb.", rf"hv[sb]\.{U}{{24,250}}"),
    _format("age key", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    _format("sentry token", "sntrys_ sntryu_", r"sntry[su]_[A-Za-z0-9+/=_]{40,300}"),
    _format("new relic key", "NRAK-", r"NRAK-[A-Z0-9]{27}"),
    _format("figma token", "figd_", rf"figd_{U}{{40,48}}"),
    _format("atlassian token", "ATATT3", rf"ATATT3{U}{{180,220}}=[0-9A-F]{{8}}"),
    _format("supabase token", "sbp_", rf"sbp_{HEX}{{40}}"),
    _format("pulumi token", "pul-", rf"pul-{HEX}{{40}}"),
    _long(
        "azure storage key",
        "DefaultEndpointsProtocol= AccountKey=",
        r"(?:(?:DefaultEndpointsProtocol|AccountName|BlobEndpoint)=[^;\s\"'<>]{1,120};){0,6}AccountKey=[A-Za-z0-9+/]{86}=="
        r"(?:;EndpointSuffix=[a-z.]{1,60})?",
        checks.storage,
    ),
    _long("jwt", "eyJ", rf"eyJ{U}{{8,}}\.eyJ{U}{{2,}}(?:\.{U}{{16,}})?", checks.jwt),
    _long("jwt", "eyJ", rf"eyJ{U}{{16,}}\.{U}*\.{U}{{8,60}}\.{U}{{8,}}\.{U}{{16,60}}", checks.jwt),
)
"""Where two begin alike the first that matches is taken."""
