"""The variables of installers that setups get from the server, unless told otherwise."""

from __future__ import annotations

# Where packages come from instead of the installers' defaults, and whose certificates are believed.
SETUP_VARIABLES = (
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CERT", "PIP_DEFAULT_TIMEOUT", "PIP_RETRIES", "UV_INDEX",
    "UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "NPM_CONFIG_REGISTRY", "NODE_EXTRA_CA_CERTS", "GOPROXY",
    "GOSUMDB", "GONOSUMDB", "CARGO_HTTP_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
)  # fmt: skip
