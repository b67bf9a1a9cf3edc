"""Attacks of `guardrails.redteam`, made as evals are run: asked, scored, logged, resumed, and evidence for gates."""
