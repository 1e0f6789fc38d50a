# The service on a CPU: docker build -t text2sql . && docker run -v "$PWD/docs/serving:/service:ro" text2sql
FROM python:3.11-slim
RUN useradd --create-home t2s
WORKDIR /build
# torch for a CPU first: the default one brings several gigabytes of CUDA
RUN pip install --no-cache-dir torch --index-url https://download.pytorch.org/whl/cpu
COPY pyproject.toml README.md LICENSE ./
COPY adapters adapters
COPY text2sql text2sql
RUN pip install --no-cache-dir '.[serve,postgres]' && rm -rf /build/text2sql
USER t2s
WORKDIR /service
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health', timeout=3)"]
CMD ["t2s", "serve", "--config", "service.yaml"]
