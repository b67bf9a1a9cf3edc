"""The client for programs that run in an event loop. `gateway/client/synchronous` is made from it."""
