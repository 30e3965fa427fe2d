# syntax=docker/dockerfile:1

# The image's toolchain is the one that rust-toolchain.toml pins; change both together.
FROM rust:1.95.0-bookworm AS build
# Takes the installed toolchain as it is, without fetching clippy and rustfmt.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked --package lotse-server \
    && cp target/release/lotse /usr/local/bin/lotse

FROM debian:bookworm-slim
# A fixed number, so that the owner of a mounted volume can be set from outside.
RUN groupadd --gid 10001 lotse \
    && useradd --uid 10001 --gid lotse --no-create-home --home-dir /data --shell /usr/sbin/nologin lotse \
    && install --directory --owner=lotse --group=lotse --mode=0700 /data
COPY --from=build /usr/local/bin/lotse /usr/local/bin/lotse
# What the certificate of a provider of single sign-on is checked with.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# Fails here, not at the first start, when a library is missing.
RUN ["lotse", "--version"]

ENV LOTSE_LISTEN=0.0.0.0:8080 \
    DATABASE_URL=sqlite:///data/lotse.db \
    LOTSE_SIGNING_KEY_FILE=/data/signing-key.pem \
    LOTSE_ATTACHMENTS=/data/attachments
# Also where `lotse.toml` is looked for.
WORKDIR /data
VOLUME /data
USER 10001:10001
EXPOSE 8080
# The image has no HTTP client; bash opens the connection itself.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /health/ready HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["lotse"]
CMD ["serve"]
