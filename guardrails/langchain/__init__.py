"""Policies in LangChain: a middleware for agents, and a guard around any chain. It is here only where LangChain is."""
