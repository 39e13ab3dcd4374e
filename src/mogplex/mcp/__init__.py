"""The door for agents: Mogplex as tools of the Model Context Protocol, over HTTP and on stdio."""
