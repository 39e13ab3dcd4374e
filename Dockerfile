# One image for server and worker. What a worker's sandboxes need of the container is in docs/operating.md.
FROM python:3.11-slim-bookworm AS build
WORKDIR /source
COPY deploy/requirements.lock deploy/requirements.lock
RUN python -m venv /opt/mogplex \
 && /opt/mogplex/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r deploy/requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/mogplex/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends bubblewrap ca-certificates git openssh-client tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --home-dir /var/lib/mogplex --create-home --shell /usr/sbin/nologin mogplex
COPY --from=build /opt/mogplex /opt/mogplex
ENV PATH=/opt/mogplex/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    MOGPLEX_HOME=/var/lib/mogplex \
    MOGPLEX_HOST=0.0.0.0 \
    MOGPLEX_LOG_FORMAT=json
USER 10001:10001
WORKDIR /var/lib/mogplex
VOLUME /var/lib/mogplex
EXPOSE 7433
ENTRYPOINT ["tini", "--", "mogplex"]
CMD ["serve"]
