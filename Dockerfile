# syntax=docker/dockerfile:1

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# The programs need no C library and carry the time zones with them.
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/ ./cmd/...

FROM debian:12-slim
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/ /usr/local/bin/
RUN useradd --system --no-create-home --uid 10001 ringback
USER ringback
EXPOSE 8080
# The same image runs the worker and the operator's tool: give another command.
CMD ["server", "-config", "/etc/ringback/config.yaml"]
