"""What a provider would do for a request besides answering: outside the sandbox, and not in the usage it tells.

Tools are known by their type: those that the harness runs itself pass, all others are a provider's. A new one of a
provider's is so refused until somebody has looked at it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mogplex.domain.model import ModelProtocol

# Fields that start work of the provider's, or move the call to another price, and the values that do neither.
_FIELDS: Mapping[str, tuple[object, ...]] = {
    "background": (),  # goes on when nobody listens, and tells no usage
    "mcp_servers": (),
    "web_search_options": (),
    "plugins": (),  # of OpenRouter: web search and others
    "models": (),  # of OpenRouter: other models than the one that was asked
    "container": (),
    "prompt": (),  # a stored one can have tools
    "service_tier": ("auto", "default", "standard", "standard_only"),
    "speed": ("standard",),
}
_HARNESS_TOOLS = {
    ModelProtocol.RESPONSES: ("function", "custom", "local_shell", "apply_patch"),
    ModelProtocol.CHAT: ("function", "custom"),
    ModelProtocol.MESSAGES: ("custom",),
}
# With a date behind it: what Anthropic has trained its models on, to be run by the harness; the last searches the
# request's own list of tools.
_HARNESS_TOOL_PREFIXES = ("bash_", "text_editor_", "memory_", "computer_", "tool_search_tool_")
FETCH = "url"  # an image or a file that the provider is to fetch
_MAX_DEPTH = 20  # of parts within parts; real ones have 3


def features_of(fields: Mapping[str, Any], protocol: ModelProtocol) -> Iterator[str]:
    """Names, as the provider's setting `allow` takes them: of fields, of types of tools, and `url`."""
    for name, harmless in _FIELDS.items():
        value = fields.get(name)
        if value and value not in harmless:
            yield name
    yield from _tools(fields.get("tools"), protocol)
    for name in ("system", "input", "messages"):
        for part in _parts(fields.get(name)):
            yield from _tools(part.get("tools"), protocol)
            if _is_fetched(part):
                yield FETCH


def _tools(tools: Any, protocol: ModelProtocol) -> Iterator[str]:
    for tool in tools if isinstance(tools, list) else ():
        kind = tool.get("type") if isinstance(tool, dict) else None
        if kind is None or kind in _HARNESS_TOOLS[protocol]:
            continue
        if protocol is ModelProtocol.MESSAGES and str(kind).startswith(_HARNESS_TOOL_PREFIXES):
            continue
        if kind == "namespace" and protocol is ModelProtocol.RESPONSES:
            yield from _tools(tool.get("tools"), protocol)
        elif not (kind == "tool_search" and tool.get("execution") == "client"):
            yield str(kind)


def _parts(value: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Messages and the parts of them, but not what was handed to a tool: that may look like anything."""
    if depth > _MAX_DEPTH:
        return
    for part in value if isinstance(value, list) else (value,):
        if isinstance(part, dict):
            yield part
            for name in ("content", "output", "source"):
                if isinstance(part.get(name), (list, dict)):
                    yield from _parts(part[name], depth + 1)


def _is_fetched(part: Mapping[str, Any]) -> bool:
    if part.get("type") == "url" or part.get("file_url"):
        return True
    image = part.get("image_url")
    address = image.get("url") if isinstance(image, dict) else image
    return isinstance(address, str) and not address.startswith("data:")
