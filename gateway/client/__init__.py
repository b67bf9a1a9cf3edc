"""A gateway in the hands of a Python program: `Client`, and `AsyncClient` for an event loop."""

from gateway.client.asynchronous.client import AsyncClient
from gateway.client.prompt import Prompt
from gateway.client.synchronous.client import Client
from gateway.webhooks import verify as verify_webhook

__all__ = ["AsyncClient", "Client", "Prompt", "verify_webhook"]
