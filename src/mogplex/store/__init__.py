"""Memory: the tables, and the functions that read and write them. SQLite and PostgreSQL, one code."""
