"""The HTTP server: the ASGI application, and what runs, proxies, measures, records and logs."""
