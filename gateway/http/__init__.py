"""How HTTP reaches an upstream: one small interface, an own HTTP/1.1 client and aiohttp behind it."""
