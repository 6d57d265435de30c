# kms-alias in an image that has a C library, CA certificates and nothing else: no shell, no package manager, no root.
#
#   docker build --tag kms-alias .
#   docker run --rm --volume "$PWD:/work:ro" --volume kms-alias-state:/state kms-alias validate
#
# To change: the tags of the two FROM lines. A tag can be moved; to build on exactly what you have tried, put the digest that
# `docker buildx imagetools inspect TAG` prints behind it, as in rust:1.95.0-slim-bookworm@sha256:…
# docs/running.md says how credentials and receipts get in and out.

# Of the Debian that the other stage is of, or the C library may be too new for it. It has the C compiler that `ring` needs.
FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /src
# The crates first, in a layer that only the lock file renews. `cargo clean` takes the stand-in away again, whatever the clocks say.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src \
    && printf '//! Nothing yet\nfn main() {}\n' > src/main.rs && cp src/main.rs src/lib.rs \
    && cargo build --locked --release --bin kms-alias \
    && cargo clean --locked --release --package kms-alias
# `kms-alias explain CODE` prints a section of this page.
COPY docs/risks.md docs/running.md docs/sandbox.md docs/
# `kms-alias init` writes these.
COPY examples/ci examples/ci/
COPY src src/
RUN cargo build --locked --release --bin kms-alias && mkdir /state

FROM gcr.io/distroless/cc-debian12:nonroot
ARG REVISION=unknown
LABEL org.opencontainers.image.title="kms-alias" \
      org.opencontainers.image.description="A declarative reconciler for AWS KMS aliases" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.base.name="gcr.io/distroless/cc-debian12:nonroot"
COPY --from=build /src/target/release/kms-alias /kms-alias
# Every apply leaves its receipt in /state/kms-alias: mount a volume there, or they are gone with the container.
COPY --from=build --chown=65532:65532 /state /state
ENV XDG_STATE_HOME=/state
VOLUME /state
# Where a manifest is looked for: ./aliases.yaml
WORKDIR /work
# In numbers, so that Kubernetes can see that it is not root.
USER 65532:65532
ENTRYPOINT ["/kms-alias"]
