"""The dashboard: pages for people, drawn on the server, on the same services as the API."""
