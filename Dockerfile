# docker build -t echospec .
# docker run --rm -v "$PWD:/work" echospec check tcp -- ./my-server {addr}
#
# The server runs inside the container: it must be a static program, or one for Debian. Images with other programs
# take the static program from here: COPY --from=echospec /usr/local/bin/echospec /usr/local/bin/
FROM rust:1-slim-trixie AS build
ARG COMMIT
ENV ECHOSPEC_COMMIT=$COMMIT
WORKDIR /source
COPY . .
RUN rustup target add "$(uname -m)-unknown-linux-musl" \
 && cargo install --locked --path . --target "$(uname -m)-unknown-linux-musl" --root /built

FROM debian:trixie-slim
COPY --from=build /built/bin/ /usr/local/bin/
WORKDIR /work
ENTRYPOINT ["echospec"]
