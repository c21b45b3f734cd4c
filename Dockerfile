# One image for web server and worker; compose.yaml says how they run. The set-up is the same as everywhere.
FROM python:3.12-slim-bookworm AS made
RUN apt-get update && apt-get install -y --no-install-recommends nodejs npm
WORKDIR /srv/rasai
COPY setup setup
COPY requirements.txt package.json package-lock.json ./
COPY tracker tracker
RUN DATABASE_URL=elsewhere sh setup/run.sh && rm -rf node_modules

FROM python:3.12-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client && rm -rf /var/lib/apt/lists/* \
    && useradd --system --home-dir /var/lib/rasai --create-home rasai
WORKDIR /srv/rasai
COPY --from=made /srv/rasai/.venv .venv
COPY . .
COPY --from=made /srv/rasai/tracker tracker
ENV PATH=/srv/rasai/.venv/bin:$PATH RASAI_LOCAL_DIR=/var/lib/rasai PYTHONUNBUFFERED=1
USER rasai
VOLUME /var/lib/rasai
EXPOSE 8000
CMD ["python", "-m", "setup.start"]
