"""The JSON door: `/api/v1/mogplex` and what stands beside it. It shows and refuses; the service decides."""
