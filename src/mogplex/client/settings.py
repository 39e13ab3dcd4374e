"""Which server a client speaks to when the program doesn't say."""

from __future__ import annotations

from mogplex.client.errors import UnusableValue
from mogplex.client.wire import Address
from mogplex.credentials import CredentialsError, read_credentials


def find_address(url: str | None, api_key: str | None) -> Address:
    """What is None comes from the environment, else from `auth.json`; "" is no key. Raises UnusableValue."""
    if url is not None and api_key is not None:
        return Address(url, api_key)
    try:
        found = read_credentials(url, api_key)
    except CredentialsError as error:
        raise UnusableValue(f"{error.message}. Next: {error.remedy}") from error
    return Address(found.url if url is None else url, found.api_key if api_key is None else api_key)
