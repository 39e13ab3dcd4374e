"""An ended run as an OpenTelemetry trace: run, attempts, model calls, tool calls, checks."""
