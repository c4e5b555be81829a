# One image for web and workers: `./run.sh` by default, `./run.sh worker` for a machine that only works.
FROM python:3.11-slim

# `none` builds without the published weights; the embedded network is always there.
ARG WEIGHTS=siggraph17

RUN useradd --create-home colorizer && install -d -o colorizer /data
WORKDIR /srv/photo-colorizer

# The packages change less often than the program: their layer is kept.
COPY run.sh requirements.txt requirements*.lock ./
RUN ./run.sh install

COPY . .
# Each worker of another kind of processor than this one's compiles once more, at its first start.
RUN .venv/bin/python -m colorizers compile
RUN if [ "$WEIGHTS" != none ]; then .venv/bin/python -m colorizers weights fetch "$WEIGHTS"; fi

USER colorizer
ENV HOST=0.0.0.0 PORT=5000 DATA_DIR=/data OFFLINE=1 PYTHONUNBUFFERED=1
EXPOSE 5000
VOLUME /data
CMD ["./run.sh"]
