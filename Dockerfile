# Edge Caption for amd64 and arm64, from the wheel. Not built by our tests; see docs/docker.md.
#   docker buildx build --platform linux/amd64,linux/arm64 -t edge-caption .
#   docker run --rm --device /dev/video0 -v edge-caption:/var/lib/edge-caption edge-caption --source 0 --broker mqtt://broker
FROM python:3.12-slim AS wheel
WORKDIR /source
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY edge_caption edge_caption
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheel .

FROM python:3.12-slim
RUN --mount=type=bind,from=wheel,source=/wheel,target=/wheel \
    pip install --no-cache-dir "$(ls /wheel/*.whl)[broker,fleet,metrics,web]" \
    && useradd --system --create-home --groups video --home-dir /var/lib/edge-caption edge-caption
USER edge-caption
VOLUME /var/lib/edge-caption
ENTRYPOINT ["edge-caption", "run", "--state-dir", "/var/lib/edge-caption"]
