# The image of coordinator and workers. No step here needs a network, npm or BuildKit: it only copies
# `dist` and the production `node_modules`. One command makes both and the image, also without Node on the host,
# and leaves the checkout as it is:
#
#   docker run --rm -v "$PWD":/src:ro node:22-bookworm sh -c 'mkdir /build && cd /build &&
#     tar -C /src --exclude=./node_modules --exclude=./dist --exclude=./.git -c . | tar -x &&
#     { npm ci && npm prune --omit=dev --ignore-scripts; } >&2 && tar -c Dockerfile dist node_modules' |
#     docker build -t nas-scanner-hp:latest -
#
# Another base of the same Node major and C library: --build-arg NODE_IMAGE=…
ARG NODE_IMAGE=node:22-bookworm-slim
FROM ${NODE_IMAGE}

LABEL org.opencontainers.image.title="nas-scanner" \
      org.opencontainers.image.description="Catalogs the files of a NAS mount, through a journal that loses nothing" \
      org.opencontainers.image.licenses="MIT"

ENV NODE_ENV=production
WORKDIR /opt/nas-scanner
COPY node_modules ./node_modules
COPY dist ./dist
# `nas-scanner` on the path, for `docker exec`.
COPY dist/cli/image-command.js /usr/local/bin/nas-scanner

# Run it with an init as process 1 (`--init`, in compose `init: true`); workers are started that way.
STOPSIGNAL SIGTERM
# Of the coordinator: whether its scan still writes its journal. Workers are watched by the coordinator, without this.
HEALTHCHECK --interval=5m --timeout=20s --start-period=1m \
  CMD ["node", "/opt/nas-scanner/dist/cli/healthcheck.js"]

ENTRYPOINT ["node", "/opt/nas-scanner/dist/cli/container.js"]
CMD ["--help"]
