"""What a tool says when it could not do what was asked."""


class ToolFault(Exception):
    """The message goes to the model."""
