"""The one way out of a sandbox: an HTTP proxy on the trusted side that knows which hosts a repo may reach."""
