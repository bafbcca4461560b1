# One image for api, worker and starter. Standalone is not in it: its embedded Temporal server is for trials on one
# machine, where `make run` is all it takes, and would make the image several times as large.

FROM golang:1.26.8 AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/ ./api ./worker ./starter

FROM alpine:3.24
RUN adduser -D -H -u 10001 lifeline && install -d -m 700 -o lifeline -g lifeline /var/lib/lifeline
COPY --from=build /out/ /usr/local/bin/
USER lifeline
# For mail that is kept in a folder, and for SQLite when no PostgreSQL is named.
VOLUME /var/lib/lifeline
ENV LIFELINE_DATA_DIR=/var/lib/lifeline
# A container's own loopback reaches nobody outside of it: what may reach the API is decided by publishing the port.
ENV LIFELINE_HTTP_ADDR=0.0.0.0:8080
EXPOSE 8080
# For api. A worker has no port: docker-compose.yml looks at it in another way.
HEALTHCHECK --interval=5s --timeout=2s --start-period=30s CMD wget -q -O /dev/null http://127.0.0.1:8080/healthz
CMD ["api"]
