# An image that serves a gallery: docker build -t likewise . && see docs/deploy.md
# No image engine runs where this is developed: tests/test_deploy.py runs its steps without one.

FROM python:3.12-slim AS build
WORKDIR /src
RUN python -m venv /opt/likewise
COPY requirements/serve.txt requirements/serve.txt
RUN /opt/likewise/bin/python -m pip install --no-cache-dir --require-hashes -r requirements/serve.txt
COPY pyproject.toml README.md LICENSE ./
COPY embedder embedder
COPY index index
COPY likewise likewise
RUN /opt/likewise/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.12-slim
RUN useradd --uid 10001 --create-home --home-dir /data likewise
COPY --from=build /opt/likewise /opt/likewise
ENV PATH=/opt/likewise/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s CMD ["/opt/likewise/bin/python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/opt/likewise/bin/likewise"]
CMD ["serve", "/data/digits.gallery", "--host", "0.0.0.0", "--port", "8000"]
